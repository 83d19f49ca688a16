//! Signs the tokens of a session and builds the response with them.

use http::HeaderMap;
use jiff::Timestamp;
use shared::App;
use shared::config::Settings;
use shared::db::sessions::{self, NewSession};
use shared::db::users::UserRow;
use shared::domain::AuditContext;
use shared::error::{ApiError, Code};
use shared::http::cookie::BrowserCookie;
use shared::tokens::{self, Claims, RefreshToken};
use uuid::Uuid;

use crate::view::{TokenBody, TokenResponse};

/// The part of a session that goes into its next tokens.
pub(crate) struct SessionState {
    pub(crate) id: Uuid,
    pub(crate) generation: i64,
    pub(crate) expires_at: Timestamp,
    /// Whether the user has just signed in. `token` then lives for `token_ttl`, for clients that never refresh.
    pub(crate) is_new: bool,
}

/// A session that starts at the time of its context, with generation 0.
pub(crate) fn new_session<'a>(app: &App, context: &'a AuditContext) -> NewSession<'a> {
    NewSession {
        id: app.ids.next(),
        idle_expires_at: context.at + sessions::IDLE_LIFETIME,
        absolute_expires_at: context.at + sessions::ABSOLUTE_LIFETIME,
        context,
    }
}

/// Signs the tokens of a session.
pub(crate) fn sign_tokens(
    app: &App,
    settings: &Settings,
    user: UserRow,
    session: &SessionState,
    now: Timestamp,
) -> Result<TokenResponse, ApiError> {
    let unavailable = || ApiError::of(Code::AuthenticationUnavailable).because("there is no active key");
    let UserRow {
        id,
        email,
        name,
        role,
        is_active,
        email_verified: _,
        created_at,
        updated_at,
        banned_at: _,
        banned_until: _,
        ban_reason: _,
    } = user;
    let access_expires_at = now + settings.access_ttl;
    let mut claims = Claims {
        iss: settings.access_tokens.issuer.clone(),
        aud: settings.access_tokens.audience.clone(),
        sub: id,
        iat: now.as_second(),
        exp: access_expires_at.as_second(),
        jti: app.ids.next(),
        sid: session.id,
        generation: session.generation,
        role,
        user_id: id,
        email,
        name,
    };
    let access_token = tokens::sign(&settings.access_tokens, &claims).ok_or_else(unavailable)?;
    let (token, expires_at) = if session.is_new && settings.token_ttl > settings.access_ttl {
        let expires_at = now + settings.token_ttl;
        claims.exp = expires_at.as_second();
        claims.jti = app.ids.next();
        (tokens::sign(&settings.access_tokens, &claims).ok_or_else(unavailable)?, expires_at)
    } else {
        (access_token.clone(), access_expires_at)
    };
    let refresh = RefreshToken { session: session.id, generation: session.generation };
    let refresh_token = tokens::derive_refresh_token(&settings.refresh_keys, refresh).ok_or_else(unavailable)?;
    let Claims { email, name, .. } = claims;
    Ok(TokenResponse {
        user_id: id,
        email,
        name,
        is_active,
        created_at: created_at.into(),
        updated_at: updated_at.into(),
        token: token.into(),
        expires_at: whole_second(expires_at).into(),
        access_token: access_token.into(),
        token_type: "Bearer",
        expires_in: settings.access_ttl.as_secs(),
        refresh_token: Some(refresh_token),
        refresh_expires_at: session.expires_at.into(),
        refresh_cookie: None,
        refresh_cookie_reason: None,
    })
}

/// Builds the response. With `browser` the refresh token goes into the cookie, unless the browser would not store it:
/// then it stays in the body, with the reason.
pub(crate) fn respond(
    mut tokens: TokenResponse,
    browser: Option<&BrowserCookie>,
    now: Timestamp,
) -> (HeaderMap, TokenBody) {
    let Some(browser) = browser else { return (HeaderMap::new(), tokens.into()) };
    tokens.refresh_cookie_reason = browser.drop_reason();
    tokens.refresh_cookie = Some(tokens.refresh_cookie_reason.is_none());
    let token = tokens.refresh_token.take_if(|_| tokens.refresh_cookie == Some(true));
    let headers = token.map(|token| browser.set(&token, tokens.refresh_expires_at.0, now)).unwrap_or_default();
    (headers, tokens.into())
}

/// Drops the fraction of a second, as the `exp` of the token does.
fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
