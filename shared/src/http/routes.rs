//! How a function lists its routes: `Router::new().route("/api/v1/tasks", post(create_task))`.
//!
//! Use [`get`], [`post`], [`put`], [`patch`] and [`delete`] of this module in place of axum's, one route for each
//! method: they refuse unknown query parameters under `Prefer: handling=strict`. A test calls every operation with it.

use axum::Router;
use axum::handler::Handler;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{self, MethodRouter};
use http::HeaderValue;

use super::WithoutQuery;
use crate::state::App;

/// When the legacy contract and the aliases became deprecated: 2026-12-01 (RFC 9745 §2.1).
const DEPRECATED_SINCE: &str = "@1796083200";

/// A `GET` endpoint without query parameters.
pub fn get<T: 'static>(handler: impl Handler<T, App>) -> MethodRouter<App> {
    routing::get(WithoutQuery(handler))
}

/// A `GET` endpoint that reads a [`Query`](super::Query), and refuses unknown parameters with `Query::finish`.
pub fn get_with_query<T: 'static>(handler: impl Handler<T, App>) -> MethodRouter<App> {
    routing::get(handler)
}

/// A `POST` endpoint.
pub fn post<T: 'static>(handler: impl Handler<T, App>) -> MethodRouter<App> {
    routing::post(WithoutQuery(handler))
}

/// A `PUT` endpoint.
pub fn put<T: 'static>(handler: impl Handler<T, App>) -> MethodRouter<App> {
    routing::put(WithoutQuery(handler))
}

/// A `PATCH` endpoint.
pub fn patch<T: 'static>(handler: impl Handler<T, App>) -> MethodRouter<App> {
    routing::patch(WithoutQuery(handler))
}

/// A `DELETE` endpoint.
pub fn delete<T: 'static>(handler: impl Handler<T, App>) -> MethodRouter<App> {
    routing::delete(WithoutQuery(handler))
}

/// Adds the header `Deprecation` to every response of these routes. Call
/// [`openapi::deprecate`](super::openapi::deprecate) for their document.
pub fn deprecated(routes: Router<App>) -> Router<App> {
    routes.layer(map_response(add_deprecation))
}

async fn add_deprecation(mut response: Response) -> Response {
    response.headers_mut().insert("deprecation", HeaderValue::from_static(DEPRECATED_SINCE));
    response
}
