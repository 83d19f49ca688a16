//! Two mechanisms keep users apart, and each must work without the other: row-level security, and the owner that a
//! statement names. The policies of `users` and `sessions` let the role `todo_auth` see all rows, because a sign-in
//! starts without a user: there the statements are the only protection, and `sessions.rs` tests them.

use http::Method;
use serde_json::json;

use crate::{api, sign_up, text};

/// Whose rows (`a` for the user of the request, `e` for another one) each role reads, updates and deletes with every
/// privilege and without any owner in the statement.
const ROWS: [(&str, &str, [&str; 3]); 20] = [
    ("todo_tasks", "users", ["", "", ""]),
    ("todo_tasks", "sessions", ["", "", ""]),
    ("todo_tasks", "tasks", ["a", "a", "a"]),
    ("todo_tasks", "audit_events", ["", "", ""]),
    ("todo_auth", "users", ["ae", "ae", "ae"]),
    ("todo_auth", "sessions", ["ae", "ae", "ae"]),
    ("todo_auth", "tasks", ["", "", ""]),
    ("todo_auth", "audit_events", ["a", "", ""]),
    ("todo_admin", "users", ["ae", "ae", "ae"]),
    ("todo_admin", "sessions", ["ae", "ae", "ae"]),
    ("todo_admin", "tasks", ["", "", ""]),
    ("todo_admin", "audit_events", ["", "", ""]),
    // Events of the last 89 days cannot be purged; those of the other user are older.
    ("todo_maintenance", "users", ["", "", ""]),
    ("todo_maintenance", "sessions", ["ae", "ae", "ae"]),
    ("todo_maintenance", "tasks", ["", "", ""]),
    ("todo_maintenance", "audit_events", ["e", "e", "e"]),
    // The owner of the tables; functions of the schema `app` run as this role. It is a member of the roles above, so
    // their policies apply to it too; without FORCE it would reach the other user's task.
    ("CURRENT_USER", "users", ["ae", "ae", "ae"]),
    ("CURRENT_USER", "sessions", ["ae", "ae", "ae"]),
    ("CURRENT_USER", "tasks", ["a", "a", "a"]),
    ("CURRENT_USER", "audit_events", ["ae", "ae", "ae"]),
];

#[tokio::test]
async fn row_level_security_alone_decides_whose_rows_a_role_reaches() {
    let api = api().await;
    let (ada, eve) = (sign_up(&api, "ada@example.com").await, sign_up(&api, "eve@example.com").await);
    let (ada_id, eve_id) = (text(&ada, "user_id"), text(&eve, "user_id"));
    let session = text(&crate::claims(&text(&ada, "access_token")), "sid");
    let client = api.database.connect().await;
    let set_up = format!(
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO todo_tasks, todo_auth, todo_admin, todo_maintenance;
         UPDATE audit_events SET occurred_at = CASE WHEN user_id = '{ada_id}' THEN now() ELSE '2000-01-01' END;
         SET app.importing = 'on';
         INSERT INTO tasks (id, user_id, title, priority, created_at, updated_at)
         SELECT gen_random_uuid(), id, 'x', 0, now(), now() FROM users;
         RESET app.importing"
    );
    client.batch_execute(&set_up).await.unwrap();
    let (mut found, mut expected) = (Vec::new(), Vec::new());
    for (role, table, owners) in ROWS {
        let owner = if table == "users" { "id" } else { "user_id" };
        for (command, owners) in [
            format!("SELECT {owner}::text FROM {table}"),
            format!("UPDATE {table} SET id = id RETURNING {owner}::text"),
            format!("DELETE FROM {table} RETURNING {owner}::text"),
        ]
        .iter()
        .zip(owners)
        {
            let become_role = if role == "CURRENT_USER" { String::new() } else { format!("SET LOCAL ROLE {role}") };
            let arguments = format!("'{ada_id}', '{session}', 0, NULL, '{}', NULL, NULL, NULL, NULL", api.now());
            let open = format!("BEGIN; SELECT app.open_request({arguments})");
            client.batch_execute(&format!("{open}; {become_role}")).await.unwrap();
            let rows = client.query_typed(command, &[]).await.unwrap();
            client.batch_execute("ROLLBACK").await.unwrap();
            let reached: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            let letters = [("a", &ada_id), ("e", &eve_id)].into_iter().filter(|(_, id)| reached.contains(id));
            found.push(format!("{role}: {command}: {}", letters.map(|(letter, _)| letter).collect::<String>()));
            expected.push(format!("{role}: {command}: {owners}"));
        }
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn without_row_level_security_another_users_events_are_still_not_listed() {
    let api = api().await;
    let ada = sign_up(&api, "ada@example.com").await;
    sign_up(&api, "eve@example.com").await;
    let loosen = "CREATE POLICY loose ON audit_events FOR SELECT TO todo_auth USING (true)";
    api.database.connect().await.batch_execute(loosen).await.unwrap();
    let call = api.call(Method::GET, "/api/v1/auth/events").bearer(&text(&ada, "access_token"));
    let events = call.send().await.data(200);
    let sessions: Vec<_> = events["events"].as_array().unwrap().iter().map(|event| &event["session_id"]).collect();
    assert_eq!(sessions, [&json!(text(&crate::claims(&text(&ada, "access_token")), "sid"))]);
}
