//! `GET /health/db`

use axum::extract::State;
use serde::Serialize;
use shared::App;
use shared::db::health;
use shared::error::{ApiError, Code};
use shared::http::Json;
use utoipa::ToSchema;

/// The database answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct DatabaseHealth {
    /// Always `database connected`.
    #[schema(example = "database connected")]
    status: &'static str,
}

/// Is the database reachable
///
/// Asks the database one question, and waits for the answer no longer than any request may.
#[utoipa::path(
    get, path = "/health/db", tag = "health",
    responses(
        (status = 200, description = "It is", body = DatabaseHealth),
        (status = 503, description = "database_unavailable"),
    )
)]
pub(crate) async fn check_database(State(app): State<App>) -> Result<Json<DatabaseHealth>, ApiError> {
    health::ping(&app.anonymous())
        .await
        .map_err(|error| ApiError::of(Code::DatabaseUnavailable).with_body_status("database error").because(error))?;
    Ok(Json(DatabaseHealth { status: "database connected" }))
}
