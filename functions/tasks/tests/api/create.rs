//! `POST /api/tasks`, `POST /api/v1/tasks`

use serde_json::{Value, json};
use testkit::Answer;

use crate::api;

#[tokio::test]
async fn a_whole_task_comes_back_as_it_was_sent() {
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
            "due_datetime": "2026-04-01T08:00:00Z", "priority": "urgent_important", "is_completed": false,
            "created_at": "2026-03-10T12:00:00Z", "updated_at": "2026-03-10T12:00:00Z",
        })
    );
    assert_eq!(answer.json().get("message"), None);
    assert_eq!(answer.header("location"), format!("/api/tasks/{}", task["id"].as_str().unwrap()));
    assert_eq!(answer.header("cache-control"), "no-store");
    let id = task["id"].as_str().unwrap();
    assert_eq!(ada.get(&format!("/api/tasks/{id}")).await.data(200), task);
}

#[tokio::test]
async fn the_second_generation_gets_a_message_and_its_own_location() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let answer = ada.post("/api/v1/tasks", json!({ "title": "x", "priority": "not_urgent_important" })).await;
    let task = answer.data(201);
    assert_eq!(answer.json()["message"], "Task created successfully");
    assert_eq!(answer.header("location"), format!("/api/v1/tasks/{}", task["id"].as_str().unwrap()));
}

#[tokio::test]
async fn priority_has_a_default_in_the_first_generation_and_is_required_in_the_second() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let task = ada.post("/api/tasks", json!({ "title": "x" })).await.data(201);
    assert_eq!(task["priority"], "not_urgent_not_important");
    ada.post("/api/v1/tasks", json!({ "title": "x" })).await.invalid_at("/priority");
    ada.post("/api/v1/tasks", json!({ "title": "x", "priority": null })).await.invalid_at("/priority");
}

#[tokio::test]
async fn an_unknown_priority_is_400_in_the_first_generation_and_422_in_the_second() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for priority in ["urgent", "not_urgent_not_importan", "URGENT_IMPORTANT", ""] {
        let body = json!({ "title": "x", "priority": priority });
        let problem = ada.post("/api/tasks", body.clone()).await.problem(400, "invalid_parameter");
        assert!(problem["detail"].as_str().unwrap().contains("urgent_important"), "{problem}");
        ada.post("/api/v1/tasks", body).await.invalid_at("/priority");
    }
}

#[tokio::test]
async fn titles_have_1_to_255_characters() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let create = async |title: Value| ada.post("/api/tasks", json!({ "title": title })).await;
    for title in ["", "   ", "\u{2003}\t\n", &"x".repeat(256), "a\0b"] {
        create(title.into()).await.invalid_at("/title");
    }
    for title in [json!(null), json!(5), json!(["x"]), json!({ "a": 1 })] {
        create(title).await.invalid_at("/title");
    }
    let longest = "ü".repeat(255);
    assert_eq!(create(longest.clone().into()).await.data(201)["title"], longest);
    let problem = ada.post("/api/tasks", json!({})).await.invalid_at("/title");
    assert_eq!(problem["detail"], "title: is required");
}

#[tokio::test]
async fn descriptions_have_up_to_10000_or_5000_characters() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let body =
        |length: usize| json!({ "title": "x", "priority": "urgent_important", "description": "é".repeat(length) });
    let task = ada.post("/api/tasks", body(10_000)).await.data(201);
    assert_eq!(task["description"].as_str().unwrap().chars().count(), 10_000);
    ada.post("/api/tasks", body(10_001)).await.invalid_at("/description");
    ada.post("/api/v1/tasks", body(5_000)).await.data(201);
    ada.post("/api/v1/tasks", body(5_001)).await.invalid_at("/description");
    ada.post("/api/tasks", json!({ "title": "x", "description": "a\0b" })).await.invalid_at("/description");
}

#[tokio::test]
async fn due_dates_are_read_as_both_generations_of_clients_send_them() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let create =
        async |due: Value| -> Answer { ada.post("/api/tasks", json!({ "title": "x", "due_datetime": due })).await };
    for (sent, stored) in [
        (json!("2026-02-15T17:00"), json!("2026-02-15T17:00:00Z")),
        (json!("2026-02-15T17:00:00.25-05:00"), json!("2026-02-15T22:00:00.25Z")),
        (json!(""), json!(null)),
        (json!(null), json!(null)),
        (json!("0001-01-01T00:00:00Z"), json!("0001-01-01T00:00:00Z")),
        (json!("9999-12-30T22:00:00Z"), json!("9999-12-30T22:00:00Z")),
    ] {
        assert_eq!(create(sent).await.data(201)["due_datetime"], stored);
    }
    for sent in [
        json!("soon"),
        json!("2026-02-30T00:00:00Z"),
        json!("10000-01-01T00:00:00Z"),
        json!(" "),
        json!(1),
        json!(true),
    ] {
        create(sent).await.invalid_at("/due_datetime");
    }
}

#[tokio::test]
async fn everything_wrong_is_named_at_once() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let answer = ada.post("/api/v1/tasks", json!({ "title": "", "due_datetime": "x" })).await;
    let problem = answer.problem(422, "validation_failed");
    let pointers: Vec<&Value> = problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/title", "/due_datetime", "/priority"]);
}

#[tokio::test]
async fn a_task_may_be_done_from_the_start() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let task = ada.post("/api/tasks", json!({ "title": "x", "is_completed": true })).await.data(201);
    assert_eq!(task["is_completed"], true);
    ada.post("/api/tasks", json!({ "title": "x", "is_completed": "yes" })).await.invalid_at("/is_completed");
}
