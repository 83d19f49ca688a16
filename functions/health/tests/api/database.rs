//! `GET /health/db`

use serde_json::json;
use shared::config::Function;
use testkit::{Api, TestDatabase};

use crate::api;

#[tokio::test]
async fn a_reachable_database_is_200() {
    let api = api().await;
    let answer = api.get("/health/db").await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({ "status": "database connected" })));
}

#[tokio::test]
async fn an_unreachable_database_is_503_with_a_word_in_status() {
    let mut settings = testkit::settings();
    let closed_port = local::service::free_port(None).unwrap();
    settings.insert("DATABASE_URL".to_owned(), format!("postgresql://somebody:hunter2@127.0.0.1:{closed_port}/d"));
    let api = Api::start_on(TestDatabase::empty().await, Function::Health, health::routes, settings).await;
    let answer = api.get("/health/db").await;
    let problem = answer.problem(503, "database_unavailable");
    assert_eq!(problem["status"], "database error");
    for secret in ["hunter2", "somebody", "127.0.0.1"] {
        assert!(!answer.text().contains(secret));
    }
}

#[tokio::test]
async fn a_silent_server_is_503_within_the_deadline() {
    // Accepts connections and never sends anything: the attempt must end with the request's deadline.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = testkit::settings();
    let port = listener.local_addr().unwrap().port();
    settings.insert("DATABASE_URL".to_owned(), format!("postgresql://u:p@127.0.0.1:{port}/d?sslmode=disable"));
    let api = Api::start_on(TestDatabase::empty().await, Function::Health, health::routes, settings).await;
    let call = api.call(http::Method::GET, "/health/db").with_milliseconds_left(1_000);
    // The function itself allows eight seconds for each attempt; this invocation has less.
    let answer = tokio::time::timeout(std::time::Duration::from_secs(5), call.send()).await;
    answer.expect("an answer within the deadline").problem(503, "database_unavailable");
}
