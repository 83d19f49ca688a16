//! Which web pages may call the API.

use http::HeaderValue;

/// The origins CORS allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    any: bool,
    list: Vec<HeaderValue>,
}

impl Origins {
    /// Reads origins (RFC 6454) separated by commas, or `*`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut origins = Self::default();
        for origin in text.split(',').map(str::trim).filter(|origin| !origin.is_empty()) {
            if origin == "*" {
                origins.any = true;
                continue;
            }
            let origin = origin.strip_suffix('/').unwrap_or(origin).to_ascii_lowercase();
            let uri: http::Uri = origin.parse().ok()?;
            let plain = matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
                && origin.matches('/').count() == 2
                && !origin.contains('?');
            if !plain {
                return None;
            }
            origins.list.push(HeaderValue::from_str(&origin).ok()?);
        }
        (origins.any || !origins.list.is_empty()).then_some(origins)
    }

    /// Whether pages of this origin may call.
    #[must_use]
    pub fn allow(&self, origin: &HeaderValue) -> bool {
        self.any || self.list.contains(origin)
    }

    /// Whether an origin is on the list by its name; `*` names nobody.
    pub fn name(&self, origin: &HeaderValue) -> bool {
        self.list.contains(origin)
    }

    /// Whether every origin is named, served over TLS, and not of this machine.
    pub(super) fn are_public(&self) -> bool {
        !self.any
            && self.list.iter().all(|origin| {
                let uri = origin.to_str().ok().and_then(|text| text.parse::<http::Uri>().ok());
                uri.is_some_and(|uri| {
                    let host = uri.host().unwrap_or_default();
                    let local = host == "localhost"
                        || host.ends_with(".localhost")
                        || host.starts_with("127.")
                        || matches!(host, "0.0.0.0" | "[::1]" | "[::]");
                    uri.scheme_str() == Some("https") && !local
                })
            })
    }
}
