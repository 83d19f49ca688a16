//! `Prefer: handling=strict` (RFC 7240 §4.4): a client that wants to be told of parameters that an endpoint does not know.

use http::HeaderMap;

/// The header that says which preference was honoured.
pub(super) const APPLIED: &str = "preference-applied";

/// The value of the header.
pub(super) const STRICT: &str = "handling=strict";

/// Whether the client asks for strict handling. Of a preference that is given twice the first counts (§2).
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
