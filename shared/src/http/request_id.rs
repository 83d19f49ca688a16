//! The ids of a request: ours and the caller's.

use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

/// The header with the id, in requests and responses.
pub(super) const HEADER: &str = "x-request-id";

/// The id that we generate for a request, and the id that the caller sent, if it is valid. Both are logged, because a
/// caller may send the same id with many requests.
#[derive(Clone, Debug)]
pub struct RequestId {
    own: Uuid,
    given: Option<HeaderValue>,
}

impl RequestId {
    /// Generates an id, and reads the caller's id if it has 1 to 128 letters, digits, `-`, `_` or `.`.
    #[expect(clippy::disallowed_methods, reason = "a request id is not stored, so it needs no clock")]
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let plain = |value: &&HeaderValue| {
            let bytes = value.as_bytes();
            (1..=128).contains(&bytes.len())
                && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        };
        Self { own: Uuid::new_v4(), given: headers.get(HEADER).filter(plain).cloned() }
    }

    /// Our own id.
    pub(super) fn own(&self) -> Uuid {
        self.own
    }

    /// The id that the caller sent, if it is valid.
    pub(super) fn given(&self) -> Option<&str> {
        self.given.as_ref().and_then(|given| given.to_str().ok())
    }

    /// The id for the response: the caller's, otherwise ours.
    pub(super) fn header(&self) -> HeaderValue {
        let own =
            || HeaderValue::try_from(self.own.to_string()).unwrap_or_else(|_| HeaderValue::from_static("unknown"));
        self.given.clone().unwrap_or_else(own)
    }
}
