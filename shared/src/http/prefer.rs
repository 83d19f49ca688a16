//! `Prefer: handling=strict` (RFC 7240 §4.4): the client wants an error for unknown query parameters.

use http::HeaderMap;

/// The response header with the preference that was applied.
pub(super) const APPLIED: &str = "preference-applied";

/// The preference for strict handling.
pub(super) const STRICT: &str = "handling=strict";

/// Whether the client asks for strict handling. If a preference is repeated, the first one counts (RFC 7240 §2).
pub(super) fn is_strict(headers: &HeaderMap) -> bool {
    let lines = headers.get_all("prefer").iter().filter_map(|line| line.to_str().ok());
    let mut preferences = lines.flat_map(|line| line.split(',')).map(|preference| {
        let name_and_value = preference.split(';').next().unwrap_or_default();
        let (name, value) = name_and_value.split_once('=').unwrap_or((name_and_value, ""));
        (name.trim(), value.trim().trim_matches('"'))
    });
    let handling = |(name, value): (&str, &'_ str)| name.eq_ignore_ascii_case("handling").then(|| value == "strict");
    preferences.find_map(handling).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_is_found_among_other_preferences() {
        let strict =
            |text: &str| is_strict(&HeaderMap::from_iter([("prefer".parse().unwrap(), text.parse().unwrap())]));
        for text in ["handling=strict", "respond-async, handling = \"strict\"; x=1", "Handling=strict"] {
            assert!(strict(text), "{text}");
        }
        for text in ["", "handling=lenient, handling=strict", "handling", "strict", "return=minimal"] {
            assert!(!strict(text), "{text}");
        }
    }
}
