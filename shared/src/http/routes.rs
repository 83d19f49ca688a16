//! A function's routes, written once for two readers: a [`Router`] serves them, an [`OpenApiRouter`] documents them
//! as well. A function that starts builds the first alone, and what makes the document is not in its binary.

use axum::handler::Handler;
use axum::routing::{any, on};
use axum::{Extension, Router};
use utoipa::openapi::{HttpMethod, OpenApi};
use utoipa_axum::PathItemExt;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::state::App;

/// Every path; a route that says more goes before.
const ANYTHING: &str = "/{*path}";

/// What routes are added to.
pub trait Routes: Sized {
    /// No route yet.
    #[must_use]
    fn none() -> Self;

    /// Adds what [`routes!`](crate::routes) made of handlers.
    #[must_use]
    fn add(self, routes: impl FnOnce(Self) -> Self) -> Self {
        routes(self)
    }

    /// Adds one handler, and what the document says of it.
    #[must_use]
    fn handler<Endpoint: utoipa::Path, T: 'static>(
        self,
        handler: impl Handler<T, App>,
        documented: impl FnOnce() -> UtoipaMethodRouter<App>,
    ) -> Self;

    /// Adds a handler for every path that has no route; no document mentions it.
    #[must_use]
    fn otherwise<T: 'static>(self, handler: impl Handler<T, App>) -> Self;

    /// Puts routes under a path.
    #[must_use]
    fn nest(self, path: &str, inner: Self) -> Self;

    /// Adds other routes.
    #[must_use]
    fn merge(self, other: Self) -> Self;

    /// Gives all handlers so far a value they may extract.
    #[must_use]
    fn extension(self, value: impl Clone + Send + Sync + 'static) -> Self;

    /// Changes what the document says of all routes so far.
    #[must_use]
    fn document(self, change: impl FnOnce(&mut OpenApi)) -> Self;
}

impl Routes for Router<App> {
    fn none() -> Self {
        Self::new()
    }

    fn handler<Endpoint: utoipa::Path, T: 'static>(
        self,
        handler: impl Handler<T, App>,
        _: impl FnOnce() -> UtoipaMethodRouter<App>,
    ) -> Self {
        let path = Endpoint::path();
        let add =
            |router: Self, method: HttpMethod| router.route(&path, on(method.to_method_filter(), handler.clone()));
        Endpoint::methods().into_iter().fold(self, add)
    }

    fn otherwise<T: 'static>(self, handler: impl Handler<T, App>) -> Self {
        self.route(ANYTHING, any(handler))
    }

    fn nest(self, path: &str, inner: Self) -> Self {
        self.nest(path, inner)
    }

    fn merge(self, other: Self) -> Self {
        self.merge(other)
    }

    fn extension(self, value: impl Clone + Send + Sync + 'static) -> Self {
        self.layer(Extension(value))
    }

    fn document(self, _: impl FnOnce(&mut OpenApi)) -> Self {
        self
    }
}

impl Routes for OpenApiRouter<App> {
    fn none() -> Self {
        Self::default()
    }

    fn handler<Endpoint: utoipa::Path, T: 'static>(
        self,
        _: impl Handler<T, App>,
        documented: impl FnOnce() -> UtoipaMethodRouter<App>,
    ) -> Self {
        self.routes(documented())
    }

    fn otherwise<T: 'static>(self, handler: impl Handler<T, App>) -> Self {
        self.route(ANYTHING, any(handler))
    }

    fn nest(self, path: &str, inner: Self) -> Self {
        self.nest(path, inner)
    }

    fn merge(self, other: Self) -> Self {
        self.merge(other)
    }

    fn extension(self, value: impl Clone + Send + Sync + 'static) -> Self {
        self.layer(Extension(value))
    }

    fn document(mut self, change: impl FnOnce(&mut OpenApi)) -> Self {
        change(self.get_openapi_mut());
        self
    }
}

/// Handlers with `#[utoipa::path]`, as `module::handler`, for [`Routes::add`](crate::http::Routes::add). Paths and
/// methods are what the attribute says.
#[macro_export]
macro_rules! routes {
    ($($module:ident :: $handler:ident),+ $(,)?) => {
        |routes| {
            $crate::utoipa_axum::paste! {
                routes$(.handler::<$module::[<__path_ $handler>], _>(
                    $module::$handler,
                    || $crate::utoipa_axum::routes!($module::$handler),
                ))+
            }
        }
    };
}
