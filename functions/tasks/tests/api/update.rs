//! `PUT /api/tasks/{id}`, `PUT` and `PATCH /api/v1/tasks/{id}`

use http::Method;
use serde_json::json;

use crate::{UNKNOWN_ID, api, task};

#[tokio::test]
async fn absent_fields_stay_and_null_clears() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let body = json!({ "title": "x", "description": "y", "due_datetime": "2026-04-01T10:00:00Z", "priority": "urgent_important" });
    let made = ada.post("/api/tasks", body).await.data(201);
    let path = format!("/api/tasks/{}", made["id"].as_str().unwrap());

    api.clock.advance_seconds(1);
    let changed = ada.put(&path, json!({ "title": " z " })).await.data(200);
    let mut expected = made.clone();
    expected["title"] = json!("z");
    expected["updated_at"] = json!("2026-03-10T12:00:01.000000Z");
    assert_eq!(changed, expected);

    let cleared = ada.put(&path, json!({ "description": null, "due_datetime": "" })).await.data(200);
    assert_eq!((&cleared["description"], &cleared["due_datetime"]), (&json!(null), &json!(null)));
    assert_eq!(cleared["priority"], "urgent_important");
}

#[tokio::test]
async fn updated_at_changes_only_if_a_field_changes() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let made = task(&ada, "x").await;
    let path = format!("/api/tasks/{}", made["id"].as_str().unwrap());
    api.clock.advance_seconds(60);
    for body in
        [json!({}), json!({ "title": "x" }), json!({ "title": " x ", "description": null, "is_completed": false })]
    {
        assert_eq!(ada.put(&path, body).await.data(200), made);
    }
    assert_eq!(
        ada.put(&path, json!({ "is_completed": true })).await.data(200)["updated_at"],
        "2026-03-10T12:01:00.000000Z"
    );
}

#[tokio::test]
async fn null_is_422_for_fields_that_cannot_be_null() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let path = format!("/api/v1/tasks/{}", task(&ada, "x").await["id"].as_str().unwrap());
    for field in ["title", "priority", "is_completed"] {
        ada.put(&path, json!({ field: null })).await.invalid_at(&format!("/{field}"));
        ada.patch(&path, json!({ field: null })).await.invalid_at(&format!("/{field}"));
    }
    ada.patch(&path, json!({ "title": "" })).await.invalid_at("/title");
    ada.patch(&path, json!({ "is_completed": "true" })).await.invalid_at("/is_completed");
    ada.patch(&path, json!([])).await.problem(422, "validation_failed");
}

#[tokio::test]
async fn a_base64_encoded_merge_patch_is_read() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let path = format!("/api/v1/tasks/{}", task(&ada, "x").await["id"].as_str().unwrap());
    let answer = ada
        .call(Method::PATCH, &path)
        .header("content-type", "application/merge-patch+json")
        .bytes(br#"{"title":"y"}"#)
        .send()
        .await;
    assert_eq!(answer.data(200)["title"], "y");
    assert_eq!(answer.json()["message"], "Task updated successfully");
}

#[tokio::test]
async fn an_unknown_priority_is_422() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let id = task(&ada, "x").await["id"].as_str().unwrap().to_owned();
    ada.patch(&format!("/api/v1/tasks/{id}"), json!({ "priority": "x" })).await.invalid_at("/priority");
}

#[tokio::test]
async fn a_long_description_can_be_saved_back() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let id = task(&ada, "x").await["id"].as_str().unwrap().to_owned();
    let body = json!({ "description": "x".repeat(10_000) });
    ada.put(&format!("/api/tasks/{id}"), body.clone()).await.data(200);
    ada.patch(&format!("/api/v1/tasks/{id}"), body).await.data(200);
    let body = json!({ "description": "x".repeat(10_001) });
    ada.patch(&format!("/api/v1/tasks/{id}"), body).await.invalid_at("/description");
}

#[tokio::test]
async fn completed_is_another_name_of_is_completed() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let id = task(&ada, "x").await["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/tasks/{id}");
    assert_eq!(ada.patch(&path, json!({ "completed": true })).await.data(200)["is_completed"], true);
    ada.patch(&path, json!({ "completed": true, "is_completed": false })).await.invalid_at("/completed");
    ada.patch(&path, json!({ "completed": null })).await.invalid_at("/completed");
}

#[tokio::test]
async fn a_body_with_only_unknown_fields_is_422_and_changes_nothing() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let made = task(&ada, "x").await;
    let id = made["id"].as_str().unwrap();
    for path in [format!("/api/tasks/{id}"), format!("/api/v1/tasks/{id}")] {
        for body in [json!({ "titel": "y" }), json!({ "user_id": ada.id, "id": id })] {
            let problem = ada.put(&path, body.clone()).await.invalid_at("");
            assert!(problem["detail"].as_str().unwrap().starts_with("nothing to change"), "{problem}");
        }
        assert_eq!(ada.put(&path, json!({})).await.data(200), made);
        assert_eq!(ada.put(&path, json!({ "title": "x", "titel": "y" })).await.data(200), made);
    }
    ada.patch(&format!("/api/v1/tasks/{id}"), json!({ "titel": "y" })).await.invalid_at("");
    assert_eq!(ada.patch(&format!("/api/v1/tasks/{id}"), json!({})).await.data(200), made);
}

#[tokio::test]
async fn another_users_task_is_404_and_is_not_changed() {
    let api = api().await;
    let (ada, eve) = (api.person("ada@example.com").await, api.person("eve@example.com").await);
    let made = task(&ada, "x").await;
    let id = made["id"].as_str().unwrap();
    for id in [id, UNKNOWN_ID] {
        eve.put(&format!("/api/tasks/{id}"), json!({ "title": "y" })).await.problem(404, "task_not_found");
        eve.patch(&format!("/api/v1/tasks/{id}"), json!({ "title": "y" })).await.problem(404, "task_not_found");
    }
    assert_eq!(ada.get(&format!("/api/tasks/{id}")).await.data(200), made);
}

#[tokio::test]
async fn the_version_counts_changes_and_completed_at_follows_is_completed() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let path = format!("/api/tasks/{}", task(&ada, "x").await["id"].as_str().unwrap());
    let owner = api.database.connect().await;
    owner.batch_execute(&format!("SET ROLE todo_tasks; SET app.user_id = '{}'", ada.id)).await.unwrap();
    let row = async || {
        let row = owner.query_typed_one("SELECT version, completed_at::text FROM tasks", &[]).await.unwrap();
        (row.get::<_, i32>(0), row.get::<_, Option<String>>(1))
    };
    assert_eq!(row().await, (1, None));
    ada.put(&path, json!({ "is_completed": true })).await.data(200);
    let (version, completed_at) = row().await;
    assert_eq!((version, completed_at.is_some()), (2, true));
    ada.put(&path, json!({ "is_completed": true })).await.data(200);
    assert_eq!(row().await, (2, completed_at));
    ada.put(&path, json!({ "is_completed": false })).await.data(200);
    assert_eq!(row().await, (3, None));
}
