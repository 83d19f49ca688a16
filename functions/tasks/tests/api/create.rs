//! `POST /api/v1/tasks`; where both contracts agree, `POST /api/tasks` too

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::config::Function;
use testkit::{Api, TestResponse};

use crate::api;

#[tokio::test]
async fn a_task_with_all_fields_is_returned_as_it_was_sent() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let answer = ada
        .post(
            "/api/v1/tasks",
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
    assert_eq!(answer.json()["message"], "Task created successfully");
    assert_eq!(answer.header("location"), format!("/api/v1/tasks/{}", task["id"].as_str().unwrap()));
    assert_eq!(answer.header("cache-control"), "no-store");
    let id = task["id"].as_str().unwrap();
    assert_eq!(ada.get(&format!("/api/v1/tasks/{id}")).await.data(200), task);
}

#[tokio::test]
async fn priority_is_required() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    ada.post("/api/v1/tasks", json!({ "title": "x" })).await.invalid_at("/priority");
    ada.post("/api/v1/tasks", json!({ "title": "x", "priority": null })).await.invalid_at("/priority");
}

#[tokio::test]
async fn an_unknown_priority_is_422() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for priority in ["urgent", "not_urgent_not_importan", "URGENT_IMPORTANT", ""] {
        let body = json!({ "title": "x", "priority": priority });
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
async fn descriptions_have_up_to_10000_characters() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let body =
        |length: usize| json!({ "title": "x", "priority": "urgent_important", "description": "é".repeat(length) });
    for path in ["/api/tasks", "/api/v1/tasks"] {
        let task = ada.post(path, body(10_000)).await.data(201);
        assert_eq!(task["description"].as_str().unwrap().chars().count(), 10_000);
        ada.post(path, body(10_001)).await.invalid_at("/description");
    }
    for control in ["\0", "\u{1b}", "\u{7f}"] {
        let body = json!({ "title": "x", "description": format!("a{control}b") });
        ada.post("/api/tasks", body).await.invalid_at("/description");
    }
    let body = json!({ "title": "x", "description": "a\tb\r\nc" });
    assert_eq!(ada.post("/api/tasks", body).await.data(201)["description"], "a\tb\r\nc");
}

#[tokio::test]
async fn due_dates_are_accepted_as_existing_clients_send_them() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let create = async |due: Value| -> TestResponse {
        ada.post("/api/tasks", json!({ "title": "x", "due_datetime": due })).await
    };
    for (sent, stored) in [
        (json!("2026-02-15T17:00"), json!("2026-02-15T17:00:00.000000Z")),
        (json!("2026-02-15T17:00:00.25-05:00"), json!("2026-02-15T22:00:00.250000Z")),
        (json!("2026-12-24"), json!("2026-12-24T00:00:00.000000Z")),
        (json!(""), json!(null)),
        (json!(null), json!(null)),
        (json!("0001-01-01T00:00:00Z"), json!("0001-01-01T00:00:00.000000Z")),
        (json!("9999-12-30T22:00:00Z"), json!("9999-12-30T22:00:00.000000Z")),
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
async fn all_invalid_fields_are_named_together() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let pointers = |answer: &TestResponse| {
        let problem = answer.problem(422, "validation_failed");
        let errors = problem["errors"].as_array().unwrap().clone();
        errors.into_iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (body, expected) in [
        (json!({ "title": "", "due_datetime": "x" }), ["/title", "/due_datetime", "/priority"].as_slice()),
        // Wrong types, bad values and missing fields together.
        (
            json!({ "title": 5, "description": [], "due_datetime": "x" }),
            &["/title", "/description", "/due_datetime", "/priority"],
        ),
        (
            json!({ "priority": "x", "is_completed": "yes", "completed": 1 }),
            &["/title", "/priority", "/is_completed", "/completed"],
        ),
        (json!({ "title": "x", "priority": 7, "is_completed": {} }), &["/priority", "/is_completed"]),
    ] {
        assert_eq!(pointers(&ada.post("/api/v1/tasks", body.clone()).await), expected, "{body}");
    }
}

#[tokio::test]
async fn an_invisible_title_is_422() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for title in
        ["\u{200b}", "\u{200d}\u{200d}", "\u{202e}", "\u{3164}", "\u{2800}", "\u{115f}", " \u{feff} ", "\u{ad}"]
    {
        ada.post("/api/tasks", json!({ "title": title })).await.invalid_at("/title");
    }
    let family = "👩\u{200d}👩\u{200d}👧";
    assert_eq!(ada.post("/api/tasks", json!({ "title": family })).await.data(201)["title"], family);
}

#[tokio::test]
async fn second_60_is_accepted_only_where_utc_has_a_leap_second() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let create = async |due: &str| ada.post("/api/tasks", json!({ "title": "x", "due_datetime": due })).await;
    create("2026-02-15T17:00:60Z").await.invalid_at("/due_datetime");
    create("2026-12-31T23:59:60+05:00").await.invalid_at("/due_datetime");
    assert_eq!(create("2016-12-31T23:59:60Z").await.data(201)["due_datetime"], "2016-12-31T23:59:59.000000Z");
}

#[tokio::test]
async fn null_means_absent_where_it_has_no_other_meaning() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let body = json!({ "title": "x", "priority": null, "is_completed": null, "completed": null, "description": null });
    let task = ada.post("/api/tasks", body).await.data(201);
    assert_eq!((&task["priority"], &task["is_completed"]), (&json!("not_urgent_not_important"), &json!(false)));
}

#[tokio::test]
async fn completed_is_another_name_of_is_completed() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for path in ["/api/tasks", "/api/v1/tasks"] {
        let body = json!({ "title": "x", "priority": "urgent_important", "completed": true });
        assert_eq!(ada.post(path, body).await.data(201)["is_completed"], true);
        let body = json!({ "title": "x", "priority": "urgent_important", "completed": true, "is_completed": false });
        ada.post(path, body).await.invalid_at("/completed");
    }
}

#[tokio::test]
async fn a_task_can_be_created_as_completed() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let task = ada.post("/api/tasks", json!({ "title": "x", "is_completed": true })).await.data(201);
    assert_eq!(task["is_completed"], true);
    ada.post("/api/tasks", json!({ "title": "x", "is_completed": "yes" })).await.invalid_at("/is_completed");
}

/// The function with a limit on the number of tasks.
async fn with_task_limit(most: &str) -> Api {
    Api::start_with(Function::Tasks, tasks::routes, |settings| {
        settings.insert("MAX_TASKS_PER_USER".to_owned(), most.to_owned());
    })
    .await
}

#[tokio::test]
async fn at_the_limit_no_task_can_be_created_until_one_is_deleted() {
    let api = with_task_limit("3").await;
    let (ada, eve) = (api.person("ada@example.com").await, api.person("eve@example.com").await);
    let body = json!({ "title": "x", "priority": "urgent_important" });
    let made = ada.post("/api/v1/tasks", body.clone()).await.data(201);
    for _ in 0..2 {
        ada.post("/api/tasks", body.clone()).await.data(201);
    }
    for path in ["/api/tasks", "/api/v1/tasks"] {
        let full = ada.post(path, body.clone()).await.problem(409, "limit_reached");
        assert_eq!(full["detail"], "An account may store 3 tasks; delete some of yours first");
    }
    assert_eq!(ada.get("/api/tasks").await.data(200)["total_count"], 3);
    eve.post("/api/v1/tasks", body.clone()).await.data(201);
    // Existing tasks can be changed, and a deleted task makes room.
    let path = format!("/api/v1/tasks/{}", made["id"].as_str().unwrap());
    ada.patch(&path, json!({ "title": "y" })).await.data(200);
    ada.delete(&path).await.data(200);
    ada.delete(&path).await.problem(404, "task_not_found");
    ada.post("/api/v1/tasks", body.clone()).await.data(201);
    ada.post("/api/v1/tasks", body).await.problem(409, "limit_reached");
}

#[tokio::test]
async fn of_many_concurrent_creates_exactly_as_many_succeed_as_the_limit_allows() {
    let api = with_task_limit("5").await;
    let ada = api.person("ada@example.com").await;
    let answers = join_all((0..30).map(|_| ada.post("/api/tasks", json!({ "title": "x" })))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 5);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.problem(409, "limit_reached");
    }
    assert_eq!(ada.get("/api/tasks").await.data(200)["total_count"], 5);
}
