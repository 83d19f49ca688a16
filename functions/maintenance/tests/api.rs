//! The purge and the operator's actions, on a real PostgreSQL.

use axum::Router;
use maintenance::{AccountRole, Command, CommandOutput, PurgeReport, handle};
use serde_json::{Value, json};
use shared::config::Function;
use shared::db::Statement;
use shared::lambda::Invocation;
use testkit::Api;
use tokio_postgres::Client;

async fn api() -> Api {
    // The function has no routes. It uses the same database and settings as the other functions.
    Api::start(Function::Maintenance, Router::new).await
}

async fn run_command(api: &Api, event: Value, invocation: Invocation) -> Result<CommandOutput, String> {
    let event: Command = serde_json::from_value(event).map_err(|error| error.to_string())?;
    handle(api.app.clone(), invocation, event).await.map_err(|error| error.to_string())
}

async fn purge(api: &Api) -> PurgeReport {
    match run_command(api, json!({ "action": "purge" }), Invocation::default()).await.unwrap() {
        CommandOutput::Purge(purged) => purged,
        other => panic!("{other:?}"),
    }
}

async fn texts(client: &Client, sql: &str) -> Vec<String> {
    client.query_typed(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn the_purge_deletes_expired_rows_and_keeps_all_others() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let owner = api.database.connect().await;
    let session = |n: u32, idle: &str, absolute: &str, revoked: &str| {
        let reason = if revoked == "NULL" { "NULL" } else { "'x'" };
        format!(
            "('00000000-0000-7000-8000-00000000000{n}', '{}', now(), {idle}, {absolute}, {revoked}, {reason}, now(), now())",
            ada.id
        )
    };
    // The clock shows 2026-03-10T12:00Z. Rows that are deleted are one microsecond older than rows that stay.
    let (future, ended, kept) = ("'2026-04-01'", "'2026-03-03T11:59:59.999999Z'", "'2026-03-03T12:00Z'");
    let sessions = [
        session(1, ended, future, "NULL"),
        session(2, future, ended, "NULL"),
        session(3, future, future, ended),
        session(4, kept, future, "NULL"),
        session(5, future, future, kept),
        session(6, future, future, "NULL"),
        session(7, future, kept, "NULL"),
    ];
    let sql = format!(
        "SET ROLE todo_auth;
         INSERT INTO sessions (id, user_id, settle_until, idle_expires_at, absolute_expires_at, revoked_at, revoke_reason,
                               created_at, last_used_at) VALUES {};
         INSERT INTO sign_in_addresses VALUES ('{id}', 'old', '2025-12-10T11:59:59.999999Z'), ('{id}', 'new', '2025-12-10T12:00Z');
         RESET ROLE;
         INSERT INTO ended_legacy_tokens VALUES (gen_random_uuid(), '{id}', '2026-03-10T12:00Z'),
                                                (gen_random_uuid(), '{id}', '2026-03-10T12:00:00.000001Z');
         INSERT INTO rate_limits VALUES ('sign_up', 'spent', '2026-03-10T12:00Z'), ('sign_up', 'in use', '2026-03-10T12:00:00.000001Z');
         INSERT INTO sign_in_failures VALUES ('old', 99, '2026-02-08T11:59:59.999999Z', '2026-02-08'), ('new', 1, '2026-02-08T12:00Z', '2026-02-08'),
                                             ('blocked', 100, '2025-02-08T12:00Z', 'infinity'),
                                             ('long ago', 100, '2025-02-08T11:59:59.999999Z', 'infinity');
         INSERT INTO sign_in_failures (account, failures, failed_at, blocked_until, known_failures)
         VALUES ('closed to known addresses', 7, '2025-06-01', '-infinity', 100);
         INSERT INTO audit_events (id, occurred_at, kind) VALUES (gen_random_uuid(), '2025-12-10T11:59:59.999999Z', 'old'),
                                                                 (gen_random_uuid(), '2025-12-10T12:00Z', 'new')",
        sessions.join(", "),
        id = ada.id
    );
    owner.batch_execute(&sql).await.unwrap();
    let purged = purge(&api).await;
    let expected = PurgeReport {
        sessions: 3,
        rate_limits: 1,
        sign_in_failures: 2,
        sign_in_addresses: 1,
        audit_events: 1,
        ended_legacy_tokens: 1,
        done: true,
    };
    assert_eq!(purged, expected);
    assert_eq!(
        texts(&owner, "SELECT right(id::text, 1) FROM sessions WHERE id::text LIKE '0000%' ORDER BY id").await,
        ["4", "5", "6", "7"]
    );
    assert_eq!(texts(&owner, "SELECT key FROM rate_limits").await, ["in use"]);
    assert_eq!(
        texts(&owner, "SELECT account FROM sign_in_failures ORDER BY account").await,
        ["blocked", "closed to known addresses", "new"]
    );
    assert_eq!(texts(&owner, "SELECT address FROM sign_in_addresses").await, ["new"]);
    assert_eq!(texts(&owner, "SELECT kind FROM audit_events").await, ["new"]);
    assert_eq!(purge(&api).await, PurgeReport { done: true, ..PurgeReport::default() }, "a second run finds nothing");
}

#[tokio::test]
async fn many_rows_are_deleted_in_several_batches() {
    let api = api().await;
    let owner = api.database.connect().await;
    let sql = "INSERT INTO audit_events (id, occurred_at, kind)
                   SELECT gen_random_uuid(), CASE WHEN n % 4 = 0 THEN timestamptz '2026-03-01' ELSE '2025-01-01' END, 'x'
                   FROM generate_series(1, 12000) n;
               INSERT INTO rate_limits SELECT 'writes', n::text, '2026-01-01' FROM generate_series(1, 12000) n";
    owner.batch_execute(sql).await.unwrap();
    let purged = purge(&api).await;
    assert_eq!((purged.audit_events, purged.rate_limits, purged.done), (9_000, 12_000, true));
    assert_eq!(texts(&owner, "SELECT count(*)::text FROM audit_events").await, ["3000"]);
}

#[tokio::test]
async fn the_purge_stops_before_its_deadline_and_reports_it() {
    let api = api().await;
    let owner = api.database.connect().await;
    owner.batch_execute("INSERT INTO rate_limits VALUES ('writes', 'x', '2026-01-01')").await.unwrap();
    let soon = Invocation { deadline: Some(api.now() + jiff::SignedDuration::from_secs(9)) };
    let answer = run_command(&api, json!({ "action": "purge" }), soon).await.unwrap();
    assert_eq!(answer, CommandOutput::Purge(PurgeReport::default()), "nothing is deleted, and it is not done");
    let later = Invocation { deadline: Some(api.now() + jiff::SignedDuration::from_secs(60)) };
    let answer = run_command(&api, json!({ "action": "purge" }), later).await.unwrap();
    assert_eq!(answer, CommandOutput::Purge(PurgeReport { rate_limits: 1, done: true, ..PurgeReport::default() }));
}

#[tokio::test]
async fn operators_change_roles_and_cannot_demote_the_last_administrator() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let eve = api.person("eve@example.com").await;
    let run_command = async |action: &str, email: &str| {
        run_command(&api, json!({ "action": action, "email": email }), Invocation::default()).await
    };
    let role_of = |user_id, role: &str| Ok(CommandOutput::Role(AccountRole { user_id, role: role.to_owned() }));
    assert_eq!(run_command("grant_admin", "Ada@Example.com").await, role_of(ada.id, "admin"));
    assert_eq!(
        run_command("grant_admin", "ada@example.com").await,
        role_of(ada.id, "admin"),
        "granting it again changes nothing"
    );
    assert_eq!(
        run_command("revoke_admin", "ada@example.com").await.unwrap_err(),
        "this is the last administrator; make another one first"
    );
    assert_eq!(run_command("grant_admin", "eve@example.com").await, role_of(eve.id, "admin"));
    assert_eq!(run_command("revoke_admin", "ada@example.com").await, role_of(ada.id, "user"));
    let missing = run_command("grant_admin", "nobody@example.com").await.unwrap_err();
    assert_eq!(missing, "there is no account with this address");
    assert!(run_command("grant_admin", "nobody").await.unwrap_err().starts_with("the address must be"));
    assert!(run_command("explode", "ada@example.com").await.is_err());
    let owner = api.database.connect().await;
    let events = texts(&owner, "SELECT kind || coalesce(actor_id::text, '') FROM audit_events").await;
    assert_eq!(events, ["role_changed"; 4]);
}

#[tokio::test]
async fn an_operator_unlocks_the_sign_in_of_a_user() {
    let settings = {
        let mut settings = testkit::settings();
        settings.remove("RATE_LIMITS");
        settings
    };
    let api = api().await;
    let mut auth_settings = settings;
    auth_settings.insert("DATABASE_URL".to_owned(), api.database.url());
    let empty = testkit::TestDatabase::empty().await;
    let auth = Api::start_on(empty, Function::Auth, auth::routes, auth_settings).await;
    let sign_in = async |n: u32, password: &str| {
        let body = json!({ "email": "ada@example.com", "password": password });
        let call = auth.call(http::Method::POST, "/api/v1/auth/signin").json(body);
        call.from_ip(&format!("198.51.100.{n}")).send().await
    };
    let body = json!({ "email": "ada@example.com", "password": "correct horse battery" });
    auth.post("/api/v1/auth/signup", body).await.data(201);
    for n in 1..=5 {
        sign_in(n, "wrong").await.problem(401, "invalid_credentials");
    }
    sign_in(6, "correct horse battery").await.problem(429, "too_many_failures");
    auth.clock.advance_seconds(1);
    api.clock.advance_seconds(1);
    run_command(&api, json!({ "action": "unlock_sign_in", "email": "ada@example.com" }), Invocation::default())
        .await
        .unwrap();
    sign_in(6, "correct horse battery").await.data(200);
}

#[tokio::test]
async fn operators_delete_an_account_with_its_sessions_and_tasks() {
    let api = api().await;
    let (ada, eve) = (api.person("ada@example.com").await, api.person("eve@example.com").await);
    let run_command = async |email: &str| {
        run_command(&api, json!({ "action": "delete_account", "email": email }), Invocation::default()).await
    };
    let owner = api.database.connect().await;
    owner.batch_execute("SET app.importing = 'on'").await.unwrap();
    let tasks = format!(
        "INSERT INTO tasks (id, user_id, title, priority, created_at, updated_at)
         SELECT gen_random_uuid(), id, 'x', 0, now(), now() FROM users WHERE id = '{}'",
        ada.id
    );
    owner.batch_execute(&tasks).await.unwrap();
    let deleted = run_command(" Ada@Example.com").await.unwrap();
    assert_eq!(serde_json::to_value(deleted).unwrap(), json!({ "deleted_user_id": ada.id }));
    assert_eq!(texts(&owner, "SELECT email FROM users").await, ["eve@example.com"]);
    assert_eq!(texts(&owner, "SELECT user_id::text FROM sessions").await, [eve.id.to_string()]);
    for table in ["tasks", "task_counts"] {
        assert!(texts(&owner, &format!("SELECT user_id::text FROM {table}")).await.is_empty(), "{table}");
    }
    let events = texts(&owner, "SELECT concat_ws(' ', kind, user_id, details->>'by') FROM audit_events").await;
    assert_eq!(events, [format!("account_deleted {} operator", ada.id)]);
    assert_eq!(run_command("ada@example.com").await.unwrap_err(), "there is no account with this address");
    owner.batch_execute("SET ROLE todo_admin; UPDATE users SET role = 'admin'; RESET ROLE").await.unwrap();
    let last = run_command("eve@example.com").await.unwrap_err();
    assert_eq!(last, "this is the last administrator; make another one first");
    // For the next user of the connection, row-level security hides all rows again.
    let sql = "SELECT current_setting('app.importing', true) AS importing";
    let hidden = Statement::new("test", sql).run(&api.app.anonymous()).await.unwrap();
    assert_ne!(hidden.one().unwrap().get::<Option<String>>("importing").unwrap().as_deref(), Some("on"));
}

#[tokio::test]
async fn operators_release_an_email_address_and_the_account_stays() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let run_command = async |email: &str| {
        run_command(&api, json!({ "action": "release_address", "email": email }), Invocation::default()).await
    };
    let freed = run_command("ADA@example.com").await.unwrap();
    let freed = serde_json::to_value(freed).unwrap();
    let placeholder = freed["placeholder"].as_str().unwrap().to_owned();
    assert_eq!(freed["user_id"], json!(ada.id));
    // The placeholder cannot be guessed, so no one can sign up with it beforehand.
    assert!(placeholder.starts_with("released-") && placeholder.ends_with("@released.invalid"), "{placeholder}");
    assert!(!placeholder.contains(&ada.id.to_string()), "{placeholder}");
    let owner = api.database.connect().await;
    let events = texts(&owner, "SELECT concat_ws(' ', kind, user_id, details->>'reason') FROM audit_events").await;
    assert_eq!(events, [format!("address_released {} operator", ada.id)]);
    // The owner of the email address can sign up.
    api.person("ada@example.com").await;
    owner.batch_execute("SET app.importing = 'on'").await.unwrap();
    assert_eq!(texts(&owner, "SELECT email FROM users ORDER BY email").await, ["ada@example.com", &placeholder]);
    assert_eq!(texts(&owner, "SELECT revoked_at::text FROM sessions WHERE revoked_at IS NOT NULL").await, [""; 0]);
    assert_eq!(run_command("nobody@example.com").await.unwrap_err(), "there is no account with this address");
}
