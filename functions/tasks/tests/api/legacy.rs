//! Where the legacy contract, `/api/tasks`, differs from `/api/v1/tasks`. Delete it with `src/legacy/`.

use serde_json::json;

use crate::{api, task};

#[tokio::test]
async fn a_task_with_all_fields_is_returned_as_it_was_sent() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let answer = ada
        .post(
            "/api/tasks",
            json!({
                "title": "  Buy milk ", "priority": "urgent_important", "description": "The blue one",
                "due_datetime": "2026-04-01T10:00:00+02:00", "is_completed": false,
                "user_id": "00000000-0000-0000-0000-000000000000",
            }),
        )
        .await;
    let task = answer.data(201);
    assert_eq!(
        task,
        json!({
            "id": task["id"], "user_id": ada.id, "title": "Buy milk", "description": "The blue one",
            "due_datetime": "2026-04-01T08:00:00.000000Z", "priority": "urgent_important", "is_completed": false,
            "created_at": "2026-03-10T12:00:00.000000Z", "updated_at": "2026-03-10T12:00:00.000000Z",
        })
    );
    assert_eq!(answer.json().get("message"), None);
    assert_eq!(answer.header("location"), format!("/api/tasks/{}", task["id"].as_str().unwrap()));
    assert_eq!(answer.header("cache-control"), "no-store");
    let id = task["id"].as_str().unwrap();
    assert_eq!(ada.get(&format!("/api/tasks/{id}")).await.data(200), task);
}

#[tokio::test]
async fn priority_has_a_default() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let task = ada.post("/api/tasks", json!({ "title": "x" })).await.data(201);
    assert_eq!(task["priority"], "not_urgent_not_important");
}

#[tokio::test]
async fn an_unknown_priority_alone_is_400_and_among_other_errors_422() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for priority in ["urgent", "not_urgent_not_importan", "URGENT_IMPORTANT", ""] {
        let body = json!({ "title": "x", "priority": priority });
        let problem = ada.post("/api/tasks", body).await.problem(400, "invalid_parameter");
        assert!(problem["detail"].as_str().unwrap().contains("urgent_important"), "{problem}");
    }
    let id = task(&ada, "x").await["id"].as_str().unwrap().to_owned();
    ada.put(&format!("/api/tasks/{id}"), json!({ "priority": "x" })).await.problem(400, "invalid_parameter");
    let answer = ada.post("/api/tasks", json!({ "title": "", "priority": "x" })).await;
    let problem = answer.problem(422, "validation_failed");
    let pointers: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/title", "/priority"]);
    assert_eq!(answer.json()["errors"][0]["detail"], "must not be empty");
}

#[tokio::test]
async fn unknown_values_in_a_query_are_400() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for query in
        ["priority=urgent", "priority=", "sort_by=id", "sort_by=created_at;drop", "sort_order=down", "sort_order=ASC"]
    {
        let problem = ada.get(&format!("/api/tasks?{query}")).await.problem(400, "invalid_parameter");
        assert!(problem["detail"].as_str().unwrap().contains("must be one of"), "{problem}");
    }
}

#[tokio::test]
async fn a_malformed_id_is_422() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for id in ["1", "x", "%00", "01980000-0000-7000-8000-00000000000g", "%ff%fe"] {
        ada.get(&format!("/api/tasks/{id}")).await.invalid_at("/path/id");
    }
}

#[tokio::test]
async fn deleting_is_204_without_a_body() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let path = format!("/api/tasks/{}", task(&ada, "x").await["id"].as_str().unwrap());
    let answer = ada.delete(&path).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (204, ""));
    ada.get(&path).await.problem(404, "task_not_found");
    ada.delete(&path).await.problem(404, "task_not_found");
}

#[tokio::test]
async fn patching_a_task_is_405() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let id = task(&ada, "x").await["id"].as_str().unwrap().to_owned();
    let answer = ada.patch(&format!("/api/tasks/{id}"), json!({ "title": "y" })).await;
    answer.problem(405, "method_not_allowed");
    let mut allowed: Vec<&str> = answer.header("allow").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["DELETE", "GET", "HEAD", "PUT"]);
}

#[tokio::test]
async fn an_update_does_not_support_completed() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let id = task(&ada, "x").await["id"].as_str().unwrap().to_owned();
    ada.put(&format!("/api/tasks/{id}"), json!({ "is_completed": true })).await.data(200);
    ada.put(&format!("/api/tasks/{id}"), json!({ "completed": false })).await.problem(422, "validation_failed");
    let body = json!({ "title": "y", "completed": false });
    assert_eq!(ada.put(&format!("/api/tasks/{id}"), body).await.data(200)["is_completed"], true);
}
