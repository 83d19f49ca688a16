//! The layers that every function has.

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
    for path in ["/nope", "/api", "/api/v2/tasks", "/healthy", "/.env", "/%00", "/%ff"] {
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
async fn head_answers_as_get_without_a_body() {
    let api = api().await;
    for (path, status, length) in [("/health", 200, 20), ("/health/", 200, 20), ("/nope", 404, 0)] {
        let head = api.call(Method::HEAD, path).send().await;
        assert_eq!((head.status.as_u16(), head.body.len()), (status, 0), "{path}");
        assert!(head.header("content-length").parse::<u64>().unwrap() >= length, "{path}");
    }
}

#[tokio::test]
async fn malformed_headers_of_a_caller_or_a_proxy_break_nothing() {
    let api = api().await;
    for (name, value) in [
        ("x-forwarded-proto", "https,http"),
        ("x-forwarded-proto", "\u{1}"),
        ("host", "a b"),
        ("host", ""),
        ("host", "[::1"),
        ("x-forwarded-host", "ü"),
        ("a b", "c"),
    ] {
        let answer = api.call(Method::GET, "/health").header(name, value).header("origin", ORIGIN).send().await;
        assert_eq!(answer.json(), serde_json::json!({ "status": "healthy" }), "{name}: {value}");
        assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
    }
    assert_eq!(api.get("/health?a b=c d").await.status, 200);
    let unreadable = api.call(Method::from_bytes(b"X").unwrap(), "/health");
    unreadable.send().await.problem(405, "method_not_allowed");
    let long = format!("/{}", "x".repeat(70_000));
    let answer = api.call(Method::GET, &long).header("origin", ORIGIN).send().await;
    answer.problem(400, "bad_request");
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN, "the page can read the reason");
}

#[tokio::test]
async fn a_trace_is_answered_with_a_new_span() {
    let api = api().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let given = format!("00-{trace}-00f067aa0ba902b7-01");
    let answer = api.call(Method::GET, "/health").header("traceparent", &given).send().await;
    let parts: Vec<&str> = answer.header("traceparent").split('-').collect();
    assert_eq!((parts.len(), parts[0], parts[1], parts[3]), (4, "00", trace, "01"));
    assert!(parts[2].len() == 16 && parts[2] != "00f067aa0ba902b7", "{parts:?}");
    assert_eq!(api.call(Method::GET, "/health").header("traceparent", "x").send().await.header("traceparent"), "");
}

#[tokio::test]
async fn the_instance_of_a_problem_is_an_id_of_the_server_and_not_of_the_caller() {
    let api = api().await;
    let own = api.get("/nope").await;
    let instance = format!("urn:uuid:{}", own.header("x-request-id"));
    assert_eq!(own.problem(404, "route_not_found")["instance"], instance);
    // Callers may send the same id with many requests.
    let given = async || api.call(Method::GET, "/nope").header("x-request-id", "mine").send().await;
    let (one, two) = (given().await, given().await);
    assert_eq!((one.header("x-request-id"), two.header("x-request-id")), ("mine", "mine"));
    assert_ne!(one.json()["instance"], two.json()["instance"]);
}

#[tokio::test]
async fn public_responses_are_readable_from_any_origin() {
    let api = api().await;
    for path in ["/health", "/health/db", "/health/config"] {
        let answer = api.call(Method::GET, path).header("origin", "https://status.example").send().await;
        assert_eq!(answer.header("access-control-allow-origin"), "https://status.example", "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), "", "{path}");
    }
    let answer = api.call(Method::GET, "/nope").header("origin", "https://status.example").send().await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn settings_can_allow_more_headers_and_every_subdomain() {
    let api = Api::start_with(Function::Health, health::routes, |settings| {
        settings.insert("ALLOWED_HEADERS".to_owned(), "X-Tenant, x-build".to_owned());
        settings.insert("ALLOWED_ORIGINS".to_owned(), "https://*.example.com".to_owned());
    })
    .await;
    let preflight = api.call(Method::OPTIONS, "/nope").header("origin", "https://pr-7.example.com");
    let answer = preflight.header("access-control-request-method", "GET").send().await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://pr-7.example.com");
    assert!(answer.header("access-control-allow-headers").ends_with(",x-client-info,x-tenant,x-build"));
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
        assert_eq!(answer.header("server-timing"), "", "times are for callers with a token");
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
async fn allowed_origins_can_read_answers_and_others_cannot() {
    let api = api().await;
    let from = async |origin: &str| api.call(Method::GET, "/nope").header("origin", origin).send().await;
    let answer = from(ORIGIN).await;
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    assert_eq!(
        answer.header("access-control-expose-headers"),
        "x-request-id,preference-applied,idempotency-replayed,deprecation,etag,location,retry-after,ratelimit,ratelimit-policy,link,server-timing"
    );
    assert_eq!(from("http://localhost:5173").await.header("access-control-allow-origin"), "http://localhost:5173");
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
        "content-type,authorization,accept,origin,x-requested-with,idempotency-key,if-match,if-none-match,x-request-id,prefer,cache-control,traceparent,tracestate,baggage,sentry-trace,x-client-info"
    );
    assert_eq!(answer.header("access-control-max-age"), "600");
}

/// A function with an endpoint that panics.
fn panicking_routes() -> Router<shared::App> {
    async fn panics() -> &'static str {
        panic!("secret detail")
    }
    health::routes().route("/panics", get(panics))
}

#[tokio::test]
async fn a_panic_is_a_500_problem_without_its_message_and_the_function_keeps_working() {
    let api = Api::start(Function::Health, panicking_routes).await;
    let answer = api.call(Method::GET, "/panics").header("origin", ORIGIN).send().await;
    let problem = answer.problem(500, "internal_error");
    assert!(!problem.to_string().contains("secret detail"));
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN, "the page can read the error");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(api.get("/health").await.status, 200);
}
