//! What API Gateway has no route for: 405 if the path is known with other methods, else 404.

use axum::response::{IntoResponse, Response};
use http::header::ALLOW;
use http::{HeaderValue, Method, Uri};
use shared::ApiError;
use shared::error::Code;

include!(concat!(env!("OUT_DIR"), "/paths.rs"));

/// Answers a request that fits no route.
pub(crate) async fn unmatched(method: Method, uri: Uri) -> Response {
    let Some(allowed) = allowed(uri.path()).filter(|allowed| !allowed.split(',').any(|known| known == method)) else {
        return ApiError::of(Code::RouteNotFound).into_response();
    };
    let mut response = ApiError::of(Code::MethodNotAllowed).into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// The methods that the API knows for a path.
fn allowed(path: &str) -> Option<&'static str> {
    let fits = |pattern: &str| {
        let mut parts = path.split('/');
        let fit = pattern.split('/').all(|expected| {
            parts.next().is_some_and(|part| part == expected || (expected.starts_with('{') && !part.is_empty()))
        });
        fit && parts.next().is_none()
    };
    PATHS.iter().find(|(pattern, _)| fits(pattern)).map(|(_, allowed)| *allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_known_by_its_pattern() {
        assert_eq!(allowed("/api/v1/auth/signin"), Some("POST"));
        assert_eq!(allowed("/api/v1/tasks/1/complete"), Some("PATCH"));
        assert_eq!(allowed("/api/tasks"), Some("GET,POST"));
        for path in ["/api/v1/tasks/", "/api/v1/tasks//complete", "/api/v1/tasks/1/2", "/api", "", "//", "/API/tasks"] {
            assert_eq!(allowed(path), None, "{path}");
        }
    }
}
