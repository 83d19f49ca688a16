//! `DELETE /api/v1/auth/sessions/{id}`

use axum::extract::State;
use shared::App;
use shared::db::sessions;
use shared::domain::AuditContext;
use shared::error::{ApiError, Code};
use shared::http::{CurrentUser, IdPath, Json, MessageBody, PathId};

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
    context: AuditContext,
    PathId(id): PathId,
) -> Result<Json<MessageBody>, ApiError> {
    let missing = || ApiError::of(Code::SessionNotFound);
    let session = id.ok_or_else(missing)?;
    let ended = sessions::revoke_own(&app.write_unlimited(user), user.id(), session, &context).await?;
    if ended { Ok(Json(MessageBody::done("Session revoked"))) } else { Err(missing()) }
}
