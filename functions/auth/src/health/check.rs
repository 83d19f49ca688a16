//! `GET /health/auth`; in this function, because only it has the signing keys

use axum::extract::State;
use serde::Serialize;
use shared::App;
use shared::error::{ApiError, Code};
use shared::http::Json;
use shared::tokens::{self, Claims};
use utoipa::ToSchema;

/// Authentication works.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuthHealth {
    /// Always `authentication system operational`.
    #[schema(example = "authentication system operational")]
    status: &'static str,
}

/// Is authentication working
///
/// Signs a token with the active key and verifies it.
#[utoipa::path(
    get, path = "/health/auth", tag = "health",
    responses(
        (status = 200, description = "It is", body = AuthHealth),
        (status = 503, description = "authentication_unavailable"),
    )
)]
pub(crate) async fn check_authentication(State(app): State<App>) -> Result<Json<AuthHealth>, ApiError> {
    let settings = app.settings();
    let now = app.clock.now();
    let id = app.ids.next();
    let claims = Claims {
        iss: settings.access_tokens.issuer.clone(),
        aud: settings.access_tokens.audience.clone(),
        sub: id,
        iat: now.as_second(),
        exp: (now + settings.access_ttl).as_second(),
        jti: id,
        sid: id,
        generation: 0,
        role: "user".to_owned(),
        user_id: id,
        email: String::new(),
        name: None,
    };
    let unavailable = || ApiError::of(Code::AuthenticationUnavailable).with_body_status("authentication system error");
    let token = tokens::sign(&settings.access_tokens, &claims).ok_or_else(unavailable)?;
    tokens::verify(&settings.access_tokens, &token, now).map_err(|error| unavailable().because(error))?;
    Ok(Json(AuthHealth { status: "authentication system operational" }))
}
