//! Protections that hold in the database alone, whatever the code above it does.

use serde_json::json;
use shared::config::Function;
use testkit::Api;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use crate::{api, task};

#[tokio::test]
async fn a_statement_without_a_filter_sees_only_the_rows_of_its_user() {
    let api = api().await;
    let (ada, eve) = (api.person("ada@example.com").await, api.person("eve@example.com").await);
    for person in [&ada, &eve] {
        task(person, "mine").await;
        task(person, "mine too").await;
    }
    let client = api.database.connect().await;
    client.batch_execute(&format!("SET ROLE todo_tasks; SET app.user_id = '{}'", ada.id)).await.unwrap();
    let rows = client.query_typed("SELECT user_id::text FROM tasks", &[]).await.unwrap();
    let owners: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(owners, [ada.id.to_string(), ada.id.to_string()]);
    // Another user's id in the session changes whose rows they are, not how many users are seen.
    client.batch_execute(&format!("SET app.user_id = '{}'", eve.id)).await.unwrap();
    let rows = client.query_typed("SELECT DISTINCT user_id::text FROM tasks", &[]).await.unwrap();
    let owners: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(owners, [eve.id.to_string()]);
}

#[tokio::test]
async fn without_a_user_no_rows_are_visible() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    task(&ada, "mine").await;
    let client = api.database.connect().await;
    client.batch_execute("SET ROLE todo_tasks").await.unwrap();
    assert!(client.query_typed("SELECT FROM tasks", &[]).await.unwrap().is_empty());
    // After a transaction that named a user, the setting is empty and not null.
    client.batch_execute(&format!("BEGIN; SET LOCAL app.user_id = '{}'; COMMIT", ada.id)).await.unwrap();
    assert!(client.query_typed("SELECT FROM tasks", &[]).await.unwrap().is_empty());
    // Row-level security applies to the owner of the table too, unless its role bypasses it.
    client.batch_execute("RESET ROLE").await.unwrap();
    assert!(client.query_typed("SELECT FROM tasks", &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn writing_rows_for_another_user_fails() {
    let api = api().await;
    let (ada, eve) = (api.person("ada@example.com").await, api.person("eve@example.com").await);
    task(&ada, "ada's").await;
    let client = api.database.connect().await;
    client.batch_execute(&format!("SET ROLE todo_tasks; SET app.user_id = '{}'", ada.id)).await.unwrap();
    let insert = "INSERT INTO tasks (id, user_id, title, priority, created_at, updated_at)
                  VALUES (gen_random_uuid(), $1, 'x', 0, now(), now())";
    let refused = client.execute_typed(insert, &[(&eve.id, Type::UUID)]).await.unwrap_err();
    assert_eq!(refused.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{refused}");
    let give_away = client.execute_typed("UPDATE tasks SET user_id = $1", &[(&eve.id, Type::UUID)]).await.unwrap_err();
    assert_eq!(give_away.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{give_away}");
    client.batch_execute(&format!("SET app.user_id = '{}'", eve.id)).await.unwrap();
    assert_eq!(client.execute_typed("UPDATE tasks SET title = 'stolen'", &[]).await.unwrap(), 0);
    assert_eq!(client.execute_typed("DELETE FROM tasks", &[]).await.unwrap(), 0);
}

#[tokio::test]
async fn every_role_has_only_the_privileges_that_it_needs() {
    let api = api().await;
    let client = api.database.connect().await;
    for (role, statements) in [
        (
            "todo_tasks",
            &[
                "SELECT FROM users",
                "SELECT FROM sessions",
                "SELECT FROM audit_events",
                "SELECT FROM rate_limits",
                "SELECT FROM sign_in_addresses",
                "SELECT FROM task_counts",
                "SELECT FROM ended_legacy_tokens",
                "SELECT app.delete_account('{x}', now(), gen_random_uuid())",
                "SELECT app.count_legacy_passwords()",
                "SELECT FROM refinery_schema_history",
            ][..],
        ),
        (
            "todo_maintenance",
            &[
                "SELECT FROM users",
                "SELECT FROM tasks",
                "SELECT user_id FROM sessions",
                "UPDATE sessions SET revoked_at = NULL",
                "SELECT ip FROM audit_events",
                "SELECT FROM refinery_schema_history",
            ],
        ),
        (
            "todo_admin",
            &[
                "SELECT password_hash FROM users",
                "UPDATE users SET password_hash = NULL",
                "UPDATE users SET email = 'x'",
                "DELETE FROM users",
                "SELECT FROM tasks",
                "SELECT created_ip FROM sessions",
                "SELECT FROM audit_events",
                "SELECT app.release_address('{x}', now(), gen_random_uuid(), 'x')",
                "SELECT FROM refinery_schema_history",
            ],
        ),
        (
            "todo_auth",
            &[
                "SELECT app.delete_account('{x}', now(), gen_random_uuid())",
                "SELECT app.release_address('{x}', now(), gen_random_uuid(), 'x')",
                "UPDATE ended_legacy_tokens SET expires_at = now()",
                "SELECT FROM tasks",
                "SELECT FROM rate_limits",
                "UPDATE audit_events SET ip = NULL",
                "DELETE FROM audit_events",
                "INSERT INTO sign_in_failures VALUES ('x', 1, now(), now())",
            ],
        ),
    ] {
        client.batch_execute(&format!("SET ROLE {role}")).await.unwrap();
        for statement in statements {
            let refused = client.batch_execute(statement).await.unwrap_err();
            assert_eq!(refused.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{role}: {statement}");
        }
    }
}

#[tokio::test]
async fn requests_of_a_revoked_or_expired_session_are_401() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    ada.get("/api/tasks").await.data(200);
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth").await.unwrap();
    owner.batch_execute("UPDATE sessions SET idle_expires_at = '2026-03-10T12:00:00Z'").await.unwrap();
    ada.get("/api/tasks").await.problem(401, "session_expired");
    owner.batch_execute("UPDATE sessions SET revoked_at = now(), revoke_reason = 'test'").await.unwrap();
    ada.get("/api/tasks").await.problem(401, "session_revoked");
    ada.post("/api/tasks", serde_json::json!({ "title": "x" })).await.problem(401, "session_revoked");
    let rows = owner.query_typed("SELECT FROM pg_class WHERE relname = 'tasks' AND reltuples > 0", &[]).await.unwrap();
    assert!(rows.is_empty());
}

#[tokio::test]
async fn requests_of_a_disabled_or_deleted_account_are_401() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth; UPDATE users SET is_active = false").await.unwrap();
    ada.get("/api/tasks").await.problem(401, "account_disabled");
    owner.batch_execute("RESET ROLE; ALTER TABLE users NO FORCE ROW LEVEL SECURITY; DELETE FROM users").await.unwrap();
    ada.get("/api/tasks").await.problem(401, "session_revoked");
}

/// Makes the first `times` inserts of a task fail with an SQLSTATE. A sequence counts them, which is never rolled back.
async fn fail_inserts(api: &Api, state: &str, times: u32) {
    let sql = format!(
        "DROP SEQUENCE IF EXISTS inserts CASCADE;
         CREATE SEQUENCE inserts;
         GRANT USAGE ON inserts TO todo_tasks;
         CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('public.inserts') <= {times} THEN RAISE 'refused' USING ERRCODE = '{state}'; END IF;
             RETURN NEW;
         END $$;
         CREATE OR REPLACE TRIGGER failing BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION fail()",
    );
    api.database.connect().await.batch_execute(&sql).await.unwrap();
}

#[tokio::test]
async fn a_temporarily_unavailable_database_is_503_with_retry_after() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    // Out of disk, memory or connections, or over a limit; an I/O error; a transaction that was idle or ran too long;
    // read-only; a serialization failure or a deadlock; the server stops, crashes, starts or has dropped the database.
    for state in [
        "53100", "53200", "53300", "53400", "58030", "25P03", "25P04", "25006", "40001", "40P01", "57P01", "57P02",
        "57P03", "57P04",
    ] {
        fail_inserts(&api, state, 1_000).await;
        let answer = ada.post("/api/tasks", json!({ "title": "x" })).await;
        answer.problem(503, "database_unavailable");
        let seconds: u32 = answer.header("retry-after").parse().unwrap_or_else(|_| panic!("{state}"));
        assert!((1..=60).contains(&seconds), "{state}: {seconds}");
        assert!(!answer.text().contains("refused"), "{}", answer.text());
    }
    // Any other state is an internal error.
    fail_inserts(&api, "58P01", 1_000).await;
    ada.post("/api/tasks", json!({ "title": "x" })).await.problem(500, "internal_error");
    assert_eq!(ada.get("/api/tasks").await.data(200)["total_count"], 0);
}

#[tokio::test]
async fn temporary_failures_are_retried_once() {
    let (api, proxy) = Api::behind_a_proxy(Function::Tasks, tasks::routes).await;
    let ada = api.person("ada@example.com").await;
    for (state, connections) in [
        // The transaction was rolled back in favour of another one: the connection can be used again.
        ("40001", 0),
        ("40P01", 0),
        // The server became read-only, or closed the connection: a new connection leads to the new server.
        ("25006", 1),
        ("57P01", 1),
    ] {
        task(&ada, "warm").await;
        fail_inserts(&api, state, 1).await;
        let before = proxy.connections();
        assert_eq!(task(&ada, state).await["title"], state);
        assert_eq!(proxy.connections() - before, connections, "{state}");
    }
    assert_eq!(ada.get("/api/tasks").await.data(200)["total_count"], 8, "each is stored once");
}

#[tokio::test]
async fn a_connection_to_a_server_that_became_read_only_is_replaced() {
    let (api, proxy) = Api::behind_a_proxy(Function::Tasks, tasks::routes).await;
    let ada = api.person("ada@example.com").await;
    let name = api.database.name();
    let owner = api.database.connect().await;
    let set = async |on: &str| {
        owner.batch_execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = {on}")).await.unwrap();
    };
    set("on").await;
    // Reading needs no other server.
    assert_eq!(ada.get("/api/tasks").await.data(200)["total_count"], 0);
    assert_eq!(proxy.connections(), 1);
    set("off").await;
    task(&ada, "x").await;
    assert_eq!(proxy.connections(), 2, "the connection that could not write is closed");
}

#[tokio::test]
async fn a_connection_whose_other_end_is_gone_costs_two_seconds() {
    let (api, proxy) = Api::behind_a_proxy(Function::Tasks, tasks::routes).await;
    let ada = api.person("ada@example.com").await;
    task(&ada, "x").await;
    proxy.freeze();
    let call = ada.call(http::Method::GET, "/api/tasks").with_milliseconds_left(29_000).send();
    let answer =
        tokio::time::timeout(std::time::Duration::from_secs(4), call).await.expect("an answer within four seconds");
    assert_eq!(answer.data(200)["total_count"], 1);
}
