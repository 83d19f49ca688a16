//! `GET /api/tasks/{id}`, `GET /api/v1/tasks/{id}`

use crate::{UNKNOWN_ID, api, task};

#[tokio::test]
async fn the_owner_of_a_task_can_read_it() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let made = task(&ada, "x").await;
    for base in ["/api/tasks", "/api/v1/tasks"] {
        assert_eq!(ada.get(&format!("{base}/{}", made["id"].as_str().unwrap())).await.data(200), made);
    }
}

#[tokio::test]
async fn another_users_task_is_404_like_a_missing_one() {
    let api = api().await;
    let (ada, eve) = (api.person("ada@example.com").await, api.person("eve@example.com").await);
    let made = task(&ada, "x").await;
    for id in [made["id"].as_str().unwrap(), UNKNOWN_ID] {
        for base in ["/api/tasks", "/api/v1/tasks"] {
            eve.get(&format!("{base}/{id}")).await.problem(404, "task_not_found");
        }
    }
}

#[tokio::test]
async fn a_malformed_id_is_404() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for id in ["1", "x", "%00", "%ff"] {
        ada.get(&format!("/api/v1/tasks/{id}")).await.problem(404, "task_not_found");
    }
}

#[tokio::test]
async fn a_request_without_a_token_is_401_before_any_other_error() {
    let api = api().await;
    for path in ["/api/tasks", "/api/tasks?limit=x", "/api/tasks/not-an-id", "/api/v1/tasks/not-an-id"] {
        api.get(path).await.problem(401, "authentication_required");
    }
    api.post("/api/tasks", serde_json::json!({ "title": 5 })).await.problem(401, "authentication_required");
}
