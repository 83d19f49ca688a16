//! The refresh token in a cookie, for browsers whose scripts shall not see it.
//!
//! The cookie is `__Host-` (RFC 6265bis §4.1.3.2), HttpOnly, Secure and SameSite=Strict. It is only read from
//! requests that a page of an allowed origin has sent, as its browser says: with it the browser, and not the
//! page, proves who calls (OWASP CSRF Prevention Cheat Sheet, "Verifying Origin With Standard Headers").

use axum::extract::FromRequestParts;
use cookie::{Cookie, SameSite};
use http::header::{COOKIE, HOST, ORIGIN, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::config::{Environment, Settings};
use crate::error::{ApiError, Code};
use crate::state::App;

/// The name of the cookie.
const NAME: &str = "__Host-refresh_token";

/// What a browser says of itself: its cookie, if it has one, and whether the page that calls may use it.
#[derive(Debug)]
pub struct BrowserCookie {
    token: Option<SecretString>,
    trusted: bool,
}

impl FromRequestParts<App> for BrowserCookie {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let token = read(&parts.headers);
        Ok(Self { token, trusted: is_trusted(&parts.headers, &app.settings()) })
    }
}

impl BrowserCookie {
    /// The header that takes the cookie back; none if there is no cookie.
    #[must_use]
    pub fn take_back(&self) -> HeaderMap {
        if self.token.is_some() { header("", 0) } else { HeaderMap::new() }
    }

    /// The token, if the page may use it.
    ///
    /// # Errors
    /// 403 if there is a token and the page is of no allowed origin.
    pub fn token(&self) -> Result<Option<&str>, ApiError> {
        match &self.token {
            None => Ok(None),
            Some(token) => self.check().map(|()| Some(token.expose_secret())),
        }
    }

    /// Whether the page may be given a cookie.
    ///
    /// # Errors
    /// 403 if it is of no allowed origin.
    pub fn check(&self) -> Result<(), ApiError> {
        if self.trusted { Ok(()) } else { Err(ApiError::of(Code::OriginNotAllowed)) }
    }
}

/// The one cookie of our name. Two of them are none: one was put there by somebody else.
fn read(headers: &HeaderMap) -> Option<SecretString> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut found = lines.flat_map(Cookie::split_parse).filter_map(Result::ok).filter(|cookie| cookie.name() == NAME);
    let token = found.next().map(|cookie| SecretString::from(cookie.value()))?;
    found.next().is_none().then_some(token)
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

/// The header that gives a browser its token.
#[must_use]
pub fn set(token: &SecretString, expires_at: Timestamp, now: Timestamp) -> HeaderMap {
    header(token.expose_secret(), expires_at.duration_since(now).as_secs().max(0))
}

fn header(value: &str, seconds: i64) -> HeaderMap {
    let cookie = Cookie::build((NAME, value)).path("/").secure(true).http_only(true).same_site(SameSite::Strict);
    let text = format!("{}; Max-Age={seconds}", cookie.build());
    HeaderValue::try_from(text).map(|value| HeaderMap::from_iter([(SET_COOKIE, value)])).unwrap_or_default()
}
