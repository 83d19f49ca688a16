//! `GET /health/config`

use std::collections::BTreeMap;

use serde_json::json;
use shared::config::Function;
use testkit::{Api, TestDatabase};

use crate::api;

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "through PgBouncer there is a certificate to trust")]
async fn every_setting_is_named_with_its_source_and_no_value() {
    let api = api().await;
    let answer = api.get("/health/config").await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!((&body["status"], &body["environment"]), (&json!("configuration valid"), &json!("development")));
    let find =
        |name: &str| body["settings"].as_array().unwrap().iter().find(|row| row["name"] == name).cloned().unwrap();
    assert_eq!(
        find("DATABASE_URL"),
        json!({ "name": "DATABASE_URL", "set": true, "source": "environment", "required": true, "problem": null })
    );
    assert_eq!(find("ALLOWED_ORIGINS")["source"], "default");
    assert_eq!(find("DATABASE_CA_CERT")["set"], std::env::var("TEST_THROUGH").is_ok_and(|through| !through.is_empty()));
    assert!(!answer.text().contains("postgresql://"));
}

#[tokio::test]
async fn problems_are_503_and_named_without_values() {
    let settings: BTreeMap<String, String> =
        [("ENVIRONMENT", "production"), ("DATABASE_URL", "postgresql://somebody:hunter2@db.example.com/d")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
    let api = Api::start_on(TestDatabase::empty().await, Function::Health, health::routes, settings).await;
    let answer = api.get("/health/config").await;
    let problem = answer.problem(503, "configuration_invalid");
    assert_eq!(problem["status"], "configuration invalid");
    let rows = problem["data"]["settings"].as_array().unwrap();
    let broken: Vec<&str> =
        rows.iter().filter(|row| !row["problem"].is_null()).map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(broken, ["ALLOWED_ORIGINS", "DATABASE_URL"]);
    for secret in ["hunter2", "somebody", "example.com/d"] {
        assert!(!answer.text().contains(secret), "{}", answer.text());
    }
    // The service itself still says that it is up.
    assert_eq!(api.get("/health").await.status, 200);
}
