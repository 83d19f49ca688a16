//! The trace that a caller sends (W3C Trace Context).

use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

/// The header with the trace, in requests and responses.
pub(super) const HEADER: &str = "traceparent";

/// The trace that a request belongs to, and the span of this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    /// The id of the trace: 32 hexadecimal digits.
    pub(super) id: String,
    /// The id of this request in the trace: 16 hexadecimal digits.
    pub(super) span: String,
    flags: String,
}

impl Trace {
    /// Reads the header; `None` if it is missing or invalid (W3C Trace Context §3.2).
    pub(super) fn of(headers: &HeaderMap, request: Uuid) -> Option<Self> {
        let mut given = headers.get_all(HEADER).iter();
        let text = given.next()?.to_str().ok().filter(|_| given.next().is_none())?;
        let mut parts = text.split('-');
        let mut hex = |length: usize| {
            let digits = |part: &&str| {
                part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
            };
            parts.next().filter(digits)
        };
        let (version, id, parent, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        let valid = version != "ff" && (version != "00" || parts.next().is_none());
        let nonzero = [id, parent].iter().all(|name| name.bytes().any(|byte| byte != b'0'));
        // The second half of a random UUID is never 0.
        let (_, span) = request.as_u64_pair();
        (valid && nonzero).then(|| Self { id: id.to_owned(), span: format!("{span:016x}"), flags: flags.to_owned() })
    }

    /// The header of the response.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let Self { id, span, flags } = self;
        HeaderValue::try_from(format!("00-{id}-{span}-{flags}")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Trace> {
        let header = (http::HeaderName::from_static(HEADER), HeaderValue::from_str(text).unwrap());
        Trace::of(&HeaderMap::from_iter([header]), Uuid::from_u128(0xabc))
    }

    #[test]
    fn the_response_has_the_same_trace_and_a_new_span() {
        let trace = read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert_eq!(trace.header().unwrap(), "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000abc-01");
        // A later version may have more parts.
        let later = read("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes").unwrap();
        assert_eq!(later, trace);
    }

    #[test]
    fn an_invalid_header_is_ignored() {
        for text in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
