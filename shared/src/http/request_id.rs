//! The names of a request: our own, and the caller's.

use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

/// The header that carries the name.
pub(super) const HEADER: &str = "x-request-id";

/// A request's id of our own, and that of the caller if it is a plain word. Both are logged; a caller may give many
/// requests the same.
#[derive(Clone, Debug)]
pub struct RequestId {
    own: Uuid,
    given: Option<HeaderValue>,
}

impl RequestId {
    /// Makes an id, and takes the caller's as well if it is 1 to 128 letters, digits, `-`, `_`, `.`.
    #[expect(clippy::disallowed_methods, reason = "a request id names nothing stored; it needs no clock")]
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

    /// The caller's id, if it gave one.
    pub(super) fn given(&self) -> Option<&str> {
        self.given.as_ref().and_then(|given| given.to_str().ok())
    }

    /// What the answer carries: the caller's id, else ours.
    pub(super) fn header(&self) -> HeaderValue {
        let own =
            || HeaderValue::try_from(self.own.to_string()).unwrap_or_else(|_| HeaderValue::from_static("unknown"));
        self.given.clone().unwrap_or_else(own)
    }
}
