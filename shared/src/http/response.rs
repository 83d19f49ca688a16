//! Responses in the form that Lambda returns to API Gateway (HTTP API, payload format 2.0).

use std::collections::HashMap;

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_LENGTH, SET_COOKIE};
use serde::Serialize;

/// A response in the form that Lambda returns to API Gateway.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LambdaResponse {
    status_code: u16,
    headers: HashMap<String, String>,
    /// Serialized even if empty, because `cargo lambda watch` requires it.
    cookies: Vec<String>,
    body: String,
    is_base64_encoded: bool,
}

impl LambdaResponse {
    /// Converts a response. A body that is not UTF-8 is encoded in base64.
    ///
    /// # Errors
    /// If reading the body fails, which never happens for a body in memory.
    pub async fn from_response(response: Response) -> Result<Self, axum::Error> {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await?;
        let (body, is_base64_encoded) = match String::from_utf8(body.into()) {
            Ok(text) => (text, false),
            Err(other) => (STANDARD.encode(other.as_bytes()), true),
        };
        let mut answer = Self {
            status_code: parts.status.as_u16(),
            headers: HashMap::with_capacity(parts.headers.len()),
            cookies: Vec::new(),
            body,
            is_base64_encoded,
        };
        for (name, value) in &parts.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            // API Gateway sets the length itself.
            if name == CONTENT_LENGTH {
                continue;
            }
            if name == SET_COOKIE {
                answer.cookies.push(value.into_owned());
            } else if let Some(line) = answer.headers.get_mut(name.as_str()) {
                // Several lines of a header are equal to one line with commas (RFC 9110 §5.3).
                line.push_str(", ");
                line.push_str(&value);
            } else {
                answer.headers.insert(name.to_string(), value.into_owned());
            }
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn headers_with_several_values_and_cookies_survive() {
        let mut response = Response::new(Body::from(vec![0xff_u8, 0x00]));
        for (name, value) in [("vary", "origin"), ("vary", "accept"), ("set-cookie", "a=1"), ("set-cookie", "b=2")] {
            response.headers_mut().append(name, HeaderValue::from_static(value));
        }
        let answer = serde_json::to_value(LambdaResponse::from_response(response).await.unwrap()).unwrap();
        let expected = json!({
            "statusCode": 200, "headers": { "vary": "origin, accept" }, "cookies": ["a=1", "b=2"], "body": "/wA=",
            "isBase64Encoded": true,
        });
        assert_eq!(answer, expected);
    }
}
