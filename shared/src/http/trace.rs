//! The trace of a caller (W3C Trace Context).

use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

/// The header that carries it.
pub(super) const HEADER: &str = "traceparent";

/// The trace a request belongs to, and this request's own place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    /// Names the trace: 32 hexadecimal digits.
    pub(super) id: String,
    /// Names this request in the trace: 16 hexadecimal digits.
    pub(super) span: String,
    flags: String,
}

impl Trace {
    /// Reads the header; none if there is none, or it is not valid (§3.2).
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
        let whole = version != "ff" && (version != "00" || parts.next().is_none());
        let named = [id, parent].iter().all(|name| name.bytes().any(|byte| byte != b'0'));
        // The second half of a random UUID is never 0.
        let (_, span) = request.as_u64_pair();
        (whole && named).then(|| Self { id: id.to_owned(), span: format!("{span:016x}"), flags: flags.to_owned() })
    }

    /// The header of the answer.
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
    fn the_answer_names_the_same_trace_and_a_span_of_its_own() {
        let trace = read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert_eq!(trace.header().unwrap(), "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000abc-01");
        // A later version may say more.
        let later = read("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes").unwrap();
        assert_eq!(later, trace);
    }

    #[test]
    fn what_is_not_valid_is_not_read() {
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
