//! The account endpoints, called in process on a real PostgreSQL; files mirror `src/`.

mod account;
mod boundaries;
mod cookie;
mod events;
mod failures;
mod health;
mod jwks;
mod legacy;
mod limits;
mod locks;
mod me;
mod model;
mod passwords;
mod refresh;
mod reuse;
mod round_trips;
mod sessions;
mod signin;
mod signout;
mod signup;
mod tokens;

use serde_json::{Value, json};
use shared::config::Function;
use testkit::{Api, TestResponse};

/// The function with its own database.
async fn api() -> Api {
    Api::start(Function::Auth, auth::routes).await
}

/// A password that meets the policy.
const PASSWORD: &str = "correct horse battery";

/// Signs up and returns the account and its tokens.
async fn sign_up(api: &Api, email: &str) -> Value {
    api.post("/api/v1/auth/signup", json!({ "email": email, "password": PASSWORD })).await.data(201)
}

/// Sends a refresh token from the same place as `sign_up`.
async fn refresh(api: &Api, token: &str) -> TestResponse {
    api.post("/api/v1/auth/refresh", json!({ "refresh_token": token })).await
}

/// The string in a field.
fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("{field} is not a string in {value}")).to_owned()
}

/// The claims of a token, without verification.
fn claims(token: &str) -> Value {
    part(token, 1)
}

/// The header of a token.
fn header(token: &str) -> Value {
    part(token, 0)
}

fn part(token: &str, index: usize) -> Value {
    use base64::Engine;
    let part = token.split('.').nth(index).expect("a JWT has three parts");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// Requests the account that a token belongs to.
async fn me(api: &Api, token: &str) -> TestResponse {
    api.call(http::Method::GET, "/api/v1/auth/me").bearer(token).send().await
}
