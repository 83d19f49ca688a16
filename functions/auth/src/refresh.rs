//! `POST /api/v1/auth/refresh`

use axum::extract::State;
use serde::Deserialize;
use shared::App;
use shared::db::sessions::{self, Presented, Refreshed};
use shared::error::{ApiError, Code};
use shared::http::{Json, client};
use utoipa::ToSchema;

use crate::issue::{self, Session};
use crate::presented;
use crate::view::SignedInBody;

/// What to trade for new tokens.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Refresh {
    /// The newest refresh token the client has stored.
    #[schema(example = "rt1.AZmP…")]
    refresh_token: String,
}

/// Refresh
///
/// Trades a refresh token for new tokens. Sending it again, because the answer was lost or a second tab was
/// as quick, gives the same successor.
#[utoipa::path(
    post, path = "/refresh", tag = "auth", request_body = Refresh,
    responses(
        (status = 200, description = "The account and its new tokens", body = SignedInBody),
        (status = 401, description = "refresh_token_invalid, refresh_token_superseded, refresh_token_reused, refresh_token_ahead, session_revoked, session_expired, account_disabled"),
    )
)]
pub(crate) async fn refresh(
    State(app): State<App>,
    client::From(client): client::From,
    Json(body): Json<Refresh>,
) -> Result<Json<SignedInBody>, ApiError> {
    let token = presented::read(&app, &body.refresh_token).await;
    let token = token.map_err(|_| ApiError::of(Code::RefreshTokenInvalid))?;
    let settings = app.settings();
    let now = app.clock.now();
    let presented = Presented {
        session: token.session,
        generation: token.generation,
        at: now,
        client: &client,
        strict: settings.strict_reuse,
    };
    let code = match sessions::refresh(&app.db.anonymous(), &presented).await? {
        Refreshed::Granted { user, generation, expires_at } => {
            let session = Session { id: token.session, generation, expires_at, is_new: false };
            return Ok(Json(issue::tokens(&app, &settings, user, &session, now)?.into()));
        }
        Refreshed::Superseded => Code::RefreshTokenSuperseded,
        Refreshed::Reused => Code::RefreshTokenReused,
        Refreshed::Ahead => Code::RefreshTokenAhead,
        Refreshed::Revoked => Code::SessionRevoked,
        Refreshed::Expired => Code::SessionExpired,
        Refreshed::Disabled => Code::AccountDisabled,
    };
    if matches!(code, Code::RefreshTokenReused | Code::RefreshTokenSuperseded) {
        tracing::warn!(session = %token.session, generation = token.generation, code = code.as_str(), "an old refresh token was presented");
    }
    Err(ApiError::of(code))
}
