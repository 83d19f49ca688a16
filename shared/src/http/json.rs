//! Extractors of request bodies.

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use serde_path_to_error::Segment;

use crate::error::{ApiError, Code};

/// A JSON body. The errors are problems: 415, 413, 400 for malformed JSON, 422 with a pointer for a wrong value.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(not_json());
        }
        parse(&read(request, state).await?).map(Self)
    }
}

/// A body of any type within the size limit, for endpoints that must work without a valid body.
#[derive(Debug)]
pub struct Body {
    /// The bytes of the body.
    pub bytes: Bytes,
    is_json: bool,
}

impl Body {
    /// Parses the body as JSON.
    ///
    /// # Errors
    /// The errors of [`Json`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        if self.is_json { parse(&self.bytes) } else { Err(not_json()) }
    }
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        read(request, state).await.map(|bytes| Self { bytes, is_json })
    }
}

fn not_json() -> ApiError {
    ApiError::new(Code::UnsupportedMediaType, "Send the body as application/json")
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == http::StatusCode::PAYLOAD_TOO_LARGE {
            ApiError::of(Code::PayloadTooLarge)
        } else {
            ApiError::new(Code::BadRequest, "The body cannot be read").because(rejection)
        }
    })
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Whether the body is JSON: `application/json`, a type with the suffix `+json` such as `application/merge-patch+json`,
/// or no type. A header that was sent twice, which API Gateway joins with a comma, is accepted if both values are JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(CONTENT_TYPE).iter().map(|line| line.to_str().unwrap_or("unreadable"));
    let json = lines.all(|line| {
        line.split(',').all(|kind| {
            let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            let known = essence.starts_with("application/") && essence.ends_with("+json");
            known || ["", "application/json"].contains(&essence.as_str())
        })
    });
    // Compressed bodies are not supported. A charset has no meaning for JSON, which is UTF-8 (RFC 8259 §8.1, §11).
    let plain = headers.get(CONTENT_ENCODING).is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    json && plain
}

/// Parses JSON; errors point at the wrong value.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // Ignore a byte order mark (RFC 8259 §8.1).
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.is_empty() {
        return Err(ApiError::new(Code::MalformedJson, "The body is empty; send a JSON object"));
    }
    if nests_deeply(bytes) {
        let detail = format!("The body is nested more than {MAX_DEPTH} levels deep");
        return Err(ApiError::new(Code::MalformedJson, detail));
    }
    // serde would accept a list as the fields of an object in order.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        let any: Result<IgnoredAny, _> = serde_json::from_slice(bytes);
        return Err(any.map_or_else(|error| malformed(&error), |_| ApiError::invalid("", "must be a JSON object")));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| refusal(&error))?;
    let rest = deserializer.end();
    rest.map_err(|error| malformed(&error))?;
    Ok(value)
}

/// The largest nesting depth. serde does not limit it in fields that it skips.
const MAX_DEPTH: usize = 64;

fn nests_deeply(bytes: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    bytes.iter().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_DEPTH
    })
}

fn refusal(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let inner = error.inner();
    if inner.classify() != Category::Data {
        return malformed(inner);
    }
    let text = inner.to_string();
    // Leave out the position, which does not help a person.
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(format!("/{index}")),
        Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    let pointer: String = error.path().iter().filter_map(segment).collect();
    // serde names a missing or repeated field only in its message, not in the path.
    if let Some(field) = reason.strip_prefix("duplicate field `").and_then(|rest| rest.strip_suffix('`')) {
        return ApiError::invalid(format!("{pointer}/{field}"), "is given twice");
    }
    if let Some(field) = reason.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return ApiError::invalid(format!("{pointer}/{field}"), "is required");
    }
    ApiError::invalid(pointer, describe(reason))
}

fn malformed(error: &serde_json::Error) -> ApiError {
    let detail = format!("The body is not valid JSON: line {}, column {}", error.line(), error.column());
    ApiError::new(Code::MalformedJson, detail)
}

/// The expected type. serde's own message quotes the given value, which may be long or a password.
pub(super) fn describe(reason: &str) -> String {
    match reason.strip_prefix("invalid type: ").and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((given, expected)) => {
            let kind = given.split([' ', '`']).next().unwrap_or(given);
            format!("must be {expected}, not {kind}")
        }
        None => match reason.rsplit_once(", expected ") {
            Some((_, expected)) => format!("must be {expected}"),
            None => "is not acceptable".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Shape {
        title: String,
        done: Option<bool>,
    }

    fn error(text: &str) -> (Code, String) {
        let error = parse::<Shape>(text.as_bytes()).unwrap_err();
        (error.code(), error.detail().to_owned())
    }

    #[test]
    fn a_missing_field_is_named() {
        assert_eq!(error("{}"), (Code::ValidationFailed, "title: is required".to_owned()));
    }

    #[test]
    fn a_wrong_type_is_named_without_its_value() {
        assert_eq!(
            error(r#"{"title":5}"#),
            (Code::ValidationFailed, "title: must be a string, not integer".to_owned())
        );
        let (code, detail) = error(r#"{"title":"x","done":"hunter2"}"#);
        assert_eq!((code, detail.as_str()), (Code::ValidationFailed, "done: must be a boolean, not string"));
    }

    #[test]
    fn malformed_json_is_refused() {
        for text in ["", "{", "{'title':1}", "\u{0}", r#"{"title":"x"} x"#, &"[".repeat(100_000)] {
            assert_eq!(error(text).0, Code::MalformedJson, "{}", &text[..text.len().min(20)]);
        }
        let error = parse::<Shape>(b"{\"title\":\"\xff\"}").unwrap_err();
        assert_eq!(error.code(), Code::MalformedJson);
    }

    #[test]
    fn a_body_must_be_an_object() {
        for text in ["[]", r#"["x"]"#, "null", "5", "\"x\""] {
            assert_eq!(error(text), (Code::ValidationFailed, "must be a JSON object".to_owned()), "{text}");
        }
        assert_eq!(error("[x").0, Code::MalformedJson);
    }

    #[test]
    fn nesting_is_limited_even_in_unknown_fields() {
        let nested = |depth: usize| format!(r#"{{"title":"[[","x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(parse::<Shape>(nested(63).as_bytes()).is_ok());
        assert_eq!(error(&nested(64)).0, Code::MalformedJson);
    }

    #[test]
    fn a_field_given_twice_is_refused() {
        assert_eq!(error(r#"{"title":"a","title":"b"}"#).1, "title: is given twice");
    }
}
