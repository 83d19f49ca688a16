//! Hostile input: the answer is always a clear 4xx, never a 5xx, and nothing is changed.

use http::Method;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::{api, task};

#[tokio::test]
async fn a_body_over_256_kib_is_413() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for size in [256 * 1024 + 1, 1024 * 1024] {
        let body = format!(r#"{{"title":"{}"}}"#, "x".repeat(size - 12));
        let answer =
            ada.call(Method::POST, "/api/tasks").header("content-type", "application/json").text(&body).send().await;
        answer.problem(413, "payload_too_large");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    // At exactly the limit, the content is validated.
    let body = format!(r#"{{"title":"{}"}}"#, "x".repeat(256 * 1024 - 12));
    let answer =
        ada.call(Method::POST, "/api/tasks").header("content-type", "application/json").text(&body).send().await;
    answer.invalid_at("/title");
}

#[tokio::test]
async fn another_content_type_is_415() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let send = async |kind: &str| {
        ada.call(Method::POST, "/api/tasks").header("content-type", kind).text(r#"{"title":"x"}"#).send().await
    };
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/json, text/plain",
    ] {
        send(kind).await.problem(415, "unsupported_media_type");
    }
    let zipped = ada.call(Method::POST, "/api/tasks").header("content-type", "application/json");
    zipped.header("content-encoding", "gzip").text("{}").send().await.problem(415, "unsupported_media_type");
    for kind in
        ["Application/JSON; charset=utf8", "application/json,application/json", "application/merge-patch+json", ""]
    {
        send(kind).await.data(201);
    }
}

#[tokio::test]
async fn json_is_read_without_a_content_type_and_with_a_byte_order_mark() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    ada.call(Method::POST, "/api/tasks").text(r#"{"title":"x"}"#).send().await.data(201);
    let marked = "\u{feff}{\"title\":\"x\"}";
    let call = ada.call(Method::POST, "/api/tasks").header("content-type", "application/json");
    assert_eq!(call.text(marked).send().await.data(201)["title"], "x");
    let call = ada.call(Method::POST, "/api/tasks");
    assert_eq!(call.bytes(marked.as_bytes()).send().await.data(201)["title"], "x");
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_path_changes_nothing() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for path in ["/api/tasks/", "/api/v1/tasks/"] {
        let body = json!({ "title": "x", "priority": "urgent_important" });
        let made = ada.post(path, body).await.data(201);
        let one = format!("{path}{}/", made["id"].as_str().unwrap());
        assert_eq!(ada.get(&one).await.data(200), made);
        ada.patch(&format!("{one}complete/"), json!({ "completed": true })).await.data(200);
    }
    assert_eq!(ada.get("/api/tasks/?limit=1").await.data(200)["total_count"], 2);
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let id = task(&ada, "x").await["id"].as_str().unwrap().to_owned();
    for path in ["/api/tasks".to_owned(), format!("/api/v1/tasks/{id}"), "/api/tasks?limit=0".to_owned()] {
        let (get, head) = (ada.get(&path).await, ada.call(Method::HEAD, &path).send().await);
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"));
        assert_eq!(head.header("content-length"), get.body.len().to_string());
    }
    let anonymous = api.call(Method::HEAD, "/api/tasks").send().await;
    assert_eq!((anonymous.status.as_u16(), anonymous.body.len()), (401, 0));
}

#[tokio::test]
async fn malformed_json_is_400() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let nested = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let deep = format!(r#"{{"title":{}1{}}}"#, r#"{"a":"#.repeat(20_000), "}".repeat(20_000));
    for body in [
        "",
        "{",
        "title=x",
        "NaN",
        r#"{"title":"x"}{}"#,
        r#"{"title":"x""#,
        "\u{feff}",
        &nested,
        &deep,
        r#"{"title":"\ud800"}"#,
    ] {
        let answer =
            ada.call(Method::POST, "/api/tasks").header("content-type", "application/json").text(body).send().await;
        let status = answer.status.as_u16();
        assert!(matches!(status, 400 | 422), "{status} for {}", &body[..body.len().min(40)]);
        answer.problem(status, if status == 400 { "malformed_json" } else { "validation_failed" });
    }
    let bytes = b"{\"title\":\"\xff\xfe\"}";
    let answer =
        ada.call(Method::POST, "/api/tasks").header("content-type", "application/json").bytes(bytes).send().await;
    answer.problem(400, "malformed_json");
}

#[tokio::test]
async fn huge_numbers_and_wrong_shapes_are_422() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for body in [
        "[]",
        "1e400",
        "123456789012345678901234567890",
        "null",
        "\"x\"",
        r#"{"title":1e400}"#,
        r#"{"title":"a","title":"b"}"#,
    ] {
        let answer =
            ada.call(Method::POST, "/api/tasks").header("content-type", "application/json").text(body).send().await;
        let status = answer.status.as_u16();
        assert!(matches!(status, 400 | 422), "{status} for {body}: {}", answer.text());
    }
}

#[tokio::test]
async fn problems_quote_neither_the_input_nor_an_internal_cause() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let body = json!({ "title": "x", "is_completed": "hunter2hunter2" });
    let text = ada.post("/api/tasks", body).await.text();
    assert!(!text.contains("hunter2"), "{text}");
    for word in ["serde", "postgres", "line 1", ".rs"] {
        assert!(!text.contains(word), "{text}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for path in ["/api/task", "/api/tasks/a/b/c", "//api/tasks", "/api/tasks//"] {
        ada.get(path).await.problem(404, "route_not_found");
    }
    let answer = ada.call(Method::DELETE, "/api/tasks").send().await;
    answer.problem(405, "method_not_allowed");
    let mut allowed: Vec<&str> = answer.header("allow").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        let name = prop_oneof![
            Just("title".to_owned()),
            Just("priority".to_owned()),
            Just("description".to_owned()),
            Just("due_datetime".to_owned()),
            Just("is_completed".to_owned()),
            any::<String>(),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(name, inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

#[test]
fn no_body_causes_a_5xx() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _guard = runtime.enter();
    let api = runtime.block_on(api());
    let ada = runtime.block_on(api.person("ada@example.com"));
    let made = runtime.block_on(task(&ada, "x"));
    let path = format!("/api/v1/tasks/{}", made["id"].as_str().unwrap());
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() });
    runner
        .run(&any_json(), |body| {
            for answer in [
                runtime.block_on(ada.post("/api/tasks", body.clone())),
                runtime.block_on(ada.patch(&path, body.clone())),
            ] {
                let status = answer.status.as_u16();
                prop_assert!(matches!(status, 200 | 201 | 400 | 422), "{status}: {}", answer.text());
            }
            Ok(())
        })
        .unwrap();
}
