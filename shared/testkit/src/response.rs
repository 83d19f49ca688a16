//! A response, and the assertions that tests make about it.

use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// The response to a call.
#[derive(Clone, Debug)]
pub struct TestResponse {
    pub status: StatusCode,
    /// `set-cookie` may occur several times.
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl TestResponse {
    /// The body as JSON.
    ///
    /// # Panics
    /// If the body is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{} with a body that is not JSON ({error}): {}", self.status, self.text()))
    }

    /// Asserts that every time in the body has six decimal digits.
    pub(crate) fn check_times(&self) {
        fn walk(value: &Value) {
            match value {
                Value::String(text) => {
                    let bytes = text.as_bytes();
                    let digits = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
                    let is_time = bytes.len() >= 19 && &bytes[10..11] == b"T" && digits(0..4) && digits(11..13);
                    let has_layout =
                        || bytes.len() == 27 && digits(20..26) && text.ends_with('Z') && &bytes[19..20] == b".";
                    assert!(!is_time || has_layout(), "{text} is not a time with six decimal digits");
                }
                Value::Array(values) => values.iter().for_each(walk),
                Value::Object(fields) => fields.values().for_each(walk),
                _ => {}
            }
        }
        let body: Option<Value> = serde_json::from_slice(&self.body).ok();
        body.filter(|body| body["success"] == true).iter().for_each(walk);
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header; empty if it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The field `data` of a successful response.
    ///
    /// # Panics
    /// If the status differs, or the body is not the envelope of a success.
    #[expect(clippy::must_use_candidate, reason = "may be called only for its assertions")]
    #[track_caller]
    pub fn data(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        let json = self.json();
        assert_eq!(json["success"], true, "{json}");
        json["data"].clone()
    }

    /// Asserts that this is a complete problem with a status and a code, and returns it.
    ///
    /// # Panics
    /// If the assertion fails.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let json = self.json();
        assert_eq!(json["code"], code, "{json}");
        assert_eq!(json["type"], format!("/api/docs/problems#{code}"));
        assert_eq!(json["success"], false);
        assert!(json["title"].is_string() && json["detail"].is_string(), "{json}");
        let instance = json["instance"].as_str().and_then(|instance| instance.strip_prefix("urn:uuid:"));
        assert!(instance.is_some_and(|id| id.len() == 36), "{json}");
        // Some AWS gateways rename this header.
        let challenge = ["www-authenticate", "x-amzn-remapped-www-authenticate"];
        assert_eq!(status == 401, challenge.iter().any(|name| self.headers.contains_key(*name)));
        json
    }

    /// Asserts that this is a 422 with exactly one error, at `pointer`.
    ///
    /// # Panics
    /// If the assertion fails.
    #[track_caller]
    pub fn invalid_at(&self, pointer: &str) -> Value {
        let json = self.problem(422, "validation_failed");
        let pointers: Vec<&str> =
            json["errors"].as_array().into_iter().flatten().filter_map(|error| error["pointer"].as_str()).collect();
        assert_eq!(pointers, [pointer], "{json}");
        json
    }
}
