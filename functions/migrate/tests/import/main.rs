//! Importing users and tasks of the old backend. It had two schemas; both are created here as they were.

mod again;
mod odd;

use migrate::{ImportReport, MigrateCommand, MigrateError, MigrateResponse, OnConflict, perform};
use shared::lambda::Invocation;
use testkit::{TestClock, TestDatabase, migrator};
use tokio_postgres::Client;

/// The first schema: UUIDs, one password per user, times without a zone.
const FIRST: &str = r#"
    CREATE TYPE taskpriority AS ENUM
        ('URGENT_IMPORTANT', 'NOT_URGENT_IMPORTANT', 'URGENT_NOT_IMPORTANT', 'NOT_URGENT_NOT_IMPORTANT', 'SOMEDAY');
    CREATE TABLE "user" (id uuid PRIMARY KEY, email varchar, name varchar, is_active boolean, hashed_password varchar,
        created_at timestamp, updated_at timestamp);
    CREATE TABLE task (id uuid PRIMARY KEY, user_id uuid, title varchar, description varchar, due_datetime timestamp,
        priority taskpriority, is_completed boolean, created_at timestamp, updated_at timestamp);
"#;

/// The second schema: ids of 32 hexadecimal digits, passwords in their own table, bans and roles.
const SECOND: &str = r#"
    CREATE TABLE "user" (id text PRIMARY KEY, email text, name text, email_verified boolean, role text, banned boolean,
        ban_reason text, ban_expires timestamptz, created_at timestamptz, updated_at timestamptz);
    CREATE TABLE account (id text PRIMARY KEY, user_id text, provider_id text, password text);
    CREATE TABLE task (id text PRIMARY KEY, user_id text, title text, description text, due_datetime timestamptz,
        priority text, is_completed boolean, created_at timestamptz, updated_at timestamptz);
"#;

const BCRYPT: &str = "$2b$04$or6w7XltRZoby3flwzBiZuxE7cNcj2GCWj8XWnpepNJo8aq42Lkeu";
const SHA256: &str =
    "00112233445566778899aabbccddeeff:75c09df64ee17ea8eb609e35add95ddf76b6f6c56143dbf514285efaa6d1609a";

async fn database(schema: &str) -> (TestDatabase, Client) {
    let database = TestDatabase::new().await;
    let client = database.connect().await;
    client.batch_execute(schema).await.unwrap();
    (database, client)
}

async fn run_import(
    database: &TestDatabase,
    command: MigrateCommand,
    invocation: Invocation,
) -> Result<ImportReport, MigrateError> {
    let app = migrator(&database.url(), TestClock::default().clock()).await;
    match perform(&app, &invocation, &command).await? {
        MigrateResponse::Import(imported) => Ok(*imported),
        other => panic!("{other:?}"),
    }
}

async fn import(database: &TestDatabase) -> ImportReport {
    run_import(
        database,
        MigrateCommand::ImportLegacy { dry_run: false, after: None, on_conflict: OnConflict::Report },
        Invocation::default(),
    )
    .await
    .unwrap()
}

/// Counts in the order found, imported, already, skipped, adjusted.
fn counts(counts: &migrate::Counts) -> [i64; 5] {
    [counts.found, counts.imported, counts.already, counts.skipped, counts.adjusted]
}

/// The rows of a query of one text column, regardless of row-level security.
async fn texts(client: &Client, sql: &str) -> Vec<String> {
    client.batch_execute("SET app.importing = 'on'").await.unwrap();
    let rows = client.query_typed(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn id(n: u32) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

#[tokio::test]
async fn the_first_schema_is_imported_with_its_ids() {
    let (database, client) = database(FIRST).await;
    let sql = format!(
        "INSERT INTO \"user\" VALUES
            ('{}', ' Ada@Example.com', 'Ada', true, '{BCRYPT}', '2025-01-02 03:04:05.678', '2025-02-03 04:05:06'),
            ('{}', 'bob@example.com', '', false, '{BCRYPT}', '2025-01-02', '2025-01-02');
         INSERT INTO task VALUES
            ('{}', '{}', ' Buy milk ', 'Blue label', '2026-02-15 17:00', 'URGENT_IMPORTANT', true, '2025-03-01', '2025-03-02'),
            ('{}', '{}', 'x', NULL, NULL, 'NOT_URGENT_NOT_IMPORTANT', NULL, '2025-03-01', '2025-03-02')",
        id(1), id(2), id(11), id(1), id(12), id(2)
    );
    client.batch_execute(&sql).await.unwrap();
    let imported = import(&database).await;
    assert_eq!((counts(&imported.users), counts(&imported.tasks)), ([2, 2, 0, 0, 0], [2, 2, 0, 0, 1]));
    assert_eq!((imported.verified, imported.next), (Some(true), None));
    assert_eq!(imported.problems[0].problem, "is_completed is missing; it is false now");

    let users = texts(&client, "SELECT concat_ws('|', id, email, coalesce(name, '-'), role, is_active, password_hash, pepper_id,
        to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS'), to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')) FROM users ORDER BY id").await;
    assert_eq!(
        users,
        [
            format!("{}|ada@example.com|Ada|user|t|{BCRYPT}|2025-01-02 03:04:05.678|2025-02-03 04:05", id(1)),
            format!("{}|bob@example.com|-|user|f|{BCRYPT}|2025-01-02 00:00:00.000|2025-01-02 00:00", id(2)),
        ]
    );
    let tasks = texts(&client, "SELECT concat_ws('|', id, user_id, title, coalesce(description, '-'), to_char(due_datetime AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
        priority, is_completed, to_char(completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')) FROM tasks ORDER BY id").await;
    assert_eq!(
        tasks,
        [
            format!("{}|{}|Buy milk|Blue label|2026-02-15 17:00|0|t|2025-03-02", id(11), id(1)),
            format!("{}|{}|x|-|3|f", id(12), id(2)),
        ]
    );
}

#[tokio::test]
async fn the_second_schema_keeps_the_128_bits_of_its_ids() {
    let (database, client) = database(SECOND).await;
    let sql = format!(
        "INSERT INTO \"user\" VALUES
            ('00112233445566778899AABBCCDDEEFF', 'ada@example.com', 'Ada', true, 'admin', NULL, NULL, NULL, '2025-01-02T03:04:05+02:00', '2025-01-02'),
            ('11112233445566778899aabbccddeeff', 'bob@example.com', 'Bob', false, 'user', true, 'Spam', '2027-01-01', '2025-01-02', '2025-01-02'),
            ('21112233445566778899aabbccddeeff', 'eve@example.com', 'Eve', false, 'owner', true, NULL, NULL, '2025-01-02', '2025-01-02');
         INSERT INTO account VALUES
            ('1', '00112233445566778899AABBCCDDEEFF', 'github', NULL),
            ('2', '00112233445566778899AABBCCDDEEFF', 'credential', '{SHA256}'),
            ('3', '11112233445566778899aabbccddeeff', 'credential', '{BCRYPT}'),
            ('4', '21112233445566778899aabbccddeeff', 'github', NULL);
         INSERT INTO task VALUES
            ('a0112233445566778899aabbccddeeff', '00112233445566778899AABBCCDDEEFF', 'Milk', '', NULL, 'urgent_not_important', false, '2025-03-01', '2025-03-01')"
    );
    client.batch_execute(&sql).await.unwrap();
    let imported = import(&database).await;
    assert_eq!((counts(&imported.users), counts(&imported.tasks)), ([3, 3, 0, 0, 2], [1, 1, 0, 0, 0]));
    let problems: Vec<&str> = imported.problems.iter().map(|problem| problem.problem.as_str()).collect();
    assert_eq!(problems, ["there is no password, so the user cannot sign in", "the role is unknown; it is user now"]);
    assert_eq!(imported.verified, Some(true));
    let users = texts(&client, "SELECT concat_ws('|', id, role, email_verified, left(password_hash, 8), ban_reason, banned_until::date, banned_at IS NOT NULL) FROM users ORDER BY id").await;
    assert_eq!(
        users,
        [
            "00112233-4455-6677-8899-aabbccddeeff|admin|t|00112233|f",
            "11112233-4455-6677-8899-aabbccddeeff|user|f|$2b$04$o|Spam|2027-01-01|t",
            "21112233-4455-6677-8899-aabbccddeeff|user|f|Banned before the move to this service|t",
        ]
    );
    assert_eq!(
        texts(&client, "SELECT id || ' ' || user_id FROM tasks").await,
        ["a0112233-4455-6677-8899-aabbccddeeff 00112233-4455-6677-8899-aabbccddeeff"]
    );
}

#[tokio::test]
async fn each_row_that_cannot_be_imported_is_reported() {
    let (database, client) = database(SECOND).await;
    let hex = |n: u32| format!("{n:032x}");
    let long = "x".repeat(256);
    let user = |n: u32, email: &str, created: &str| {
        format!("('{}', {email}, NULL, NULL, NULL, NULL, NULL, NULL, {created}, '2025-01-02')", hex(n))
    };
    let users = [
        user(1, "'Ada@example.com'", "'2025-01-03'"),
        user(2, "'ada@EXAMPLE.com '", "'2025-01-02'"),
        user(3, "NULL", "'2025-01-02'"),
        user(4, "'nobody'", "'2025-01-02'"),
        user(5, "'late@example.com'", "'infinity'"),
        user(6, "'noon@example.com'", "NULL"),
        user(7, "'mine@example.com'", "'2025-01-02'"),
        "('not-a-uuid', 'odd@example.com', NULL, NULL, NULL, NULL, NULL, NULL, '2025-01-02', '2025-01-02')".to_owned(),
    ];
    let task = |n: u32, user: u32, title: &str, due: &str, priority: &str| {
        format!("('{}', '{}', {title}, NULL, {due}, {priority}, false, '2025-01-01', '2025-01-01')", hex(n), hex(user))
    };
    let tasks = [
        task(11, 2, "'fine'", "NULL", "'URGENT_IMPORTANT'"),
        task(12, 1, "'of a user left out'", "NULL", "'URGENT_IMPORTANT'"),
        task(13, 99, "'of nobody'", "NULL", "'URGENT_IMPORTANT'"),
        task(14, 2, "' '", "NULL", "'URGENT_IMPORTANT'"),
        task(15, 2, &format!("'{long}'"), "NULL", "'URGENT_IMPORTANT'"),
        task(16, 2, "'x'", "'20000-01-01'", "'URGENT_IMPORTANT'"),
        task(17, 2, "'x'", "'-infinity'", "'URGENT_IMPORTANT'"),
        task(18, 2, "'x'", "NULL", "'not_urgent_not_importan'"),
        task(19, 2, "'x'", "NULL", "NULL"),
        task(20, 2, "NULL", "NULL", "'URGENT_IMPORTANT'"),
    ];
    let sql = format!("INSERT INTO \"user\" VALUES {}; INSERT INTO task VALUES {}", users.join(", "), tasks.join(", "));
    client.batch_execute(&sql).await.unwrap();
    let taken = "SET app.importing = 'on'; INSERT INTO users (id, email, created_at, updated_at) VALUES ('00000000-0000-7000-8000-0000000000aa', 'mine@example.com', now(), now())";
    client.batch_execute(taken).await.unwrap();

    // A dry run changes nothing.
    let dry = run_import(
        &database,
        MigrateCommand::ImportLegacy { dry_run: true, after: None, on_conflict: OnConflict::Report },
        Invocation::default(),
    )
    .await
    .unwrap();
    assert_eq!((counts(&dry.users), dry.verified), ([8, 2, 0, 6, 3], None));
    assert_eq!(counts(&dry.tasks), [10, 1, 0, 9, 0]);
    assert_eq!(texts(&client, "SELECT id::text FROM users").await.len(), 1);
    assert_eq!(texts(&client, "SELECT problem FROM legacy_problems").await.len(), 0);

    let imported = import(&database).await;
    assert_eq!(counts(&imported.users), [8, 2, 0, 6, 3], "{:#?}", imported.problems);
    assert_eq!(counts(&imported.tasks), [10, 1, 0, 9, 0], "{:#?}", imported.problems);
    assert_eq!(imported.verified, Some(true));
    let skipped = |source: &str| {
        let all = imported.problems.iter().map(|problem| serde_json::to_value(problem).unwrap());
        let of = all.filter(|problem| problem["skipped"] == true && problem["source"] == source);
        of.map(|problem| {
            format!(
                "{} {}",
                problem["legacy_id"].as_str().unwrap().trim_start_matches('0'),
                problem["problem"].as_str().unwrap()
            )
        })
        .collect::<Vec<_>>()
    };
    let mut users = skipped("user");
    users.sort();
    assert_eq!(
        users,
        [
            "1 the account 00000000-0000-0000-0000-000000000002 has this address",
            "3 the address is missing",
            "4 the address is not valid",
            "5 created_at or updated_at is out of range",
            "7 the account 00000000-0000-7000-8000-0000000000aa has this address",
            "not-a-uuid the id is not a UUID",
        ]
    );
    let mut tasks = skipped("task");
    tasks.sort();
    assert_eq!(
        tasks,
        [
            "10 the due date is out of range",
            "11 the due date is out of range",
            "12 the priority is unknown",
            "13 the priority is missing",
            "14 the title is missing",
            "c its user does not exist, or was left out",
            "d its user does not exist, or was left out",
            "e the title is empty, or longer than 255 characters",
            "f the title is empty, or longer than 255 characters",
        ]
    );
    let stored = texts(&client, "SELECT source || legacy_id || problem FROM legacy_problems").await;
    assert_eq!(stored.len(), imported.problems.len(), "the table has all problems");
    assert!(!serde_json::to_string(&imported).unwrap().contains('@'), "no email address is reported");
}

#[tokio::test]
async fn without_tables_of_the_old_backend_the_error_names_the_expected_ones() {
    let database = TestDatabase::new().await;
    let command = MigrateCommand::ImportLegacy { dry_run: false, after: None, on_conflict: OnConflict::Report };
    let error = run_import(&database, command, Invocation::default()).await.unwrap_err();
    assert!(error.to_string().contains("hashed_password"), "{error}");
}
