//! A function's routes, written once for two readers: a [`Router`] serves them, an [`OpenApiRouter`] documents them
//! as well. A function that starts builds the first alone, and what makes the document is not in its binary.

use axum::handler::Handler;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{any, on};
use axum::{Extension, Router};
use http::HeaderValue;
use utoipa::openapi::{HttpMethod, OpenApi};
use utoipa_axum::PathItemExt;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::openapi;
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

    /// Says of all routes so far that new clients do not use them: in the document, and in every answer.
    #[must_use]
    fn deprecated(self) -> Self;
}

/// When the first edition and the aliases became deprecated: 2026-12-01 (RFC 9745 §2.1).
const DEPRECATED_SINCE: &str = "@1796083200";

async fn say_deprecated(mut response: Response) -> Response {
    response.headers_mut().insert("deprecation", HeaderValue::from_static(DEPRECATED_SINCE));
    response
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

    fn deprecated(self) -> Self {
        self.layer(map_response(say_deprecated))
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

    fn deprecated(self) -> Self {
        self.document(openapi::deprecate)
    }
}

/// Handlers with `#[utoipa::path]`, as `module::handler`, for [`Routes::add`](crate::http::Routes::add). Paths and
/// methods are what the attribute says. A handler that reads query parameters is written `module::handler(query)`.
#[macro_export]
macro_rules! routes {
    ($($module:ident :: $handler:ident $(($reads:ident))?),+ $(,)?) => {
        |routes| {
            $crate::utoipa_axum::paste! {
                routes$(.handler::<$module::[<__path_ $handler>], _>(
                    $crate::routes!(@ $module::$handler $($reads)?),
                    || $crate::utoipa_axum::routes!($module::$handler),
                ))+
            }
        }
    };
    (@ $module:ident :: $handler:ident) => { $crate::http::WithoutQuery($module::$handler) };
    (@ $module:ident :: $handler:ident query) => { $module::$handler };
}
