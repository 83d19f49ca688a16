//! A deploy under load; `cargo xtask upgrade` prepares the binaries. The version before serves, this version migrates, both
//! serve, only this version serves, and after a rollback the version before serves again. Every answer is a success.

mod fleet;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Lambda, PgBouncer, TestDatabase, built, settings};
use tokio::time::sleep;

use fleet::{Fleet, Version};

/// How many users work at the same time.
const USERS: usize = 8;

/// How long each phase lasts.
const PHASE: Duration = Duration::from_secs(4);

/// A binary that `cargo xtask upgrade` has prepared.
fn prepared_binary(name: &str) -> PathBuf {
    local::target().join("upgrade/bin").join(name)
}

async fn migrate(program: PathBuf, url: &str) -> Value {
    let settings = [("DATABASE_URL_UNPOOLED".to_owned(), url.to_owned())].into();
    let mut function = Lambda::start(&program, "1", &settings).await;
    let answer = function.invoke(json!({ "action": "migrate" }), Duration::from_secs(120)).await;
    answer.expect("it lives").unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the rehearsal reports its phases")]
async fn no_request_fails_during_a_deploy() {
    let database = TestDatabase::empty().await;
    let start = migrate(prepared_binary("migrate"), &database.url()).await;
    println!("the version before: schema {}", start["current"]);
    let bouncer = PgBouncer::start(database.server());
    let mut settings = settings();
    settings.insert("DATABASE_URL".to_owned(), bouncer.url(database.name(), None));
    settings.insert("DATABASE_CA_CERT".to_owned(), bouncer.authority.clone());
    let fleet = Arc::new(Fleet::default());
    fleet.join(Version::Before, [&prepared_binary("auth"), &prepared_binary("tasks")], &settings).await;

    let stop = Arc::new(AtomicBool::new(false));
    let users: Vec<_> =
        (0..USERS).map(|n| tokio::spawn(fleet::work(Arc::clone(&fleet), n, Arc::clone(&stop)))).collect();
    sleep(PHASE).await;
    println!("  {}", fleet.phase("the version before alone"));

    // Enough rows that changing all of them takes noticeable time.
    fill(&database).await;
    let migrated = migrate(prepared_binary("migrate-after"), &database.url()).await;
    assert!(!migrated["applied"].as_array().expect("a list").is_empty(), "{migrated}");
    println!("migrated under load: {}", migrated["applied"]);
    sleep(PHASE).await;
    println!("  {}", fleet.phase("the version before, with the newer schema"));

    fleet.join(Version::After, [&built("auth"), &built("tasks")], &settings).await;
    sleep(PHASE).await;
    println!("  {}", fleet.phase("both side by side"));

    fleet.leave(Version::Before).await;
    sleep(PHASE).await;
    println!("  {}", fleet.phase("this version alone"));

    // The stack is rolled back: the old functions meet the newer database.
    let back = migrate(prepared_binary("migrate"), &database.url()).await;
    assert_eq!((&back["applied"], &back["ahead"]), (&json!([]), &json!(true)), "{back}");
    fleet.join(Version::Before, [&prepared_binary("auth"), &prepared_binary("tasks")], &settings).await;
    fleet.leave(Version::After).await;
    sleep(PHASE).await;
    println!("  {}", fleet.phase("the version before again"));

    stop.store(true, Ordering::Relaxed);
    for user in users {
        user.await.expect("every answer was a success");
    }
}

/// Adds tasks of a user who sends no requests.
async fn fill(database: &TestDatabase) {
    let client = database.connect().await;
    let sql = "SET ROLE todo_auth;
        INSERT INTO users (id, email, created_at, updated_at)
            VALUES ('01980000-0000-7000-8000-000000000001', 'away@example.com', now(), now());
        RESET ROLE;
        ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY;
        INSERT INTO tasks (id, user_id, title, priority, created_at, updated_at)
            SELECT gen_random_uuid(), '01980000-0000-7000-8000-000000000001', 'Wait', 0, now(), now()
            FROM generate_series(1, 50000);
        ALTER TABLE tasks FORCE ROW LEVEL SECURITY;";
    client.batch_execute(sql).await.expect("the rows fit");
}
