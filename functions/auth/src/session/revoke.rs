//! `DELETE /api/v1/auth/sessions/{id}`

use axum::extract::State;
use shared::App;
use shared::db::sessions::{self, End};
use shared::error::{ApiError, Code};
use shared::http::{CurrentUser, IdPath, Json, MessageBody, PathId, client};

/// End a session
///
/// Signs out somewhere else; at once, also for its access tokens.
#[utoipa::path(
    delete, path = "/api/v1/auth/sessions/{id}", tag = "auth", params(IdPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "It has ended", body = MessageBody),
        (status = 404, description = "session_not_found"),
    )
)]
pub(crate) async fn revoke_session(
    user: CurrentUser,
    State(app): State<App>,
    client::From(client): client::From,
    PathId(id): PathId,
) -> Result<Json<MessageBody>, ApiError> {
    let missing = || ApiError::of(Code::SessionNotFound);
    let end = End { client: &client, at: app.clock.now(), event: app.ids.next() };
    let ended = sessions::revoke_own(&app.db.scope(user), user.id(), id.ok_or_else(missing)?, &end).await?;
    if ended { Ok(Json(MessageBody::done("Session revoked"))) } else { Err(missing()) }
}
