//! One request is one round trip with three statements, and a lost connection does not lose the request.

use serde_json::json;
use shared::config::Function;
use testkit::{Api, PgBouncer, Proxy, TestDatabase, settings};

use crate::{UNKNOWN_ID, task};

/// The function behind a proxy that counts, straight to the server or through PgBouncer.
async fn behind_a_proxy(through_pgbouncer: bool) -> (Api, Proxy, Option<PgBouncer>) {
    if !through_pgbouncer {
        let (api, proxy) = Api::behind_a_proxy(Function::Tasks, tasks::routes).await;
        return (api, proxy, None);
    }
    let database = TestDatabase::new().await;
    let mut settings = settings();
    // Limits take no extra round trip.
    settings.remove("RATE_LIMITS");
    let bouncer = PgBouncer::start(database.server());
    let proxy = Proxy::start(bouncer.port()).await;
    settings.insert("DATABASE_URL".to_owned(), bouncer.url(database.name(), Some(proxy.port)));
    settings.insert("DATABASE_CA_CERT".to_owned(), bouncer.authority.clone());
    let api = Api::start_on(database, Function::Tasks, tasks::routes, settings).await;
    (api, proxy, Some(bouncer))
}

async fn every_request_takes_one_round_trip(through_pgbouncer: bool) {
    let (api, proxy, _bouncer) = behind_a_proxy(through_pgbouncer).await;
    let ada = api.person("ada@example.com").await;
    let id = task(&ada, "x").await["id"].as_str().unwrap().to_owned();
    assert!(proxy.take_round_trips() > 1, "connecting takes several round trips");

    let _ = proxy.take_statements();
    // The opening, which checks the session, the statement itself, and COMMIT. TLS hides them from the proxy.
    let statements = if through_pgbouncer { None } else { Some(3) };
    let mut seen = Vec::new();
    let mut count = |what: &str| {
        let statements = proxy.take_statements();
        seen.push((what.to_owned(), proxy.take_round_trips(), (!through_pgbouncer).then_some(statements)));
    };
    ada.get("/api/tasks").await.data(200);
    count("list");
    ada.get("/api/tasks?priority=urgent_important&completed=true&sort_by=due_datetime&offset=3").await.data(200);
    count("filtered list");
    ada.get(&format!("/api/tasks/{id}")).await.data(200);
    count("get");
    ada.get(&format!("/api/tasks/{UNKNOWN_ID}")).await.problem(404, "task_not_found");
    count("get of a missing task");
    ada.post("/api/tasks", json!({ "title": "x" })).await.data(201);
    count("create");
    ada.put(&format!("/api/tasks/{id}"), json!({ "title": "y" })).await.data(200);
    count("update");
    ada.patch(&format!("/api/tasks/{id}/complete"), json!({ "completed": true })).await.data(200);
    count("complete");
    assert_eq!(ada.delete(&format!("/api/tasks/{id}")).await.status, 204);
    count("delete");
    let made = ada.post("/api/v1/tasks", json!({ "title": "x", "priority": "urgent_important" })).await.data(201);
    count("create, V1");
    let path = format!("/api/v1/tasks/{}", made["id"].as_str().unwrap());
    ada.get("/api/v1/tasks").await.data(200);
    count("list, V1");
    ada.get(&path).await.data(200);
    count("get, V1");
    ada.patch(&path, json!({ "title": "y" })).await.data(200);
    count("update, V1");
    ada.patch(&format!("{path}/complete"), json!({ "completed": true })).await.data(200);
    count("complete, V1");
    ada.delete(&path).await.data(200);
    count("delete, V1");
    ada.get("/api/tasks?limit=0").await.invalid_at("/query/limit");
    assert_eq!(proxy.take_round_trips(), 0, "an invalid request takes no round trip");
    for (what, round_trips, sent) in seen {
        assert_eq!((round_trips, sent), (1, statements), "{what}");
    }
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn every_request_takes_one_round_trip_to_the_server() {
    every_request_takes_one_round_trip(false).await;
}

#[tokio::test]
async fn every_request_takes_one_round_trip_through_pgbouncer() {
    every_request_takes_one_round_trip(true).await;
}

#[tokio::test]
async fn a_dead_connection_is_replaced_without_the_client_noticing() {
    let (api, proxy, _) = behind_a_proxy(false).await;
    let ada = api.person("ada@example.com").await;
    let id = task(&ada, "x").await["id"].as_str().unwrap().to_owned();
    api.database.end_connections().await;
    ada.get(&format!("/api/tasks/{id}")).await.data(200);
    api.database.end_connections().await;
    ada.post("/api/tasks", json!({ "title": "y" })).await.data(201);
    proxy.cut();
    assert_eq!(ada.delete(&format!("/api/tasks/{id}")).await.status, 204);
    let page = ada.get("/api/tasks").await.data(200);
    assert_eq!(page["total_count"], 1, "the write that was tried twice took effect once");
    assert!(proxy.connections() >= 3);
}

#[tokio::test]
async fn a_connection_is_pinged_after_idling_and_only_then() {
    let (api, proxy, _) = behind_a_proxy(false).await;
    let ada = api.person("ada@example.com").await;
    task(&ada, "x").await;
    assert!(proxy.take_round_trips() > 1, "connecting takes several round trips");
    for (idle, round_trips) in [(30, 1), (31, 2), (0, 1), (-3, 2)] {
        api.clock.advance_seconds(idle);
        ada.get("/api/tasks").await.data(200);
        assert_eq!(proxy.take_round_trips(), round_trips, "after {idle} s");
    }
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_went_silent_while_idle_is_replaced() {
    let (api, proxy, _) = behind_a_proxy(false).await;
    let ada = api.person("ada@example.com").await;
    task(&ada, "x").await;
    api.clock.advance_seconds(31);
    proxy.freeze();
    assert_eq!(ada.get("/api/tasks").await.data(200)["total_count"], 1);
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test]
async fn a_connection_that_falls_silent_in_use_is_replaced_within_the_deadline() {
    let (api, proxy, _) = behind_a_proxy(false).await;
    let ada = api.person("ada@example.com").await;
    let id = task(&ada, "x").await["id"].as_str().unwrap().to_owned();
    proxy.freeze();
    let call = ada.call(http::Method::DELETE, &format!("/api/tasks/{id}")).with_milliseconds_left(2_500);
    // The first try took effect and its answer was lost; the second one finds nothing and answers as the first.
    assert_eq!(call.send().await.status, 204);
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test]
async fn a_create_takes_effect_once_if_its_answer_is_lost() {
    let (api, proxy, _) = behind_a_proxy(false).await;
    let ada = api.person("ada@example.com").await;
    task(&ada, "first").await;
    proxy.freeze();
    let call = ada.call(http::Method::POST, "/api/tasks").json(json!({ "title": "second" }));
    let made = call.with_milliseconds_left(2_500).send().await.data(201);
    assert_eq!(made["title"], "second");
    let page = ada.get("/api/tasks").await.data(200);
    assert_eq!(page["total_count"], 2);
    assert_eq!(page["tasks"].as_array().unwrap().iter().filter(|task| task["id"] == made["id"]).count(), 1);
}

#[tokio::test]
async fn a_delete_that_is_tried_again_without_having_run_answers_correctly() {
    let (api, _proxy, _) = behind_a_proxy(false).await;
    let (ada, eve) = (api.person("ada@example.com").await, api.person("eve@example.com").await);
    let id = task(&ada, "x").await["id"].as_str().unwrap().to_owned();
    api.database.end_connections().await;
    eve.delete(&format!("/api/tasks/{id}")).await.problem(404, "task_not_found");
    ada.get(&format!("/api/tasks/{id}")).await.data(200);
}

#[tokio::test]
async fn a_request_that_is_cancelled_removes_its_connection_from_the_pool() {
    let (api, proxy, _) = behind_a_proxy(false).await;
    let ada = api.person("ada@example.com").await;
    task(&ada, "x").await;
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(5), ada.get("/api/tasks")).await;
    assert!(given_up.is_err(), "an answer takes 25 ms");
    assert_eq!(ada.get("/api/tasks").await.data(200)["total_count"], 1);
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test]
async fn an_unreachable_database_is_503_with_retry_after() {
    let database = TestDatabase::new().await;
    let mut settings = settings();
    let free_port = local::service::free_port(None).unwrap();
    settings.insert("DATABASE_URL".to_owned(), format!("postgresql://u:p@127.0.0.1:{free_port}/d"));
    let api = Api::start_on(database, Function::Tasks, tasks::routes, settings).await;
    let ada = api.person("ada@example.com").await;
    let answer = ada.get("/api/tasks").await;
    let problem = answer.problem(503, "database_unavailable");
    assert_eq!(answer.header("retry-after"), "2");
    assert!(!problem.to_string().contains("127.0.0.1"), "{problem}");
}

#[tokio::test]
async fn concurrent_requests_keep_their_users_apart() {
    let (api, _proxy, _bouncer) = behind_a_proxy(true).await;
    let mut people = Vec::new();
    for number in 0..6 {
        people.push(api.person(&format!("p{number}@example.com")).await);
    }
    let calls = (0..60).map(|number| {
        let person = &people[number % people.len()];
        async move {
            task(person, &person.id.to_string()).await;
            let page = person.get("/api/tasks?limit=100").await.data(200);
            for task in page["tasks"].as_array().unwrap() {
                assert_eq!(task["user_id"], person.id.to_string());
                assert_eq!(task["title"], person.id.to_string());
            }
        }
    });
    futures_util::future::join_all(calls).await;
    for person in &people {
        assert_eq!(person.get("/api/tasks").await.data(200)["total_count"], 10);
    }
}
