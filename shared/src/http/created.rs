//! Responses with `201 Created`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// A response for a new resource: its body and its location.
#[derive(Debug)]
pub struct Created<T> {
    /// The path of the resource, for the header `Location`; `None` if no endpoint returns it.
    pub location: Option<String>,
    /// The resource, or an envelope with it.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, Json(self.body)).into_response();
        if let Some(location) = self.location.and_then(|path| HeaderValue::try_from(path).ok()) {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}
