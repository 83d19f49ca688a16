//! `PATCH /api/tasks/{id}/complete`, `PATCH /api/v1/tasks/{id}/complete`

use serde_json::json;

use crate::{UNKNOWN_ID, api, task};

#[tokio::test]
async fn a_task_is_completed_and_opened_again() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let id = task(&ada, "x").await["id"].as_str().unwrap().to_owned();
    for base in ["/api/tasks", "/api/v1/tasks"] {
        for completed in [true, false] {
            let answer = ada.patch(&format!("{base}/{id}/complete"), json!({ "completed": completed })).await;
            assert_eq!(answer.data(200)["is_completed"], completed);
        }
    }
}

#[tokio::test]
async fn completed_at_is_when_an_open_task_was_completed() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let owner = api.database.connect().await;
    owner.batch_execute("SET app.importing = 'on'").await.unwrap();
    let path = format!("/api/tasks/{}", task(&ada, "x").await["id"].as_str().unwrap());
    let completed = |is_completed: bool| json!({ "is_completed": is_completed });
    for (minute, body, expected) in [
        (1, completed(true), Some("12:01")),
        (2, completed(true), Some("12:01")),
        (3, json!({ "title": "y" }), Some("12:01")),
        (4, completed(false), None),
        (5, json!({ "title": "z" }), None),
        (6, completed(true), Some("12:06")),
    ] {
        api.clock.advance_seconds(60);
        ada.put(&path, body).await.data(200);
        let sql = "SELECT to_char(completed_at AT TIME ZONE 'UTC', 'HH24:MI') FROM tasks";
        let stored: Option<String> = owner.query_typed_one(sql, &[]).await.unwrap().get(0);
        assert_eq!(stored.as_deref(), expected, "after {minute} minutes");
    }
}

#[tokio::test]
async fn completed_must_be_a_boolean() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let path = format!("/api/tasks/{}/complete", task(&ada, "x").await["id"].as_str().unwrap());
    for body in [json!({}), json!({ "completed": null }), json!({ "completed": "true" }), json!({ "completed": 1 })] {
        ada.patch(&path, body).await.invalid_at("/completed");
    }
}

#[tokio::test]
async fn another_users_task_is_404() {
    let api = api().await;
    let (ada, eve) = (api.person("ada@example.com").await, api.person("eve@example.com").await);
    let made = task(&ada, "x").await;
    for id in [made["id"].as_str().unwrap(), UNKNOWN_ID] {
        eve.patch(&format!("/api/tasks/{id}/complete"), json!({ "completed": true }))
            .await
            .problem(404, "task_not_found");
    }
}
