//! `GET /api/docs/assets/{file}`

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use shared::error::{ApiError, Code};
use utoipa_swagger_ui::Config;

/// A file of the docs page
///
/// The scripts and styles that the docs page loads; their names are in the page.
#[utoipa::path(
    get, path = "/api/docs/assets/{file}", tag = "docs",
    params(("file" = String, Path, description = "The name of the file", example = "docs.js")),
    responses(
        (status = 200, description = "The file", content_type = "text/javascript", body = String),
        (status = 404, description = "route_not_found"),
    )
)]
pub(crate) async fn get_asset(file: Result<Path<String>, PathRejection>) -> Result<Response, ApiError> {
    let Path(file) = file.map_err(|_| ApiError::of(Code::RouteNotFound))?;
    let (kind, bytes): (&str, Cow<'static, [u8]>) = match file.as_str() {
        "docs.js" => ("text/javascript", include_bytes!("../assets/docs.js").into()),
        "docs.css" => ("text/css", include_bytes!("../assets/docs.css").into()),
        "swagger-ui.css" => ("text/css", swagger(&file)?),
        "swagger-ui-bundle.js" => ("text/javascript", swagger(&file)?),
        "favicon-32x32.png" => ("image/png", swagger(&file)?),
        _ => return Err(ApiError::of(Code::RouteNotFound)),
    };
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=3600")], bytes).into_response())
}

/// A file of Swagger UI. The crate embeds them.
fn swagger(file: &str) -> Result<Cow<'static, [u8]>, ApiError> {
    let found = utoipa_swagger_ui::serve(file, Arc::new(Config::default()));
    let found = found.map_err(|error| ApiError::internal(error.to_string()))?;
    found.map(|found| found.bytes).ok_or_else(|| ApiError::of(Code::RouteNotFound))
}
