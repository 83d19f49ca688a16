//! What holds in the database whatever the code above it does.

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use crate::{api, task};

#[tokio::test]
async fn without_any_where_only_ones_own_rows_are_seen() {
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
async fn without_a_user_nothing_is_seen() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    task(&ada, "mine").await;
    let client = api.database.connect().await;
    client.batch_execute("SET ROLE todo_tasks").await.unwrap();
    assert!(client.query_typed("SELECT FROM tasks", &[]).await.unwrap().is_empty());
    // After a transaction that named a user, the setting is empty and not null.
    client.batch_execute(&format!("BEGIN; SET LOCAL app.user_id = '{}'; COMMIT", ada.id)).await.unwrap();
    assert!(client.query_typed("SELECT FROM tasks", &[]).await.unwrap().is_empty());
    // The owner of the table is bound too, unless its role bypasses row-level security.
    client.batch_execute("RESET ROLE").await.unwrap();
    assert!(client.query_typed("SELECT FROM tasks", &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn writing_for_a_third_user_fails() {
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
async fn every_role_has_only_what_it_needs() {
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
                "SELECT FROM refinery_schema_history",
            ],
        ),
        (
            "todo_auth",
            &[
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
async fn a_revoked_or_expired_session_opens_no_request() {
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
async fn a_disabled_or_deleted_account_opens_no_request() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth; UPDATE users SET is_active = false").await.unwrap();
    ada.get("/api/tasks").await.problem(401, "account_disabled");
    owner.batch_execute("RESET ROLE; ALTER TABLE users NO FORCE ROW LEVEL SECURITY; DELETE FROM users").await.unwrap();
    ada.get("/api/tasks").await.problem(401, "session_revoked");
}
