//! What every function's layers do.

use axum::Router;
use axum::routing::get;
use http::Method;
use shared::config::Function;
use testkit::Api;

use crate::api;

const ORIGIN: &str = "http://localhost:3000";

#[tokio::test]
async fn an_unknown_path_is_a_404_problem() {
    let api = api().await;
    for path in ["/nope", "/api", "/api/v2/tasks", "/health/", "/.env", "/%00", "/%ff"] {
        api.get(path).await.problem(404, "route_not_found");
    }
    api.post("/nope", serde_json::json!({})).await.problem(404, "route_not_found");
}

#[tokio::test]
async fn another_method_is_a_405_problem_with_allow() {
    let api = api().await;
    let answer = api.post("/health", serde_json::json!({})).await;
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "GET,HEAD");
    assert_eq!(api.call(Method::HEAD, "/health").send().await.status, 200);
}

#[tokio::test]
async fn another_method_for_another_functions_path_is_a_405_too() {
    // API Gateway knows routes by path and method, and sends everything else here.
    let api = api().await;
    let answer = api.call(Method::PUT, "/api/v1/auth/signin").send().await;
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "POST");
    let answer = api.post("/api/tasks/0198/complete", serde_json::json!({})).await;
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "PATCH");
    // A path that another function serves, with its method, never comes here.
    api.get("/api/tasks").await.problem(404, "route_not_found");
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let api = api().await;
    for path in ["/health", "/nope", "/health/config"] {
        let answer = api.get(path).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert!(answer.header("strict-transport-security").starts_with("max-age="));
        assert!(answer.header("server-timing").starts_with("db;dur="));
    }
}

#[tokio::test]
async fn a_plain_request_id_is_kept_and_any_other_replaced() {
    let api = api().await;
    let id_for = async |id: &str| {
        let answer = api.call(Method::GET, "/nope").header("x-request-id", id).send().await;
        answer.problem(404, "route_not_found");
        answer.header("x-request-id").to_owned()
    };
    assert_eq!(id_for("abc-123_X.y").await, "abc-123_X.y");
    for id in ["", "a b", "a;b", "é", &"x".repeat(129)] {
        let new = id_for(id).await;
        assert_eq!(new.len(), 36, "{id} became {new}");
    }
    let (one, two) = (api.get("/health").await, api.get("/health").await);
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
}

#[tokio::test]
async fn allowed_origins_may_read_and_others_not() {
    let api = api().await;
    let from = async |origin: &str| api.call(Method::GET, "/nope").header("origin", origin).send().await;
    let answer = from(ORIGIN).await;
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    assert_eq!(
        answer.header("access-control-expose-headers"),
        "x-request-id,etag,location,retry-after,ratelimit,ratelimit-policy,link,server-timing"
    );
    for origin in ["https://evil.example", "http://localhost:3000.evil.example", "null", "http://localhost:3001"] {
        assert_eq!(from(origin).await.header("access-control-allow-origin"), "", "{origin}");
    }
}

#[tokio::test]
async fn a_preflight_is_answered_for_every_method_and_header_of_the_contract() {
    let api = api().await;
    let preflight = api.call(Method::OPTIONS, "/health").header("origin", ORIGIN);
    let answer = preflight.header("access-control-request-method", "PATCH").send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-methods"), "GET,POST,PUT,PATCH,DELETE,OPTIONS");
    assert_eq!(
        answer.header("access-control-allow-headers"),
        "content-type,authorization,accept,origin,x-requested-with,idempotency-key,if-match,if-none-match,x-request-id"
    );
    assert_eq!(answer.header("access-control-max-age"), "600");
}

/// A function with an endpoint that fails on our side.
fn broken() -> Router<shared::App> {
    async fn panics() -> &'static str {
        panic!("secret detail")
    }
    health::routes::<Router<_>>().route("/panics", get(panics))
}

#[tokio::test]
async fn a_panic_is_a_500_problem_without_its_message_and_the_function_goes_on() {
    let api = Api::start(Function::Health, broken).await;
    let answer = api.call(Method::GET, "/panics").header("origin", ORIGIN).send().await;
    let problem = answer.problem(500, "internal_error");
    assert!(!problem.to_string().contains("secret detail"));
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN, "the page may read the error");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(api.get("/health").await.status, 200);
}
