//! The limit on writes, which is checked in the round trip of the write itself.

use futures_util::future::join_all;
use http::Method;
use serde_json::json;
use shared::config::Function;
use testkit::Api;

async fn api(limit: &str) -> Api {
    Api::start_with(Function::Tasks, tasks::routes, |settings| {
        settings.remove("RATE_LIMITS");
        settings.insert("RATE_LIMIT_WRITES".to_owned(), limit.to_owned());
    })
    .await
}

#[tokio::test]
async fn every_documented_operation_has_the_limit_of_its_row() {
    let rows = [
        "create_task",
        "create_task_unversioned",
        "update_task",
        "update_task_unversioned",
        "patch_task",
        "complete_task",
        "complete_task_unversioned",
        "delete_task",
        "delete_task_unversioned",
    ]
    .map(|id| (id, &["writes"][..]));
    testkit::check_limits(Function::Tasks, tasks::routes, "tasks", &rows).await;
}

#[tokio::test]
async fn every_write_takes_a_permit_and_no_read_does() {
    let api = api("4, 1/s").await;
    let ada = api.person("ada@example.com").await;
    let made = ada.post("/api/tasks", json!({ "title": "x" })).await.data(201);
    let path = format!("/api/tasks/{}", made["id"].as_str().unwrap());
    ada.put(&path, json!({ "title": "y" })).await.data(200);
    ada.patch(&format!("{path}/complete"), json!({ "completed": true })).await.data(200);
    ada.patch(&path.replace("/api/", "/api/v1/"), json!({ "title": "z" })).await.data(200);
    for _ in 0..10 {
        ada.get(&path).await.data(200);
        ada.get("/api/tasks").await.data(200);
    }
    let refused = ada.delete(&path).await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("ratelimit-policy"), "\"writes\";q=4;w=4");
    assert_eq!(ada.get(&path).await.data(200)["title"], "z", "a refused write changes nothing");
    // Another user has their own permits.
    api.person("eve@example.com").await.post("/api/tasks", json!({ "title": "x" })).await.data(201);
    api.clock.advance_seconds(1);
    assert_eq!(ada.delete(&path).await.status, 204);
}

#[tokio::test]
async fn of_many_concurrent_writes_exactly_the_burst_passes() {
    let api = api("5, 1/h").await;
    let ada = api.person("ada@example.com").await;
    let answers = join_all((0..60).map(|_| ada.post("/api/tasks", json!({ "title": "x" })))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 5);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.problem(429, "rate_limited");
    }
    assert_eq!(ada.get("/api/tasks").await.data(200)["total_count"], 5);
    let owner = api.database.connect().await;
    let sql = "SELECT count(*) FROM audit_events WHERE kind = 'rate_limited' AND user_id = $1";
    let row = owner.query_typed_one(sql, &[(&ada.id, tokio_postgres::types::Type::UUID)]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 1, "only the first refusal of the window writes an event");
}

#[tokio::test]
async fn invalid_and_unauthenticated_requests_take_no_permit() {
    let api = api("1, 1/h").await;
    let ada = api.person("ada@example.com").await;
    for _ in 0..5 {
        ada.post("/api/tasks", json!({ "title": "" })).await.invalid_at("/title");
    }
    api.call(Method::POST, "/api/tasks")
        .json(json!({ "title": "x" }))
        .send()
        .await
        .problem(401, "authentication_required");
    ada.post("/api/tasks", json!({ "title": "x" })).await.data(201);
}

#[tokio::test]
async fn a_write_that_waited_while_its_session_was_ended_is_refused() {
    let api = api("100, 1/s").await;
    let ada = api.person("ada@example.com").await;
    ada.post("/api/tasks", json!({ "title": "x" })).await.data(201);
    // Another transaction has locked the bucket, as another of her writes would. While the write waits, her session
    // ends.
    let other = api.database.connect().await;
    other.batch_execute("BEGIN; UPDATE rate_limits SET noted_until = NULL").await.unwrap();
    let end = async {
        api.database.wait_for_lock_wait().await;
        let ended = api.database.connect().await;
        ended
            .batch_execute("SET ROLE todo_auth; UPDATE sessions SET revoked_at = now(), revoke_reason = 'x'")
            .await
            .unwrap();
        other.batch_execute("COMMIT").await.unwrap();
    };
    let (answer, ()) = futures_util::join!(ada.post("/api/tasks", json!({ "title": "late" })), end);
    answer.problem(401, "session_revoked");
}

#[tokio::test]
async fn a_write_takes_one_permit_even_if_its_answer_is_lost() {
    let api = api("1, 1/h").await;
    let ada = api.person("ada@example.com").await;
    let database = testkit::Proxy::start(api.database.server().get_ports()[0]).await;
    let mut settings = testkit::settings();
    settings.remove("RATE_LIMITS");
    settings.insert("RATE_LIMIT_WRITES".to_owned(), "2, 1/h".to_owned());
    let url = api
        .database
        .url()
        .replace(&format!(":{}/", api.database.server().get_ports()[0]), &format!(":{}/", database.port));
    settings.insert("DATABASE_URL".to_owned(), url);
    let (token, empty) = (ada.token.clone(), testkit::TestDatabase::empty().await);
    let slow = Api::start_on(empty, Function::Tasks, tasks::routes, settings).await;
    let post = async || {
        let call = slow.call(Method::POST, "/api/tasks").bearer(&token).json(json!({ "title": "x" }));
        call.with_milliseconds_left(5_000).send().await
    };
    post().await.data(201);
    database.freeze();
    post().await.data(201);
    post().await.problem(429, "rate_limited");
}
