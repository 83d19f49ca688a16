//! What goes wrong: CloudFormation hears of it before the function's deadline, and nothing is left half done.

use std::time::Duration;

use serde_json::json;
use testkit::{Lambda, Proxy, TestDatabase, built};
use tokio::net::TcpListener;

use crate::{Deploy, TIME, failed, succeeded, version};

/// A deadline that leaves the work so many seconds.
fn leaving(seconds: u64) -> Duration {
    Duration::from_secs(25 + seconds)
}

#[tokio::test]
async fn a_failing_migration_fails_the_deploy_and_changes_nothing() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    client.batch_execute("CREATE TABLE tasks (mine integer)").await.unwrap();
    let mut deploy = Deploy::onto(&database.url()).await;
    let heard = deploy.send("Create").await;
    failed(&heard, "a migration failed, and nothing was changed");
    failed(&heard, "relation \"tasks\" already exists");
    assert_eq!(heard["PhysicalResourceId"], "migrations");
    assert_eq!(version(&database).await, 0);
    let log = deploy.function.log();
    let metric = log.lines().find(|line| line.contains("MigrationFailures")).expect("it is counted");
    let metric: serde_json::Value = serde_json::from_str(metric).unwrap();
    assert_eq!((&metric["Stack"], &metric["MigrationFailures"]), (&json!("todo-test"), &json!(1)));

    client.batch_execute("DROP TABLE tasks").await.unwrap();
    succeeded(&deploy.send("Update").await, "applied V1");
}

#[tokio::test]
async fn a_lock_held_by_another_fails_the_deploy_in_time() {
    let database = TestDatabase::empty().await;
    let other = database.connect().await;
    other.batch_execute("SELECT pg_advisory_lock(1953457263)").await.unwrap();
    let mut deploy = Deploy::onto(&database.url()).await;
    let event = deploy.event("Update", 7);
    failed(&deploy.send_in(event, leaving(2)).await, "another migration holds the lock");
    assert_eq!(version(&database).await, 0);
    drop(other);
    succeeded(&deploy.send("Update").await, "applied V1");
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_fails_the_deploy() {
    // Nobody listens there any more.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let url = format!("postgresql://someone:pass-word-9@127.0.0.1:{port}/todo");
    let mut deploy = Deploy::onto(&url).await;
    failed(&deploy.send("Update").await, "the database is unavailable");
    assert!(!deploy.function.log().contains("pass-word-9"));
}

#[tokio::test]
async fn a_database_that_falls_silent_fails_the_deploy_in_time() {
    let database = TestDatabase::empty().await;
    let port = database.server().get_ports()[0];
    let proxy = Proxy::start(port).await;
    let url = database.url().replace(&format!(":{port}/"), &format!(":{}/", proxy.port));
    let mut deploy = Deploy::onto(&url).await;
    let event = deploy.event("Update", 7);
    // In the middle of the migrations.
    proxy.freeze_at(12);
    failed(&deploy.send_in(event, leaving(3)).await, "did not finish");
}

#[tokio::test]
async fn settings_that_cannot_be_used_fail_the_deploy() {
    let settings = [("DATABASE_URL_UNPOOLED".to_owned(), "nonsense://pass-word-9".to_owned())].into();
    let mut deploy = Deploy::with(settings, 0).await;
    let heard = deploy.send("Create").await;
    failed(&heard, "DATABASE_URL_UNPOOLED");
    assert!(!heard.to_string().contains("pass-word-9"));
}

#[tokio::test]
async fn an_instance_that_dies_is_followed_by_one_that_answers() {
    let database = TestDatabase::empty().await;
    let other = database.connect().await;
    other.batch_execute("SELECT pg_advisory_lock(1953457263)").await.unwrap();
    let mut deploy = Deploy::onto(&database.url()).await;
    let event = deploy.event("Update", 7);
    tokio::select! {
        _ = deploy.function.invoke(event.clone(), TIME) => panic!("the lock is held"),
        () = database.until_somebody_waits() => {}
    }
    deploy.function.kill();
    drop(other);
    // Lambda delivers an asynchronous event again.
    deploy.function = Lambda::start(&built("migrate"), "7", &deploy.settings).await;
    succeeded(&deploy.send_in(event, TIME).await, "applied V1");
}
