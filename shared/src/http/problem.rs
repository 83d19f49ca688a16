//! Renders errors as `application/problem+json` (RFC 9457).

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::RequestId;
use crate::domain::LimitExceeded;
use crate::error::{ApiError, Code, FieldError};

/// A problem. `detail` is always a string, `success` always false: existing clients read them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// Where the kind of problem is explained, relative to the API.
    #[serde(rename = "type")]
    #[schema(example = "/api/docs/problems#validation_failed")]
    pub kind: String,
    /// What went wrong, the same for every occurrence.
    #[schema(example = "The input is not valid")]
    pub title: &'a str,
    /// The HTTP status.
    #[schema(value_type = u16, example = 422)]
    pub status: Value,
    /// What went wrong this time.
    #[schema(example = "title: must not be empty")]
    pub detail: &'a str,
    /// This occurrence: `urn:uuid:` and our own id of the request.
    #[schema(example = "urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e")]
    pub instance: &'a str,
    /// Always false.
    #[schema(example = false)]
    pub success: bool,
    /// The stable name of the problem.
    #[schema(example = "validation_failed")]
    pub code: &'a str,
    /// For invalid input: what is wrong where.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    pub errors: &'a [FieldError],
    /// For some problems: more to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<&'a Value>,
}

/// Writes the body of an error response, from the [`ApiError`] in its extensions.
pub(super) fn render(mut response: Response, id: &RequestId) -> Response {
    let Some(error) = response.extensions().get::<Arc<ApiError>>().map(Arc::clone) else { return response };
    let code = error.code();
    let status = code.status();
    let instance = id.own().urn().to_string();
    let body = ProblemBody {
        kind: format!("/api/docs/problems#{}", code.as_str()),
        title: code.title(),
        status: error.body_status().map_or_else(|| status.as_u16().into(), Value::from),
        detail: error.detail(),
        instance: &instance,
        success: false,
        code: code.as_str(),
        errors: error.errors(),
        data: error.report(),
    };
    let bytes = serde_json::to_vec(&body).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.remove(http::header::CONTENT_LENGTH);
    if status == StatusCode::UNAUTHORIZED {
        let challenge = match code {
            Code::TokenInvalid | Code::TokenExpired | Code::SessionRevoked | Code::SessionExpired => {
                r#"Bearer error="invalid_token""#
            }
            _ => "Bearer",
        };
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
    }
    if let Some(refused) = error.refused() {
        // draft-ietf-httpapi-ratelimit-headers-10: r permits remain, more in t seconds; q are allowed in w seconds.
        let LimitExceeded { name, limit, .. } = refused;
        let (wait, burst, window) = (refused.retry_after(), limit.burst, limit.window().ceil());
        for (name, value) in [
            ("retry-after", wait.to_string()),
            ("ratelimit", format!("\"{name}\";r=0;t={wait}")),
            ("ratelimit-policy", format!("\"{name}\";q={burst};w={window}")),
        ] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
    *response.body_mut() = Body::from(bytes);
    response
}

/// An example of a problem, for the OpenAPI document.
pub(super) fn example(code: Code) -> Value {
    let errors = [FieldError { pointer: "/title".to_owned(), detail: "must not be empty".to_owned() }];
    let invalid = code == Code::ValidationFailed;
    let body = ProblemBody {
        kind: format!("/api/docs/problems#{}", code.as_str()),
        title: code.title(),
        status: code.status().as_u16().into(),
        detail: if invalid { "title: must not be empty" } else { code.title() },
        instance: "urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e",
        success: false,
        code: code.as_str(),
        errors: if invalid { &errors } else { &[] },
        data: None,
    };
    serde_json::to_value(body).unwrap_or_default()
}
