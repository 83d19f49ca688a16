//! `DELETE /api/tasks/{id}`, `DELETE /api/v1/tasks/{id}`

use serde_json::json;

use crate::{UNKNOWN_ID, api, task};

#[tokio::test]
async fn deleting_is_200_with_a_message() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let path = format!("/api/v1/tasks/{}", task(&ada, "x").await["id"].as_str().unwrap());
    let answer = ada.delete(&path).await;
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(answer.json(), json!({ "success": true, "message": "Task deleted successfully" }));
}

#[tokio::test]
async fn another_users_task_is_404_and_stays() {
    let api = api().await;
    let (ada, eve) = (api.person("ada@example.com").await, api.person("eve@example.com").await);
    let made = task(&ada, "x").await;
    let id = made["id"].as_str().unwrap();
    for id in [id, UNKNOWN_ID] {
        eve.delete(&format!("/api/tasks/{id}")).await.problem(404, "task_not_found");
        eve.delete(&format!("/api/v1/tasks/{id}")).await.problem(404, "task_not_found");
    }
    assert_eq!(ada.get(&format!("/api/tasks/{id}")).await.data(200), made);
}
