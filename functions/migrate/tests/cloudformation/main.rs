//! CloudFormation events for the real binary under a Runtime API. It migrates a real PostgreSQL and answers to a real
//! HTTP server.

mod receiver;
mod trouble;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Lambda, Moto, TestDatabase, built};

use receiver::{Receiver, SIGNATURE};

/// The time limit of the function.
const TIME: Duration = Duration::from_secs(900);

/// The migrate function as version 7, with the bucket for its answers.
struct Deploy {
    function: Lambda,
    settings: BTreeMap<String, String>,
    receiver: Receiver,
}

impl Deploy {
    async fn with_database(url: &str) -> Self {
        Self::with_settings([("DATABASE_URL_UNPOOLED".to_owned(), url.to_owned())].into(), 0).await
    }

    async fn with_settings(mut settings: BTreeMap<String, String>, refusals: u32) -> Self {
        settings.insert("STACK_NAME".to_owned(), "todo-test".to_owned());
        let function = Lambda::start(&built("migrate"), "7", &settings).await;
        Self { function, settings, receiver: Receiver::start(refusals).await }
    }

    /// An event as CloudFormation sends it.
    fn event(&self, kind: &str, version: u32) -> Value {
        let function = "arn:aws:lambda:eu-central-1:123456789012:function:todo-test-MigrateFunction";
        let properties = |version| {
            json!({
                "ServiceToken": format!("{function}:live"),
                "ServiceTimeout": "2100",
                "FunctionVersion": format!("{function}:{version}"),
                "DeployId": "1795000000",
            })
        };
        let mut event = json!({
            "RequestType": kind,
            "ServiceToken": format!("{function}:live"),
            "ResponseURL": self.receiver.url,
            "StackId": "arn:aws:cloudformation:eu-central-1:123456789012:stack/todo-test/5b918d10-cd98-11ea",
            "RequestId": "5478957d-e481-49e8-9a6e-6f1d5c0b9a0b",
            "LogicalResourceId": "Migration",
            "ResourceType": "Custom::Migration",
            "ResourceProperties": properties(version),
        });
        if kind != "Create" {
            event["PhysicalResourceId"] = json!("migrations");
        }
        if kind == "Update" {
            event["OldResourceProperties"] = properties(6);
        }
        event
    }

    /// Sends an event and returns the response that CloudFormation receives. The answer of the invocation must agree.
    async fn send_in(&mut self, event: Value, time: Duration) -> Value {
        let outcome = self.function.invoke(event.clone(), time).await.expect("it lives");
        let response = self.receiver.answer();
        for field in ["StackId", "RequestId", "LogicalResourceId"] {
            assert_eq!(response[field], event[field]);
        }
        assert_eq!(outcome.expect("a response")["status"], response["Status"]);
        let log = self.function.log();
        assert!(!log.contains(SIGNATURE), "the log must not contain the URL, which is a secret: {log}");
        response
    }

    async fn send(&mut self, kind: &str) -> Value {
        let event = self.event(kind, 7);
        self.send_in(event, TIME).await
    }
}

#[track_caller]
fn assert_succeeded(response: &Value, reason: &str) {
    assert_eq!(response["Status"], "SUCCESS", "{response}");
    assert!(response["Reason"].as_str().unwrap().contains(reason), "{response}");
}

#[track_caller]
fn assert_failed(response: &Value, reason: &str) {
    assert_eq!(response["Status"], "FAILED", "{response}");
    assert!(response["Reason"].as_str().unwrap().contains(reason), "{response}");
}

async fn version(database: &TestDatabase) -> i32 {
    let client = database.connect().await;
    let found = client.query_typed_one("SELECT to_regclass('refinery_schema_history') IS NOT NULL", &[]).await.unwrap();
    if !found.get::<_, bool>(0) {
        return 0;
    }
    let sql = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
    client.query_typed_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn create_and_update_migrate_and_delete_drops_nothing() {
    let database = TestDatabase::empty().await;
    let mut deploy = Deploy::with_database(&database.url()).await;
    let response = deploy.send("Create").await;
    assert_succeeded(&response, "applied V1__roles_and_app_schema, V2__users");
    assert_eq!(response["PhysicalResourceId"], "migrations");
    let newest = version(&database).await;
    assert!(newest > 0);

    let response = deploy.send("Update").await;
    assert_succeeded(&response, &format!("at version {newest} already"));
    assert_eq!(response["PhysicalResourceId"], "migrations");

    let response = deploy.send("Delete").await;
    assert_succeeded(&response, "nothing is dropped");
    assert_eq!(version(&database).await, newest);
    assert!(!deploy.function.log().contains("MigrationFailures"));
}

#[tokio::test]
async fn delete_is_answered_without_a_database_and_under_any_id() {
    let mut deploy = Deploy::with_settings(BTreeMap::new(), 0).await;
    let mut event = deploy.event("Delete", 7);
    // The id that CloudFormation makes up if it never receives the first response.
    event["PhysicalResourceId"] = json!("todo-test-Migration-1ABC");
    let response = deploy.send_in(event, TIME).await;
    assert_succeeded(&response, "nothing is dropped");
    assert_eq!(response["PhysicalResourceId"], "todo-test-Migration-1ABC");
}

#[tokio::test]
async fn a_stack_that_is_rolled_back_does_not_change_the_newer_database() {
    let database = TestDatabase::new().await;
    let newest = version(&database).await;
    let client = database.connect().await;
    let newer =
        format!("INSERT INTO refinery_schema_history VALUES ({}, 'newer', '2026-01-01T00:00:00Z', '1')", newest + 1);
    client.batch_execute(&newer).await.unwrap();
    let mut deploy = Deploy::with_database(&database.url()).await;
    let response = deploy.send("Update").await;
    assert_succeeded(&response, "the database is ahead");
    assert_eq!(version(&database).await, newest + 1);
}

#[tokio::test]
async fn a_failed_migration_is_not_tried_again_while_the_stack_is_rolled_back() {
    let database = TestDatabase::empty().await;
    database.connect().await.batch_execute("CREATE TABLE tasks (mine integer)").await.unwrap();
    let mut deploy = Deploy::with_database(&database.url()).await;
    assert_failed(&deploy.send("Update").await, "tasks");
    // CloudFormation sends the previous properties to the version that failed.
    let back = deploy.event("Update", 6);
    assert_succeeded(&deploy.send_in(back, TIME).await, "rolled back");
    assert_eq!(version(&database).await, 0);
}

#[tokio::test]
async fn a_rollback_succeeds_without_a_database() {
    // The previous version, with the database that made the deploy fail.
    let mut deploy = Deploy::with_database("postgresql://nobody:nothing@127.0.0.1:1/todo").await;
    let mut back = deploy.event("Update", 7);
    let newer = back["ResourceProperties"]["FunctionVersion"].as_str().unwrap().replace(":7", ":8");
    back["OldResourceProperties"]["FunctionVersion"] = newer.into();
    assert_succeeded(&deploy.send_in(back, TIME).await, "rolled back");
    assert_failed(&deploy.send("Update").await, "unavailable");
    // A function that was created again counts its versions from one again, so this is not a rollback.
    let mut renamed = deploy.event("Update", 7);
    renamed["OldResourceProperties"]["FunctionVersion"] =
        "arn:aws:lambda:eu-central-1:123456789012:function:other:12".into();
    assert_failed(&deploy.send_in(renamed, TIME).await, "unavailable");
}

#[tokio::test]
async fn a_new_stack_waits_for_its_secrets_and_an_old_one_does_not() {
    let database = TestDatabase::empty().await;
    let moto = Moto::start();
    let arn = moto.create_empty_secret("migrate").await;
    let mut deploy = Deploy::with_settings(moto.environment(&arn), 0).await;
    assert_succeeded(&deploy.send("Create").await, "the secrets of the new stack have no values yet");
    assert_eq!(version(&database).await, 0);
    assert_failed(&deploy.send("Update").await, "APP_SECRET_ARN");
    // The same instance reads the values that were stored in the meantime.
    moto.put_secret(&arn, &json!({ "DATABASE_URL_UNPOOLED": database.url() })).await;
    assert_succeeded(&deploy.send("Update").await, "applied V1__roles_and_app_schema");
}

#[tokio::test]
async fn an_unknown_request_fails_and_a_refused_response_is_sent_again() {
    let database = TestDatabase::new().await;
    let settings = [("DATABASE_URL_UNPOOLED".to_owned(), database.url())].into();
    let mut deploy = Deploy::with_settings(settings, 2).await;
    assert_failed(&deploy.send("Explode").await, "\"Explode\" is not known");
    assert!(deploy.function.log().contains("trying again"));

    // Every event with a URL gets a response, whatever else is missing or malformed.
    let bare = json!({ "ResponseURL": deploy.receiver.url });
    let mut odd = deploy.event("Update", 7);
    for (field, value) in [("StackId", json!(null)), ("RequestType", json!(5)), ("ResourceProperties", json!([]))] {
        odd[field] = value;
    }
    for event in [bare, odd] {
        deploy.function.invoke(event, TIME).await.unwrap().unwrap();
        assert_failed(&deploy.receiver.answer(), "\"\" is not known");
    }
    let newer = deploy.event("Update", 8);
    assert_failed(&deploy.send_in(newer, TIME).await, "an older version of this function received the request");
}
