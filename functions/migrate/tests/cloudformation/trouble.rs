//! Failures: CloudFormation receives a response before the function's deadline, and nothing is left half done.

use std::time::Duration;

use serde_json::json;
use testkit::{Lambda, Proxy, TestDatabase, built};
use tokio::net::TcpListener;

use crate::{Deploy, TIME, assert_failed, assert_succeeded, version};

/// Creates the history of migrations in advance, so that a test can add a trigger that makes a run fail.
const HISTORY: &str = "CREATE TABLE refinery_schema_history
    (version int4 PRIMARY KEY, name varchar(255), applied_on varchar(255), checksum varchar(255));";

/// A deadline that leaves `seconds` for the work.
fn time_for_work(seconds: u64) -> Duration {
    Duration::from_secs(25 + seconds)
}

#[tokio::test]
async fn a_failing_migration_fails_the_deploy_and_changes_nothing() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    client.batch_execute("CREATE TABLE tasks (mine integer)").await.unwrap();
    let mut deploy = Deploy::with_database(&database.url()).await;
    let response = deploy.send("Create").await;
    assert_failed(&response, "a migration failed, and nothing was changed");
    assert_failed(&response, "relation \"tasks\" already exists");
    assert_eq!(response["PhysicalResourceId"], "migrations");
    assert_eq!(version(&database).await, 0);
    let log = deploy.function.log();
    let metric = log.lines().find(|line| line.contains("MigrationFailures")).expect("it is counted");
    let metric: serde_json::Value = serde_json::from_str(metric).unwrap();
    assert_eq!((&metric["Stack"], &metric["MigrationFailures"]), (&json!("todo-test"), &json!(1)));

    client.batch_execute("DROP TABLE tasks").await.unwrap();
    assert_succeeded(&deploy.send("Update").await, "applied V1");
}

#[tokio::test]
async fn a_lock_held_by_another_migration_fails_the_deploy_before_the_deadline() {
    let database = TestDatabase::empty().await;
    let other = database.connect().await;
    other.batch_execute("SELECT pg_advisory_lock(1953457263)").await.unwrap();
    let mut deploy = Deploy::with_database(&database.url()).await;
    let event = deploy.event("Update", 7);
    assert_failed(&deploy.send_in(event, time_for_work(2)).await, "another migration holds the lock");
    assert_eq!(version(&database).await, 0);
    drop(other);
    assert_succeeded(&deploy.send("Update").await, "applied V1");
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_fails_the_deploy() {
    // The port is closed.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let url = format!("postgresql://someone:pass-word-9@127.0.0.1:{port}/todo");
    let mut deploy = Deploy::with_database(&url).await;
    assert_failed(&deploy.send("Update").await, "the database is unavailable");
    assert!(!deploy.function.log().contains("pass-word-9"));
}

#[tokio::test]
async fn a_database_that_falls_silent_fails_the_deploy_before_the_deadline() {
    let database = TestDatabase::empty().await;
    let port = database.server().get_ports()[0];
    let proxy = Proxy::start(port).await;
    let url = database.url_at(proxy.port);
    let mut deploy = Deploy::with_database(&url).await;
    let event = deploy.event("Update", 7);
    // In the middle of the migrations.
    proxy.freeze_at(12);
    assert_failed(&deploy.send_in(event, time_for_work(3)).await, "did not finish");
    wait_until_idle(&database).await;
}

/// Waits until no other session is active in the database or holds a lock there, so that nothing blocks a retry.
async fn wait_until_idle(database: &TestDatabase) {
    let watcher = database.connect().await;
    let others = "SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'
            AND pid <> pg_backend_pid())
        + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    let quiet = async {
        while watcher.query_typed_one(others, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), quiet).await.expect("the cancelled work has ended");
}

#[tokio::test]
async fn work_that_is_cancelled_stops_and_holds_no_lock() {
    let database = TestDatabase::empty().await;
    let slow = format!(
        "{HISTORY} CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); END';
        CREATE TRIGGER slow BEFORE INSERT ON refinery_schema_history EXECUTE FUNCTION slow();"
    );
    let client = database.connect().await;
    client.batch_execute(&slow).await.unwrap();
    let mut deploy = Deploy::with_database(&database.url()).await;
    let event = deploy.event("Update", 7);
    let response = deploy.send_in(event, time_for_work(2)).await;
    // Either the time limit of the statement is first, or that of the function.
    assert!(
        ["cancelled", "statement timeout"].iter().any(|text| response["Reason"].as_str().unwrap().contains(text)),
        "{response}"
    );
    drop(client);
    wait_until_idle(&database).await;
    assert_eq!(version(&database).await, 0);
    database.connect().await.batch_execute("DROP TRIGGER slow ON refinery_schema_history").await.unwrap();
    assert_succeeded(&deploy.send("Update").await, "applied V1");
}

#[tokio::test]
async fn a_repeated_event_waits_for_the_first_run() {
    let database = TestDatabase::empty().await;
    let other = database.connect().await;
    other.batch_execute("SELECT pg_advisory_lock(1953457263)").await.unwrap();
    let (mut first, mut second) =
        (Deploy::with_database(&database.url()).await, Deploy::with_database(&database.url()).await);
    let release = async {
        database.wait_for_lock_wait().await;
        drop(other);
    };
    let (one, two, ()) = tokio::join!(first.send("Update"), second.send("Update"), release);
    let applied =
        [&one, &two].iter().filter(|response| response["Reason"].as_str().unwrap().contains("applied V1")).count();
    assert_eq!((one["Status"].as_str(), two["Status"].as_str(), applied), (Some("SUCCESS"), Some("SUCCESS"), 1));
}

#[tokio::test]
async fn an_error_does_not_contain_the_rows_that_made_a_migration_fail() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    let trap = format!(
        "{HISTORY}
        CREATE TABLE addresses (email text CONSTRAINT addresses_plain CHECK (email NOT LIKE '%private%'));
        CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO addresses VALUES (''ada.private@example.com''); END';
        CREATE TRIGGER trap BEFORE INSERT ON refinery_schema_history EXECUTE FUNCTION trap();"
    );
    client.batch_execute(&trap).await.unwrap();
    let mut deploy = Deploy::with_database(&database.url()).await;
    let response = deploy.send("Update").await;
    assert_failed(&response, "(23514, addresses_plain)");
    assert!(
        !response.to_string().contains("ada.private") && !deploy.function.log().contains("ada.private"),
        "{response}"
    );
}

#[tokio::test]
async fn invalid_settings_fail_the_deploy() {
    let settings = [("DATABASE_URL_UNPOOLED".to_owned(), "nonsense://pass-word-9".to_owned())].into();
    let mut deploy = Deploy::with_settings(settings, 0).await;
    let response = deploy.send("Create").await;
    assert_failed(&response, "DATABASE_URL_UNPOOLED");
    assert!(!response.to_string().contains("pass-word-9"));
}

#[tokio::test]
async fn after_an_instance_dies_the_next_one_answers_the_event() {
    let database = TestDatabase::empty().await;
    let other = database.connect().await;
    other.batch_execute("SELECT pg_advisory_lock(1953457263)").await.unwrap();
    let mut deploy = Deploy::with_database(&database.url()).await;
    let event = deploy.event("Update", 7);
    tokio::select! {
        _ = deploy.function.invoke(event.clone(), TIME) => panic!("the lock is held"),
        () = database.wait_for_lock_wait() => {}
    }
    deploy.function.kill();
    drop(other);
    // Lambda delivers an asynchronous event again.
    deploy.function = Lambda::start(&built("migrate"), "7", &deploy.settings).await;
    assert_succeeded(&deploy.send_in(event, TIME).await, "applied V1");
}
