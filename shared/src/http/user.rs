//! The authenticated caller. A handler that takes [`CurrentUser`] requires a valid access token. Put it first:
//! extractors run in order, so unauthenticated requests get 401 before any validation error.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use uuid::Uuid;

use crate::config::RereadReason;
use crate::db::Caller;
use crate::deadline;
use crate::domain::Identity;
use crate::error::{ApiError, Code};
use crate::state::App;
use crate::tokens::{self, AccessTokenSettings, TokenError};

/// The caller of a request, from a verified access token. The database checks that the session is still valid, in the
/// round trip of the request's statement.
#[derive(Clone, Copy, Debug)]
pub struct CurrentUser {
    identity: Identity,
}

impl CurrentUser {
    /// The id of the user.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.identity.user
    }

    /// The id of the session; `None` for a legacy token.
    #[must_use]
    pub fn session(&self) -> Option<Uuid> {
        self.identity.proof.session().map(|(session, _)| session)
    }

    /// The id of the session, or of the legacy token.
    #[must_use]
    pub fn holder(&self) -> Option<Uuid> {
        self.session().or_else(|| self.identity.proof.legacy_token())
    }
}

impl From<CurrentUser> for Caller {
    fn from(user: CurrentUser) -> Self {
        user.identity.into()
    }
}

impl From<&CurrentUser> for Caller {
    fn from(user: &CurrentUser) -> Self {
        user.identity.into()
    }
}

/// A caller who must be an administrator. The database checks this too, because the role may have changed since the
/// token was issued.
#[derive(Clone, Copy, Debug)]
pub struct CurrentAdmin(CurrentUser);

impl CurrentAdmin {
    /// The id of the administrator.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.0.id()
    }
}

impl From<CurrentAdmin> for Caller {
    fn from(admin: CurrentAdmin) -> Self {
        Self { as_admin: true, ..admin.0.into() }
    }
}

impl FromRequestParts<App> for CurrentAdmin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        CurrentUser::from_request_parts(parts, app).await.map(Self)
    }
}

impl FromRequestParts<App> for CurrentUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers)?.ok_or_else(|| ApiError::of(Code::AuthenticationRequired))?;
        Self::of(app, token).await
    }
}

impl CurrentUser {
    /// Verifies a token. If it names an unknown key, reads the keys again.
    ///
    /// # Errors
    /// 401 if the token is invalid or has expired.
    pub async fn of(app: &App, token: &str) -> Result<Self, ApiError> {
        let verify = |settings: &AccessTokenSettings| tokens::verify(settings, token, app.clock.now());
        match with_known_keys(app, verify).await {
            Ok(identity) => {
                deadline::set_authenticated();
                Ok(Self { identity })
            }
            Err(TokenError::Expired) => Err(ApiError::of(Code::TokenExpired)),
            Err(TokenError::Invalid | TokenError::UnknownKey) => Err(ApiError::of(Code::TokenInvalid)),
        }
    }
}

/// The identity of a token that may have expired; only for signing out.
pub async fn identity_for_sign_out(app: &App, token: &str) -> Option<Identity> {
    let verify = |settings: &AccessTokenSettings| tokens::verify_for_sign_out(settings, token);
    with_known_keys(app, verify).await.ok()
}

/// Calls `verify`; if the token names an unknown key, reads the keys again and calls it once more.
async fn with_known_keys(
    app: &App,
    verify: impl Fn(&AccessTokenSettings) -> Result<Identity, TokenError>,
) -> Result<Identity, TokenError> {
    match verify(&app.settings().access_tokens) {
        Err(TokenError::UnknownKey) => {
            app.live.reread(RereadReason::Key).await;
            verify(&app.settings().access_tokens)
        }
        verdict => verdict,
    }
}

/// The token of the header `Authorization: Bearer <token>` (RFC 6750 §2.1); `None` if there is no such header.
///
/// # Errors
/// 401 if the header has another form.
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let malformed = || ApiError::new(Code::TokenInvalid, "The Authorization header must be `Bearer <token>`");
    if values.next().is_some() {
        return Err(malformed());
    }
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(malformed)?;
    let token = token.trim();
    let plain = !token.is_empty() && token.len() <= 8192 && token.bytes().all(|byte| byte.is_ascii_graphic());
    if scheme.eq_ignore_ascii_case("bearer") && plain { Ok(Some(token)) } else { Err(malformed()) }
}
