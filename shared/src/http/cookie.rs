//! The refresh token in a cookie, so that scripts in a browser cannot read it.
//!
//! The cookie has the prefix `__Host-` (RFC 6265bis §4.1.3.2) and is HttpOnly and Secure. `REFRESH_COOKIE_SAMESITE`
//! selects the requests that carry it. The browser sends the cookie whichever page makes the request, so it is read
//! only if the header `Origin` names an allowed origin (OWASP CSRF Prevention Cheat Sheet, "Verifying Origin With
//! Standard Headers").

use axum::extract::FromRequestParts;
use cookie::Cookie;
use http::header::{COOKIE, HOST, ORIGIN, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::config::{Environment, SameSite, Settings};
use crate::error::{ApiError, Code};
use crate::state::App;

/// The name of the refresh cookie.
const NAME: &str = "__Host-refresh_token";

/// The refresh cookie of a request, and whether the calling page may use it.
#[derive(Debug)]
pub struct BrowserCookie {
    /// The tokens in the cookies with our name. After `REFRESH_COOKIE_SAMESITE` was changed, a browser may have a
    /// partitioned cookie and another one, and sends both.
    tokens: Vec<SecretString>,
    /// Whether the page is of an allowed origin.
    trusted: bool,
    /// Whether the browser says that the page is on another site than the API.
    cross_site: bool,
    same_site: SameSite,
}

impl FromRequestParts<App> for BrowserCookie {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let settings = app.settings();
        Ok(Self {
            tokens: read(&parts.headers),
            trusted: is_trusted(&parts.headers, &settings),
            cross_site: parts.headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site"),
            same_site: settings.cookie_same_site,
        })
    }
}

impl BrowserCookie {
    /// The headers that delete the cookie; empty if the request has no cookie.
    #[must_use]
    pub fn delete(&self) -> HeaderMap {
        if self.tokens.is_empty() { HeaderMap::new() } else { self.headers("", 0) }
    }

    /// The headers that delete both cookies, if there are two and the page may use them. The next cookie is then the
    /// only one.
    #[must_use]
    pub fn delete_duplicates(&self) -> HeaderMap {
        if self.tokens.len() > 1 && self.trusted { self.delete() } else { HeaderMap::new() }
    }

    /// Why the browser would drop the cookie: the page is on another site, and `SameSite` does not allow that. `None`
    /// if the browser keeps it.
    #[must_use]
    pub fn drop_reason(&self) -> Option<&'static str> {
        (self.cross_site && self.same_site != SameSite::None).then_some(
            "The page and the API are on different sites, where the browser drops this cookie. Serve both from one site, or set REFRESH_COOKIE_SAMESITE=none.",
        )
    }

    /// The headers that set the cookie, with a lifetime from `now` to `expires_at`.
    #[must_use]
    pub fn set(&self, token: &SecretString, expires_at: Timestamp, now: Timestamp) -> HeaderMap {
        self.headers(token.expose_secret(), expires_at.duration_since(now).as_secs().max(0))
    }

    fn headers(&self, value: &str, seconds: i64) -> HeaderMap {
        let other = if self.same_site == SameSite::None { SameSite::Strict } else { SameSite::None };
        let other = (self.tokens.len() > 1).then(|| header(other, "", 0)).flatten();
        let all = other.into_iter().chain(header(self.same_site, value, seconds));
        all.map(|value| (SET_COOKIE, value)).collect()
    }

    /// The token, if the page may use it.
    ///
    /// # Errors
    /// 403 if there is a token and the page is not of an allowed origin.
    pub fn token(&self) -> Result<Option<&str>, ApiError> {
        match self.tokens.as_slice() {
            [token] => self.check().map(|()| Some(token.expose_secret())),
            // One of two tokens is outdated, and the request does not say which.
            _ => Ok(None),
        }
    }

    /// All tokens, to end their sessions; empty if the page may not use them.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().filter(|_| self.trusted).map(ExposeSecret::expose_secret)
    }

    /// Checks that the page may use the cookie.
    ///
    /// # Errors
    /// 403 if the page is not of an allowed origin.
    pub fn check(&self) -> Result<(), ApiError> {
        if self.trusted { Ok(()) } else { Err(ApiError::of(Code::OriginNotAllowed)) }
    }
}

fn header(same_site: SameSite, value: &str, seconds: i64) -> Option<HeaderValue> {
    let cookie = Cookie::build((NAME, value)).path("/").secure(true).http_only(true);
    let cookie = match same_site {
        SameSite::Strict => cookie.same_site(cookie::SameSite::Strict),
        SameSite::Lax => cookie.same_site(cookie::SameSite::Lax),
        SameSite::None => cookie.same_site(cookie::SameSite::None).partitioned(true),
    };
    HeaderValue::try_from(format!("{}; Max-Age={seconds}", cookie.build())).ok()
}

/// The values of at most two cookies with our name.
fn read(headers: &HeaderMap) -> Vec<SecretString> {
    // Parse them one by one, so that another cookie that is not UTF-8 does not hide ours.
    let pairs = headers.get_all(COOKIE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let cookies = pairs.filter_map(|pair| Cookie::parse(std::str::from_utf8(pair).ok()?).ok());
    cookies.filter(|cookie| cookie.name() == NAME).map(|cookie| SecretString::from(cookie.value())).take(2).collect()
}

/// Whether the header `Origin` names an allowed origin, or the origin of the API itself.
fn is_trusted(headers: &HeaderMap, settings: &Settings) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return false };
    if settings.origins.name(origin) {
        return true;
    }
    let ours = headers.get(HOST).and_then(|host| host.to_str().ok());
    let theirs = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let secure = |scheme: &str| scheme == "https" || settings.environment == Environment::Development;
    ours.zip(theirs).is_some_and(|(host, (scheme, origin))| secure(scheme) && host.eq_ignore_ascii_case(origin))
}
