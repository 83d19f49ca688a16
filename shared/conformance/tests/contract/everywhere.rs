//! What every operation has in common: unknown query parameters, deprecation, trailing slashes, and which pages may read
//! the answer.

use http::Method;
use serde_json::{Value, json};
use testkit::{Api, TestResponse};
use tokio_postgres::Client;

use crate::{CONTRACTS, document, operations};

/// Calls each operation as an administrator, with a query and headers.
async fn call_all(query: &str, headers: &[(&str, &str)], mut check: impl FnMut(&str, &Value, &TestResponse)) {
    for contract in CONTRACTS {
        let api = Api::start(contract.function, contract.served).await;
        let root = api.person("root@example.com").await;
        let owner: Client = api.database.connect().await;
        owner.batch_execute("SET ROLE todo_admin; UPDATE users SET role = 'admin'").await.unwrap();
        for (path, method, operation) in operations(&document(&[contract])) {
            let method = method.to_uppercase();
            let name = format!("{method} {path}");
            let path = path.replace("{id}", "01980000-0000-7000-8000-000000000000").replace("{file}", "swagger-ui.css");
            let method: Method = method.parse().expect("a method");
            let mut call = api.call(method, &format!("{path}{query}"));
            if operation["security"] == json!([{ "bearer": [] }]) {
                call = call.bearer(&root.token);
            }
            for (header, value) in headers {
                call = call.header(header, value);
            }
            if operation.get("requestBody").is_some() {
                call = call.json(json!({}));
            }
            check(&name, &operation, &call.send().await);
            // Some operations end the session of the caller.
            owner
                .batch_execute(
                    "RESET ROLE; SET ROLE todo_auth; UPDATE sessions SET revoked_at = NULL, revoke_reason = NULL",
                )
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn an_unknown_query_parameter_is_ignored() {
    let mut without = Vec::new();
    call_all("", &[], |_, _, answer| without.push((answer.status, answer.header("location").is_empty()))).await;
    let mut without = without.into_iter();
    call_all("?_=169&sortBy=title&user_id=x&utm_source=x&%5B%5D=%00", &[], |name, _, answer| {
        let expected = without.next().expect("the same operations");
        assert_eq!((answer.status, answer.header("location").is_empty()), expected, "{name}: {}", answer.text());
        assert_eq!(answer.header("preference-applied"), "", "{name}");
    })
    .await;
}

#[tokio::test]
async fn prefer_handling_strict_refuses_an_unknown_query_parameter() {
    call_all("?utm_source=x", &[("prefer", "respond-async, handling=strict")], |name, _, answer| {
        assert_eq!(answer.header("preference-applied"), "handling=strict", "{name}");
        answer.invalid_at("/query/utm_source");
    })
    .await;
}

#[tokio::test]
async fn every_answer_of_a_deprecated_operation_has_the_deprecation_header() {
    call_all("", &[], |name, operation, answer| {
        // 2027-12-01, RFC 9745.
        let expected = if operation["deprecated"] == true { "@1796083200" } else { "" };
        assert_eq!(answer.header("deprecation"), expected, "{name}: {}", answer.status);
    })
    .await;
}

#[tokio::test]
async fn pages_of_any_origin_read_public_answers_and_only_listed_origins_read_the_rest() {
    const ANY: [&str; 6] = [
        "GET /api/openapi.json",
        "GET /.well-known/jwks.json",
        "GET /health",
        "GET /health/auth",
        "GET /health/config",
        "GET /health/db",
    ];
    for (origin, is_listed) in [("https://other.example", false), ("http://localhost:5173", true)] {
        call_all("", &[("origin", origin)], |name, _, answer| {
            let (any, allowed) = (ANY.contains(&name), answer.header("access-control-allow-origin"));
            assert_eq!(allowed, if any || is_listed { origin } else { "" }, "{name}");
            // A page of an unlisted origin reads without credentials.
            let credentials = answer.header("access-control-allow-credentials") == "true";
            assert!(allowed.is_empty() || credentials == is_listed, "{name}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_trailing_slash_changes_nothing() {
    let mut without = Vec::new();
    call_all("", &[], |_, _, answer| without.push(answer.status)).await;
    let mut without = without.into_iter();
    call_all("/", &[], |name, _, answer| {
        assert_eq!(Some(answer.status), without.next(), "{name}: {}", answer.text());
    })
    .await;
}
