//! The migrate function on a real PostgreSQL: up, down, up; two at the same time; ahead of the binary; refusals.

mod locks;
mod schema;

use std::collections::BTreeMap;

use migrate::{MigrateCommand, MigrateError, MigrateResponse, perform};
use shared::lambda::Invocation;
use testkit::{TestClock, TestDatabase, migrator};
use tokio_postgres::Client;

use crate::schema::dump;

/// The newest migration.
const LATEST: i32 = 24;

async fn perform_command(database: &TestDatabase, command: &MigrateCommand) -> Result<MigrateResponse, MigrateError> {
    perform(&migrator(&database.url(), TestClock::default().clock()).await, &Invocation::default(), command).await
}

async fn up(database: &TestDatabase) -> migrate::MigrateReport {
    match perform_command(database, &MigrateCommand::Migrate).await.unwrap() {
        MigrateResponse::Migrate(migrated) => migrated,
        other => panic!("{other:?}"),
    }
}

async fn down(database: &TestDatabase, to: i32) -> migrate::RollbackReport {
    match perform_command(database, &MigrateCommand::Rollback { to }).await.unwrap() {
        MigrateResponse::Rollback(rolled_back) => rolled_back,
        other => panic!("{other:?}"),
    }
}

async fn status(database: &TestDatabase) -> migrate::StatusReport {
    match perform_command(database, &MigrateCommand::Status).await.unwrap() {
        MigrateResponse::Status(status) => status,
        other => panic!("{other:?}"),
    }
}

async fn check(database: &TestDatabase) -> migrate::CheckReport {
    match perform_command(database, &MigrateCommand::Check).await.unwrap() {
        MigrateResponse::Check(checked) => checked,
        other => panic!("{other:?}"),
    }
}

/// Columns that a migration added with a value in every row.
const ADDED: &str = "unknown_failures,unknown_blocked_until,unknown_refused,known_failures";

/// Every row of every table of ours, as text.
async fn rows(client: &Client) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    let tables = [
        ("users", "todo_auth"),
        ("sessions", "todo_auth"),
        ("tasks", "todo_tasks"),
        ("audit_events", ""),
        ("rate_limits", ""),
        ("sign_in_failures", ""),
        ("sign_in_addresses", ""),
        ("ended_legacy_tokens", ""),
        ("task_counts", ""),
        ("legacy_rows", ""),
        ("legacy_problems", ""),
        ("bystanders", ""),
    ];
    for (table, role) in tables {
        let exists = format!("SELECT to_regclass('{table}') IS NOT NULL");
        if !client.query_typed_one(&exists, &[]).await.unwrap().get::<_, bool>(0) {
            continue;
        }
        let become_role = if role.is_empty() { "RESET ROLE".to_owned() } else { format!("SET ROLE {role}") };
        client.batch_execute(&become_role).await.unwrap();
        let sql = format!(
            "SELECT coalesce(string_agg(jsonb_strip_nulls(to_jsonb(t) - '{{{ADDED}}}'::text[])::text, ' ' ORDER BY t::text), '')
             FROM {table} t"
        );
        let all = client.query_typed_one(&sql, &[]).await.unwrap();
        client.batch_execute("RESET ROLE").await.unwrap();
        rows.insert(table.to_owned(), all.get(0));
    }
    rows
}

/// Fills the tables that exist at a version.
async fn fill(client: &Client, version: i32) {
    if version >= 2 {
        client
            .batch_execute(
                "SET ROLE todo_auth;
                 INSERT INTO users (id, email, created_at, updated_at)
                 VALUES ('00000000-0000-7000-8000-000000000001', 'ada@example.com', now(), now())",
            )
            .await
            .unwrap();
    }
    if version >= 3 {
        client
            .batch_execute(
                "INSERT INTO sessions (id, user_id, settle_until, idle_expires_at, absolute_expires_at, created_at, last_used_at)
                 VALUES ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', now(), now(), now(), now(), now())",
            )
            .await
            .unwrap();
    }
    if version >= 5 {
        client
            .batch_execute(
                "SET ROLE todo_tasks; SET app.user_id = '00000000-0000-7000-8000-000000000001';
                 INSERT INTO tasks (id, user_id, title, priority, created_at, updated_at)
                 VALUES ('00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-000000000001', 'x', 0, now(), now())",
            )
            .await
            .unwrap();
    }
    client.batch_execute("RESET ROLE").await.unwrap();
    if version >= 6 {
        let sql = "INSERT INTO audit_events (id, occurred_at, kind, user_id) VALUES
                   ('00000000-0000-7000-8000-000000000004', now(), 'signed_up', '00000000-0000-7000-8000-000000000001')";
        client.batch_execute(sql).await.unwrap();
    }
    if version >= 8 {
        let sql = "INSERT INTO rate_limits (bucket, key, full_at) VALUES ('sign_up', '203.0.113.7', now());
                   INSERT INTO sign_in_failures (account, failures, failed_at, blocked_until) VALUES ('x', 1, now(), now());
                   INSERT INTO sign_in_addresses VALUES ('00000000-0000-7000-8000-000000000001', '203.0.113.7', now())";
        client.batch_execute(sql).await.unwrap();
    }
    if version >= 18 {
        let sql =
            "INSERT INTO ended_legacy_tokens VALUES (gen_random_uuid(), '00000000-0000-7000-8000-000000000001', now())";
        client.batch_execute(sql).await.unwrap();
    }
    if version >= 13 {
        let sql = "INSERT INTO legacy_rows VALUES ('user', '00000000-0000-7000-8000-000000000001', now());
                   INSERT INTO legacy_problems VALUES ('task', 'x', 'has no title', true, now())";
        client.batch_execute(sql).await.unwrap();
    }
}

#[tokio::test]
async fn each_migration_goes_up_down_and_up_again_with_rows_in_the_tables() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    client.batch_execute("CREATE TABLE bystanders (n integer); INSERT INTO bystanders VALUES (1), (2)").await.unwrap();
    // The schema at each version, on the way down from the newest.
    up(&database).await;
    let mut dumps = BTreeMap::from([(LATEST, dump(&database))]);
    for version in (0..LATEST).rev() {
        assert_eq!(down(&database, version).await.current, version);
        dumps.insert(version, dump(&database));
    }
    for version in 1..=LATEST {
        // Migrate to this version, add rows, then migrate one version down and up again.
        up(&database).await;
        down(&database, version).await;
        fill(&client, version).await;
        let before = rows(&client).await;
        assert_eq!(dump(&database), dumps[&version], "version {version} is the same from both sides");
        down(&database, version - 1).await;
        assert_eq!(dump(&database), dumps[&(version - 1)], "version {version} leaves nothing behind");
        let left = rows(&client).await;
        for (table, rows) in &left {
            assert_eq!(rows, &before[table], "undoing {version} touched {table}");
        }
        up(&database).await;
        assert_eq!(dump(&database), dumps[&LATEST], "after undoing {version}");
        for (table, rows) in &left {
            assert_eq!(rows, &self::rows(&client).await[table], "redoing {version} touched {table}");
        }
        down(&database, 0).await;
    }
}

#[tokio::test]
async fn status_lists_applied_and_pending_migrations() {
    let database = TestDatabase::empty().await;
    let before = status(&database).await;
    assert_eq!((before.current, before.latest, before.applied.len(), before.pending.len()), (0, LATEST, 0, 24));
    assert_eq!(before.pending[4], "V5__tasks");
    assert!(!check(&database).await.ok);

    let migrated = up(&database).await;
    assert_eq!((migrated.applied, migrated.current, migrated.ahead), (before.pending, LATEST, false));
    let after = status(&database).await;
    assert_eq!((after.current, after.pending.len(), after.ahead), (LATEST, 0, false));
    assert_eq!(after.applied[0].migration, "V1__roles_and_app_schema");
    assert_eq!(check(&database).await, migrate::CheckReport { ok: true, problems: vec![] });

    assert_eq!(up(&database).await.applied, Vec::<String>::new(), "a second run does nothing");
}

#[tokio::test]
async fn of_two_concurrent_migrations_one_waits_and_both_answer() {
    let database = TestDatabase::empty().await;
    let (one, two) = tokio::join!(up(&database), up(&database));
    let mut applied = [one.applied.len(), two.applied.len()];
    applied.sort_unstable();
    assert_eq!(applied, [0, 24]);
    assert_eq!((one.current, two.current), (LATEST, LATEST));
}

#[tokio::test]
async fn a_failing_migration_changes_nothing() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    // A table with this name makes the migration that creates `tasks` fail.
    client.batch_execute("CREATE TABLE tasks (mine integer)").await.unwrap();
    let before = dump(&database);
    let error = perform_command(&database, &MigrateCommand::Migrate).await.unwrap_err();
    assert!(matches!(error, MigrateError::Failed(_)), "{error}");
    assert!(error.to_string().contains("tasks"), "{error}");
    assert_eq!(dump(&database), before);
    client.batch_execute("DROP TABLE tasks").await.unwrap();
    assert_eq!(up(&database).await.current, LATEST);
}

#[tokio::test]
async fn a_database_ahead_of_the_binary_is_not_changed() {
    let database = TestDatabase::new().await;
    let client = database.connect().await;
    let newer = LATEST + 1;
    let sql = format!(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES ({newer}, 'newer', '2026-01-01T00:00:00Z', '1')"
    );
    client.batch_execute(&sql).await.unwrap();
    let migrated = up(&database).await;
    assert_eq!((migrated.applied.len(), migrated.current, migrated.ahead), (0, newer, true));
    assert!(status(&database).await.ahead);
    let error = perform_command(&database, &MigrateCommand::Rollback { to: 4 }).await.unwrap_err();
    assert!(matches!(error, MigrateError::UnknownMigration(version) if version == newer), "{error}");
    assert_eq!(status(&database).await.current, newer, "a rollback is done completely or not at all");
}

#[tokio::test]
async fn a_rollback_undoes_the_newest_first_and_refuses_targets_that_are_not_older() {
    let database = TestDatabase::new().await;
    down(&database, 5).await;
    assert_eq!(down(&database, 3).await.undone, ["V5__tasks", "V4__open_request"]);
    for to in [4, -1, 99] {
        let error = perform_command(&database, &MigrateCommand::Rollback { to }).await.unwrap_err();
        assert!(matches!(error, MigrateError::InvalidTarget { current: 3, .. }), "{error}");
    }
    assert_eq!(down(&database, 3).await.undone, Vec::<String>::new());
}

#[tokio::test]
async fn a_changed_migration_is_detected() {
    let database = TestDatabase::new().await;
    let client = database.connect().await;
    client.batch_execute("UPDATE refinery_schema_history SET checksum = '1' WHERE version = 2").await.unwrap();
    let checked = check(&database).await;
    assert_eq!(checked.problems, ["V2__users was applied with different content"]);
    let error = perform_command(&database, &MigrateCommand::Migrate).await.unwrap_err();
    assert!(matches!(error, MigrateError::Failed(_)), "{error}");
}

#[tokio::test]
async fn a_role_with_the_name_of_a_schema_can_migrate_too() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    // A role with the name of this schema has it first in its search path.
    client.batch_execute("CREATE SCHEMA todo_owner").await.unwrap();
    assert_eq!(up(&database).await.current, LATEST);
    let found = client.query_typed_one("SELECT to_regclass('public.tasks') IS NOT NULL", &[]).await.unwrap();
    assert!(found.get::<_, bool>(0));
    assert_eq!(status(&database).await.current, LATEST);
    assert_eq!(down(&database, 0).await.current, 0);
}

#[tokio::test]
async fn tasks_from_before_the_migration_are_counted() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    up(&database).await;
    down(&database, 18).await;
    fill(&client, 18).await;
    up(&database).await;
    let count = async || client.query_typed_one("SELECT tasks FROM task_counts", &[]).await.unwrap().get::<_, i64>(0);
    assert_eq!(count().await, 1);
    let become_tasks = "SET ROLE todo_tasks; SET app.user_id = '00000000-0000-7000-8000-000000000001'";
    client.batch_execute(&format!("{become_tasks}; DELETE FROM tasks; RESET ROLE")).await.unwrap();
    assert_eq!(count().await, 0);
}
