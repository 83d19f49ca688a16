//! `GET /api/v1/auth/sessions`

use axum::extract::State;
use serde::Serialize;
use shared::App;
use shared::db::sessions::{self, SessionRow};
use shared::error::ApiError;
use shared::http::{CurrentUser, Data, Json, Time};
use utoipa::ToSchema;
use uuid::Uuid;

/// A live session.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// The session's id.
    id: Uuid,
    /// Whether it is the one that asks.
    #[schema(example = true)]
    current: bool,
    /// When somebody signed in.
    created_at: Time,
    /// When it was last refreshed.
    last_used_at: Time,
    /// When it ends unless it is refreshed.
    expires_at: Time,
    /// The address somebody signed in from.
    #[schema(required, example = "203.0.113.7")]
    ip: Option<String>,
    /// The program that signed in.
    #[schema(required, example = "Mozilla/5.0")]
    user_agent: Option<String>,
}

/// Live sessions, last used first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Sessions {
    /// The sessions.
    sessions: Vec<Session>,
}

type SessionsBody = Data<Sessions>;

/// List sessions
///
/// Where you are signed in.
#[utoipa::path(
    get, path = "/api/v1/auth/sessions", tag = "auth", security(("bearer" = [])),
    responses((status = 200, description = "Your live sessions", body = SessionsBody))
)]
pub(crate) async fn list_sessions(user: CurrentUser, State(app): State<App>) -> Result<Json<SessionsBody>, ApiError> {
    let rows = sessions::list(&app.read(user), user.id(), app.clock.now()).await?;
    let view = |row| {
        let SessionRow { id, created_at, last_used_at, expires_at, ip, user_agent } = row;
        let current = Some(id) == user.session();
        let (created_at, last_used_at, expires_at) = (created_at.into(), last_used_at.into(), expires_at.into());
        Session { id, current, created_at, last_used_at, expires_at, ip, user_agent }
    };
    let sessions = rows.into_iter().map(view).collect();
    Ok(Json(Sessions { sessions }.into()))
}
