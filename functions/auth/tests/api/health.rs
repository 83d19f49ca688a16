//! `GET /health/auth`

use serde_json::json;

use crate::api;

#[tokio::test]
async fn a_token_is_signed_and_verified() {
    let api = api().await;
    let answer = api.get("/health/auth").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), json!({ "status": "authentication system operational" }));
}
