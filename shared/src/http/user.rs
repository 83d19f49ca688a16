//! Who calls. Naming [`CurrentUser`] in a handler is the authorisation; it comes first, so that a stranger
//! learns nothing from the checks behind it.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use uuid::Uuid;

use super::deadline;
use crate::config::Mismatch;
use crate::db::Caller;
use crate::domain::Identity;
use crate::error::{ApiError, Code};
use crate::state::App;
use crate::tokens::{self, AccessTokenSettings, TokenError};

/// The caller of a request, from a verified access token. Whether the session behind it still lives is
/// decided by the database, in the round trip of the request's own statement.
#[derive(Clone, Copy, Debug)]
pub struct CurrentUser {
    identity: Identity,
}

impl CurrentUser {
    /// The user.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.identity.user
    }

    /// The session; none for a token of the old backend.
    #[must_use]
    pub fn session(&self) -> Option<Uuid> {
        self.identity.proof.session().map(|(session, _)| session)
    }

    /// The session, or the token of the old backend.
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

/// A caller who must be an administrator. As for the session, the database decides: a token tells the role of
/// the moment it was made.
#[derive(Clone, Copy, Debug)]
pub struct CurrentAdmin(CurrentUser);

impl CurrentAdmin {
    /// The administrator.
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
    /// Verifies a token; reads the keys again if it names one we do not know.
    ///
    /// # Errors
    /// 401.
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

/// Whose token it is, even if it has expired; for signing out, and for nothing else.
pub async fn identity_to_end(app: &App, token: &str) -> Option<Identity> {
    let verify = |settings: &AccessTokenSettings| tokens::verify_for_sign_out(settings, token);
    with_known_keys(app, verify).await.ok()
}

/// Judges a token, and once more with the keys read again if it names one we do not know.
async fn with_known_keys(
    app: &App,
    verify: impl Fn(&AccessTokenSettings) -> Result<Identity, TokenError>,
) -> Result<Identity, TokenError> {
    match verify(&app.settings().access_tokens) {
        Err(TokenError::UnknownKey) => {
            app.live.reread(Mismatch::Key).await;
            verify(&app.settings().access_tokens)
        }
        verdict => verdict,
    }
}

/// The token of an `Authorization: Bearer` header (RFC 6750 §2.1); none if there is no such header.
///
/// # Errors
/// 401 if the header is of another form.
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
