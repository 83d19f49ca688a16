//! `GET /health/config`

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::config::Function;
use testkit::{Api, TestDatabase, TestResponse};

use crate::api;

/// The function as it is deployed.
async fn start_deployed() -> Api {
    Api::start_with(Function::Health, health::routes, |settings| {
        settings.insert("ENVIRONMENT".to_owned(), "staging".to_owned());
        settings.insert("ALLOWED_ORIGINS".to_owned(), "https://tasks.example.com".to_owned());
    })
    .await
}

/// A row of the report.
fn row(body: &Value, name: &str) -> Value {
    body["settings"].as_array().unwrap().iter().find(|row| row["name"] == name).cloned().unwrap()
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "through PgBouncer there is a certificate to trust")]
async fn in_development_every_setting_is_listed_with_its_source_without_its_value() {
    let api = api().await;
    let answer = api.get("/health/config").await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!((&body["status"], &body["environment"]), (&json!("configuration valid"), &json!("development")));
    assert_eq!(
        row(&body, "DATABASE_URL"),
        json!({ "name": "DATABASE_URL", "set": true, "source": "environment", "required": true, "problem": null })
    );
    assert_eq!(row(&body, "ALLOWED_ORIGINS")["source"], "default");
    let through = std::env::var("TEST_THROUGH").is_ok_and(|through| !through.is_empty());
    assert_eq!(row(&body, "DATABASE_CA_CERT")["set"], through);
    assert!(!answer.text().contains("postgresql://"));
}

#[tokio::test]
async fn in_a_deployment_only_an_administrator_sees_more_than_a_number() {
    let api = start_deployed().await;
    let short = json!({ "status": "configuration valid", "failed_checks": 0 });
    let get_config = async |token: Option<&str>| -> TestResponse {
        let call = api.call(http::Method::GET, "/health/config");
        let call = if let Some(token) = token { call.bearer(token) } else { call };
        call.send().await
    };
    assert_eq!(get_config(None).await.json(), short);
    assert_eq!(get_config(Some("nonsense")).await.json(), short);
    let ada = api.person("ada@example.com").await;
    assert_eq!(get_config(Some(&ada.token)).await.json(), short);

    let owner = api.database.connect().await;
    let promote = format!("SET ROLE todo_admin; UPDATE users SET role = 'admin' WHERE id = '{}'", ada.id);
    owner.batch_execute(&promote).await.unwrap();
    let body = get_config(Some(&ada.token)).await.json();
    assert_eq!(row(&body, "DATABASE_URL")["set"], true);
    assert_eq!((&body["environment"], &body["legacy_password_hashes"]), (&json!("staging"), &json!(0)));

    owner
        .batch_execute(
            "RESET ROLE; SET ROLE todo_auth; UPDATE sessions SET revoked_at = now(), revoke_reason = 'signed_out'",
        )
        .await
        .unwrap();
    assert_eq!(get_config(Some(&ada.token)).await.json(), short, "the session has ended");
}

#[tokio::test]
async fn accounts_with_a_legacy_hash_are_counted() {
    let api = api().await;
    for email in ["ada@example.com", "ben@example.com", "cyd@example.com", "dan@example.com"] {
        api.person(email).await;
    }
    let salted = format!("{}:{}", "0".repeat(32), "0".repeat(64));
    let sql = format!(
        "SET ROLE todo_auth;
         UPDATE users SET password_hash = '$2b$12$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' WHERE email LIKE 'a%';
         UPDATE users SET password_hash = '{salted}' WHERE email LIKE 'b%';
         UPDATE users SET password_hash = '$todo$v=1,pepper=x$argon2id$v=19$m=8,t=1,p=1$aaaa$aaaa', pepper_id = 'x' WHERE email LIKE 'c%';
         UPDATE users SET password_hash = '$1$of$another' WHERE email LIKE 'd%';",
    );
    api.database.connect().await.batch_execute(&sql).await.unwrap();
    assert_eq!(api.get("/health/config").await.json()["legacy_password_hashes"], 2);
}

#[tokio::test]
async fn problems_are_503_with_their_number_and_are_named_only_in_development() {
    let with = async |environment: &str| {
        let settings: BTreeMap<String, String> = [
            ("ENVIRONMENT", environment),
            ("ALLOWED_ORIGINS", "https://example.com/path"),
            ("DATABASE_URL", "mysql://somebody:hunter2@db.example.com/d"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        Api::start_on(TestDatabase::empty().await, Function::Health, health::routes, settings).await
    };
    let api = with("production").await;
    let answer = api.get("/health/config").await;
    let problem = answer.problem(503, "configuration_invalid");
    assert_eq!(problem["data"], json!({ "failed_checks": 2 }));
    assert!(!answer.text().contains("DATABASE_URL"), "{}", answer.text());
    // The service itself still reports that it is up.
    assert_eq!(api.get("/health").await.status, 200);
    let misspelt = with("prod").await.get("/health/config").await;
    assert_eq!(misspelt.problem(503, "configuration_invalid")["data"], json!({ "failed_checks": 3 }));

    let answer = with("development").await.get("/health/config").await;
    let problem = answer.problem(503, "configuration_invalid");
    let rows = problem["data"]["settings"].as_array().unwrap();
    let broken: Vec<&str> =
        rows.iter().filter(|row| !row["problem"].is_null()).map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(broken, ["ALLOWED_ORIGINS", "DATABASE_URL"]);
    for secret in ["hunter2", "somebody", "example.com/d"] {
        assert!(!answer.text().contains(secret), "{}", answer.text());
    }
}
