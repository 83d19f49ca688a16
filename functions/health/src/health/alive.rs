//! `GET /health`

use serde::Serialize;
use shared::http::Json;
use utoipa::ToSchema;

/// The service answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Alive {
    /// Always `healthy`.
    #[schema(example = "healthy")]
    status: &'static str,
}

/// Is the service up
///
/// Touches nothing else.
#[utoipa::path(
    get, path = "/health", tag = "health",
    responses((status = 200, description = "It is", body = Alive))
)]
pub(crate) async fn check_alive() -> Json<Alive> {
    Json(Alive { status: "healthy" })
}
