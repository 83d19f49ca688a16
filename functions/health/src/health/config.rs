//! `GET /health/config`

use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;
use shared::App;
use shared::config::{Environment, Function, SettingReport};
use shared::db::{Caller, DatabaseRole, health};
use shared::error::{ApiError, Code};
use shared::http::{CurrentUser, Json, bearer};
use utoipa::ToSchema;

/// The settings of this function, without their values. Administrators see all of it, and everybody in development.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct ConfigHealth {
    /// Always `configuration valid`.
    #[schema(example = "configuration valid")]
    status: &'static str,
    /// How many checks fail: none.
    #[schema(example = 0)]
    failed_checks: usize,
    /// Always `health`: whose settings these are. The others do not start unless theirs are valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "health")]
    function: Option<&'static str>,
    /// Where this deployment stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = EnvironmentName, required = false)]
    environment: Option<String>,
    /// Every setting this function reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<SettingReport>, required = false)]
    settings: Option<Vec<SettingReport>>,
    /// How many accounts still have a password hash of the old backend; with none left, switch
    /// `LEGACY_PASSWORD_HASHES` off. Missing if the database does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, required = false, example = 0)]
    legacy_password_hashes: Option<i64>,
}

/// Where a deployment stands.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "documentation only")]
pub(crate) enum EnvironmentName {
    /// A developer's machine.
    Development,
    /// A rehearsal.
    Staging,
    /// Real users.
    Production,
}

/// Are the settings complete
///
/// Says how many checks fail. To administrators, and to everybody in development, also which settings are set and from
/// where, and which check failed; never a value. Every other function refuses to start when its own settings are not
/// valid.
#[utoipa::path(
    get, path = "/health/config", tag = "health", security((), ("bearer" = [])),
    responses(
        (status = 200, description = "They are", body = ConfigHealth),
        (status = 503, description = "configuration_invalid"),
    )
)]
pub(crate) async fn check_config(State(app): State<App>, headers: HeaderMap) -> Result<Json<ConfigHealth>, ApiError> {
    let settings = app.settings();
    let problems = app.live.problems();
    // An invalid ENVIRONMENT is read as development, which must not open the report to everybody.
    let is_valid = settings.report.iter().all(|row| row.name != "ENVIRONMENT" || row.problem.is_none());
    let in_development = settings.environment == Environment::Development && is_valid;
    let is_shown = in_development || is_administrator(&app, &headers).await;
    if problems.is_empty() {
        let mut body = ConfigHealth { status: "configuration valid", ..ConfigHealth::default() };
        if is_shown {
            let count = health::count_legacy_passwords(&app.db.with_role(DatabaseRole::Admin).anonymous()).await;
            body.function = Some(Function::Health.as_str());
            body.environment = Some(settings.environment.to_string());
            body.settings = Some(settings.report.clone());
            body.legacy_password_hashes = count.ok();
        }
        return Ok(Json(body));
    }
    let mut report = serde_json::json!({ "failed_checks": problems.list.len() });
    if is_shown {
        report["settings"] = serde_json::json!(settings.report);
    }
    Err(ApiError::of(Code::ConfigurationInvalid)
        .with_body_status("configuration invalid")
        .with_report(report)
        .because(problems.clone()))
}

/// Whether the request has the token of an administrator. The database decides, so this is false without a database.
async fn is_administrator(app: &App, headers: &HeaderMap) -> bool {
    let Ok(Some(token)) = bearer(headers) else { return false };
    let Ok(user) = CurrentUser::of(app, token).await else { return false };
    let caller = Caller { as_admin: true, ..user.into() };
    health::ping(&app.db.with_role(DatabaseRole::Admin).read(caller)).await.is_ok()
}
