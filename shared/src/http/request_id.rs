//! The name of a request, on every answer and log line.

use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

/// The header that carries it.
pub(super) const HEADER: &str = "x-request-id";

/// A request's id: the caller's if it is a plain word, else a new one.
#[derive(Clone, Debug)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// Takes the caller's id if it is 1 to 128 letters, digits, `-`, `_`, `.`.
    #[expect(clippy::disallowed_methods, reason = "a request id names nothing stored; it needs no clock")]
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let plain = |value: &&HeaderValue| {
            let bytes = value.as_bytes();
            (1..=128).contains(&bytes.len())
                && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        };
        let given = headers.get(HEADER).filter(plain).cloned();
        Self(given.unwrap_or_else(|| {
            let id = Uuid::new_v4().to_string();
            HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
        }))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}
