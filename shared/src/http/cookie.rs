//! The refresh token in a cookie, for browsers whose scripts shall not see it.
//!
//! The cookie is `__Host-` (RFC 6265bis §4.1.3.2), HttpOnly and Secure; `REFRESH_COOKIE_SAMESITE` says which pages'
//! requests carry it. It is only read from requests that a page of an allowed origin has sent, as its browser says: with
//! it the browser, and not the page, proves who calls (OWASP CSRF Prevention Cheat Sheet, "Verifying Origin With Standard
//! Headers").

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

/// The name of the cookie.
const NAME: &str = "__Host-refresh_token";

/// What a browser says of itself: its cookie, if it has one, and whether the page that calls may use it.
#[derive(Debug)]
pub struct BrowserCookie {
    /// The cookies of our name. After `REFRESH_COOKIE_SAMESITE` has changed a browser may hold a partitioned one and one
    /// that is not, and sends both.
    tokens: Vec<SecretString>,
    trusted: bool,
    /// Whether the page is of another site than the API, as its browser says.
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
    /// The header that takes the cookie back; none if there is no cookie.
    #[must_use]
    pub fn take_back(&self) -> HeaderMap {
        if self.tokens.is_empty() { HeaderMap::new() } else { self.headers("", 0) }
    }

    /// The headers that take both cookies back, if there are two and the page may use them; so the next one stands alone.
    #[must_use]
    pub fn take_back_duplicates(&self) -> HeaderMap {
        if self.tokens.len() > 1 && self.trusted { self.take_back() } else { HeaderMap::new() }
    }

    /// Why a cookie would not arrive; none if it can. A browser drops a cookie that another site's page is not to have.
    #[must_use]
    pub fn obstacle(&self) -> Option<&'static str> {
        (self.cross_site && self.same_site != SameSite::None).then_some(
            "The page and the API are on different sites, where the browser drops this cookie. Serve both from one site, or set REFRESH_COOKIE_SAMESITE=none.",
        )
    }

    /// The header that gives a browser its token.
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
    /// 403 if there is a token and the page is of no allowed origin.
    pub fn token(&self) -> Result<Option<&str>, ApiError> {
        match self.tokens.as_slice() {
            [token] => self.check().map(|()| Some(token.expose_secret())),
            // One of two is out of date, and nothing says which.
            _ => Ok(None),
        }
    }

    /// All tokens, to end their sessions; none if the page may not use them.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().filter(|_| self.trusted).map(ExposeSecret::expose_secret)
    }

    /// Whether the page may be given a cookie.
    ///
    /// # Errors
    /// 403 if it is of no allowed origin.
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

/// The cookies of our name.
fn read(headers: &HeaderMap) -> Vec<SecretString> {
    // Parsed one by one, so that a foreign cookie that is not UTF-8 does not hide ours.
    let pairs = headers.get_all(COOKIE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let cookies = pairs.filter_map(|pair| Cookie::parse(std::str::from_utf8(pair).ok()?).ok());
    cookies.filter(|cookie| cookie.name() == NAME).map(|cookie| SecretString::from(cookie.value())).take(2).collect()
}

/// Whether the browser says that a page of an allowed origin, or of our own, calls.
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
