//! `migrations/schema.sql`, and what must hold for every table and function of the schema.

use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::{TestDatabase, pg_dump};
use tokio_postgres::Client;

/// The tables whose rows belong to users and are guarded by row-level security, also against the owner of the table.
const GUARDED: [&str; 4] = ["audit_events", "sessions", "tasks", "users"];

/// The tables that only functions of the schema `app`, roles without users, or the owner can read.
const UNGUARDED: [&str; 8] = [
    "ended_legacy_tokens",
    "legacy_problems",
    "legacy_rows",
    "rate_limits",
    "refinery_schema_history",
    "sign_in_addresses",
    "sign_in_failures",
    "task_counts",
];

async fn names(client: &Client, sql: &str) -> Vec<String> {
    client.query_typed(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// The schema as `pg_dump` writes it, without the history of migrations.
pub(crate) fn dump(database: &TestDatabase) -> String {
    dump_with(database, &[])
}

fn dump_with(database: &TestDatabase, options: &[&str]) -> String {
    let output = Command::new(pg_dump())
        .args(["--schema-only", "--exclude-table=refinery_schema_history"])
        .args(options)
        .arg(database.url())
        .output()
        .expect("pg_dump runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // Newer versions of pg_dump wrap the dump in a random word.
    let lines = text.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The dump without what depends on the version of PostgreSQL or on the name of the owner, and without the headings,
/// which repeat the statement below them.
async fn schema(database: &TestDatabase) -> String {
    let owner = &names(&database.connect().await, "SELECT current_user::text").await[0];
    let headings = ["-- Name: ", "-- PostgreSQL database dump", "-- Dumped ", "SET ", "SELECT pg_catalog.set_config"];
    let dump = dump_with(database, &["--no-owner"]).replace(&format!(" TO {owner} "), " TO CURRENT_USER ");
    let mut lines = vec!["-- The schema after all migrations. `cargo xtask openapi` writes this file.", ""];
    for line in dump.lines().filter(|line| *line != "--" && !headings.iter().any(|start| line.starts_with(start))) {
        if !line.is_empty() || lines.last() != Some(&"") {
            lines.push(line);
        }
    }
    lines.join("\n").trim_end().to_owned() + "\n"
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "`cargo xtask openapi` asks for the file to be written")]
async fn schema_sql_equals_the_migrations() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/schema.sql");
    let schema = schema(&TestDatabase::new().await).await;
    if std::env::var_os("UPDATE_CONTRACTS").is_some() {
        fs::write(&path, &schema).expect("schema.sql can be written");
        return;
    }
    let committed = fs::read_to_string(&path).expect("schema.sql is committed");
    assert!(committed == schema, "schema.sql differs from the migrations; run `cargo xtask openapi`");
}

#[tokio::test]
async fn row_level_security_is_forced_on_every_table_that_requests_share() {
    let database = TestDatabase::new().await;
    let client = database.connect().await;
    for (filter, expected) in [
        ("c.relrowsecurity AND c.relforcerowsecurity", &GUARDED[..]),
        ("NOT c.relrowsecurity AND NOT c.relforcerowsecurity", &UNGUARDED[..]),
    ] {
        let sql = format!(
            "SELECT c.relname::text FROM pg_class c
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND {filter} ORDER BY 1"
        );
        assert_eq!(names(&client, &sql).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn every_table_and_function_has_a_comment() {
    let database = TestDatabase::new().await;
    let client = database.connect().await;
    let sql = "SELECT c.oid::regclass::text FROM pg_class c
               WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
                 AND c.relname <> 'refinery_schema_history' AND obj_description(c.oid, 'pg_class') IS NULL
               UNION ALL
               SELECT p.oid::regprocedure::text FROM pg_proc p
               WHERE p.pronamespace = 'app'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL";
    assert_eq!(names(&client, sql).await, [""; 0], "give them a COMMENT ON in a migration");
}
