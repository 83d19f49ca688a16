//! `GET /api/v1/auth/me`

use serde_json::json;

use crate::{PASSWORD, api, me, text};

#[tokio::test]
async fn the_account_is_in_data_and_at_the_top_level() {
    let api = api().await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Ada" });
    let data = api.post("/api/v1/auth/signup", body).await.data(201);
    let answer = me(&api, &text(&data, "token")).await;
    let id = &data["user_id"];
    assert_eq!(
        answer.json(),
        json!({
            "success": true,
            "data": {
                "user_id": id, "is_active": true, "id": id, "email": "ada@example.com", "name": "Ada", "role": "user",
                "email_verified": false, "created_at": "2026-03-10T12:00:00.000000Z", "updated_at": "2026-03-10T12:00:00.000000Z",
            },
            "id": id, "email": "ada@example.com", "name": "Ada", "role": "user", "email_verified": false,
            "created_at": "2026-03-10T12:00:00.000000Z", "updated_at": "2026-03-10T12:00:00.000000Z",
        })
    );
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn without_a_token_it_is_401() {
    let api = api().await;
    api.get("/api/v1/auth/me").await.problem(401, "authentication_required");
}
