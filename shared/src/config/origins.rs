//! The web pages that may call the API.

use http::{HeaderName, HeaderValue};

/// The origins that CORS allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    any: bool,
    list: Vec<Origin>,
}

/// One entry of `ALLOWED_ORIGINS`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    /// One origin, in the spelling that browsers send.
    Exact(String),
    /// Every sub-domain: the text before it (`https://`) and the text after it (`.example.com`).
    SubDomains { scheme: String, suffix: String },
}

impl Origin {
    /// Reads an origin as browsers send it (RFC 6454 §6.2); `None` for a text that they never send.
    fn parse(text: &str) -> Option<Self> {
        let origin = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        let (scheme, rest) = origin.split_once("://")?;
        let sub_domains = rest.strip_prefix("*.");
        let whole = format!("{scheme}://{}", sub_domains.unwrap_or(rest));
        // A browser sends no path, no user, no default port and only ASCII characters, and it writes an IP address in
        // one way. So an entry that differs from its serialised form would never match.
        let url = url::Url::parse(&whole).ok()?;
        let host = url.host_str()?;
        if !["http", "https"].contains(&scheme)
            || url.origin().ascii_serialization() != whole
            || host.contains("..")
            || host.contains('*')
        {
            return None;
        }
        let is_name = matches!(url.host(), Some(url::Host::Domain(_)));
        match sub_domains {
            None => Some(Self::Exact(origin)),
            // Anyone can register a sub-domain of a top-level domain.
            Some(parent) if is_name && host.contains('.') => {
                Some(Self::SubDomains { scheme: format!("{scheme}://"), suffix: format!(".{parent}") })
            }
            Some(_) => None,
        }
    }

    fn matches(&self, origin: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == origin,
            Self::SubDomains { scheme, suffix } => origin
                .strip_prefix(scheme.as_str())
                .and_then(|rest| rest.strip_suffix(suffix.as_str()))
                .is_some_and(|sub| {
                    let name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
                    !sub.is_empty() && sub.bytes().all(name)
                }),
        }
    }

    /// Whether it uses TLS and is not on this machine.
    fn is_public(&self) -> bool {
        match self {
            Self::SubDomains { scheme, suffix } => {
                let host = suffix.split(':').next().unwrap_or_default();
                scheme == "https://" && !host.ends_with(".localhost")
            }
            Self::Exact(origin) => origin.parse::<http::Uri>().is_ok_and(|uri| {
                let host = uri.host().unwrap_or_default();
                let local = host == "localhost"
                    || host.ends_with(".localhost")
                    || host.starts_with("127.")
                    || matches!(host, "0.0.0.0" | "[::1]" | "[::]");
                uri.scheme_str() == Some("https") && !local
            }),
        }
    }
}

impl Origins {
    /// Reads origins that are separated by commas. `https://*.example.com` allows every sub-domain, `*` every origin.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut origins = Self::default();
        for origin in text.split(',').map(str::trim).filter(|origin| !origin.is_empty()) {
            if origin == "*" {
                origins.any = true;
            } else {
                origins.list.push(Origin::parse(origin)?);
            }
        }
        (origins.any || !origins.list.is_empty()).then_some(origins)
    }

    /// Whether pages of `origin` may call.
    #[must_use]
    pub fn allow(&self, origin: &HeaderValue) -> bool {
        self.any || self.name(origin)
    }

    /// Whether the list names `origin`, by itself or as a sub-domain; `*` names no origin.
    pub fn name(&self, origin: &HeaderValue) -> bool {
        origin.to_str().is_ok_and(|origin| self.list.iter().any(|known| known.matches(origin)))
    }

    /// Whether there is no `*`, and every origin uses TLS and is not on this machine.
    pub(super) fn are_public(&self) -> bool {
        !self.any && self.list.iter().all(Origin::is_public)
    }
}

/// Reads the names of request headers, separated by commas.
pub(super) fn header_names(text: &str) -> Option<Vec<HeaderName>> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(|name| name.to_ascii_lowercase().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(text: &str) -> Option<Origins> {
        Origins::parse(text)
    }

    #[test]
    fn an_origin_that_no_browser_sends_is_refused() {
        for text in [
            "https://app.example.com:443",
            "http://app.example.com:80",
            "https://app.example.com/path",
            "https://app.example.com?x",
            "https://user@app.example.com",
            "https://app.*.example.com",
            "https://*app.example.com",
            "https://*.com",
            "https://*",
            "https://*.*.example.com",
            "https://bücher.example",
            "https://app.example.com:99999",
            "https://app.example.com:",
            "app.example.com",
            "ftp://app.example.com",
            "https://",
            "null",
        ] {
            assert_eq!(origins(text), None, "{text}");
        }
        for text in
            ["https://app.example.com", "https://app.example.com/", "http://localhost:5173", "http://[::1]:3000"]
        {
            assert!(origins(text).is_some(), "{text}");
        }
    }

    #[test]
    fn a_wildcard_is_every_sub_domain_and_nothing_else() {
        let origins = origins("https://*.example.com, https://*.preview.example.org:8443").unwrap();
        let names = |origin: &str| origins.name(&HeaderValue::from_str(origin).unwrap());
        for origin in ["https://app.example.com", "https://a.b.example.com", "https://pr-7.preview.example.org:8443"] {
            assert!(names(origin), "{origin}");
        }
        for origin in [
            "https://example.com",
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.example",
            "https://evil-example.com",
            "https://evil.example/.example.com",
            "https://x@.example.com",
            "https://.example.com.",
            "https://pr-7.preview.example.org",
        ] {
            assert!(!names(origin), "{origin}");
        }
    }
}
