//! `GET /health/config`

use axum::extract::State;
use serde::Serialize;
use shared::App;
use shared::config::{Finding, Function};
use shared::error::{ApiError, Code};
use shared::http::Json;
use utoipa::ToSchema;

/// The settings of this function, without their values.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConfigHealth {
    /// Always `configuration valid`.
    #[schema(example = "configuration valid")]
    status: &'static str,
    /// Whose settings these are: always `health`. The others do not start unless theirs are valid.
    function: Function,
    /// `development`, `staging` or `production`.
    #[schema(example = "production")]
    environment: String,
    /// Every setting this function reads.
    settings: Vec<Finding>,
}

/// Are the settings complete
///
/// Says which settings are set and from where, and which check failed; never a value. Every other function
/// refuses to start when its own settings are not valid.
#[utoipa::path(
    get, path = "/health/config", tag = "health",
    responses(
        (status = 200, description = "They are", body = ConfigHealth),
        (status = 503, description = "configuration_invalid"),
    )
)]
pub(crate) async fn check_config(State(app): State<App>) -> Result<Json<ConfigHealth>, ApiError> {
    let settings = app.settings();
    if app.live.problems().is_empty() {
        return Ok(Json(ConfigHealth {
            status: "configuration valid",
            function: Function::Health,
            environment: settings.environment.to_string(),
            settings: settings.report.clone(),
        }));
    }
    let report = serde_json::json!({ "settings": settings.report });
    let problems = app.live.problems();
    Err(ApiError::of(Code::ConfigurationInvalid)
        .with_body_status("configuration invalid")
        .with_report(report)
        .because(problems.clone()))
}
