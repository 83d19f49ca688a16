//! Roles and bans: `/role`, `/ban`, `/unban`, `/activate`, `/deactivate`.

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::config::Function;
use testkit::{Api, TestResponse};

use crate::{act, admin, api, emails, sql};

/// Starts the auth function on the database of another function.
async fn start_auth(api: Api) -> Api {
    let mut settings = testkit::settings();
    settings.insert("DATABASE_URL".to_owned(), api.database.url());
    Api::start_on(api.database, Function::Auth, auth::routes, settings).await
}

async fn me(api: &Api, token: &str) -> TestResponse {
    api.call(http::Method::GET, "/api/v1/auth/me").bearer(token).send().await
}

async fn events(api: &Api) -> Vec<Value> {
    let owner = api.database.connect().await;
    let sql = "SELECT to_jsonb(e) FROM audit_events e ORDER BY occurred_at, id";
    owner.query_typed(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn administrators_grant_and_revoke_the_admin_role() {
    let api = api().await;
    let root = admin(&api, "root@example.com").await;
    let ada = api.person("ada@example.com").await;
    assert_eq!(act(&root, &ada, "role", json!({ "role": "admin" })).await.data(200)["role"], "admin");
    ada.get("/api/v1/users").await.data(200);
    act(&ada, &root, "role", json!({ "role": "user" })).await.data(200);
    root.get("/api/v1/users").await.problem(403, "admin_required");
    act(&ada, &root, "role", json!({ "role": "owner" })).await.invalid_at("/role");
    act(&ada, &root, "role", json!({})).await.invalid_at("/role");
}

#[tokio::test]
async fn the_last_administrator_cannot_be_demoted_banned_or_deactivated() {
    let api = api().await;
    let root = admin(&api, "root@example.com").await;
    let ada = admin(&api, "ada@example.com").await;
    act(&root, &ada, "ban", json!({ "reason": "x" })).await.data(200);
    // Ada is banned, so root is the last who can administer.
    act(&root, &root, "role", json!({ "role": "user" })).await.problem(409, "last_admin");
    act(&root, &root, "ban", json!({ "reason": "x" })).await.problem(409, "last_admin");
    act(&root, &root, "deactivate", Value::Null).await.problem(409, "last_admin");
    root.get("/api/v1/users").await.data(200);
    act(&root, &ada, "unban", Value::Null).await.data(200);
    act(&root, &root, "role", json!({ "role": "user" })).await.data(200);
}

#[tokio::test]
async fn of_administrators_who_demote_each_other_concurrently_one_is_left() {
    for action in ["role", "ban", "deactivate"] {
        let api = api().await;
        let mut admins = Vec::new();
        for n in 0..6 {
            admins.push(admin(&api, &format!("a{n}@example.com")).await);
        }
        let body = || match action {
            "role" => json!({ "role": "user" }),
            "ban" => json!({ "reason": "x" }),
            _ => Value::Null,
        };
        // All demote their neighbours, and then the remaining administrators demote themselves.
        let calls = (0..6).map(|n| act(&admins[n], &admins[(n + 1) % 6], action, body()));
        join_all(calls).await;
        join_all(admins.iter().map(|admin| act(admin, admin, action, body()))).await;
        let owner = api.database.connect().await;
        owner.batch_execute("SET ROLE todo_admin").await.unwrap();
        let sql = "SELECT count(*) FROM users WHERE role = 'admin' AND is_active AND banned_at IS NULL";
        assert_eq!(owner.query_typed_one(sql, &[]).await.unwrap().get::<_, i64>(0), 1, "{action}");
    }
}

#[tokio::test]
async fn a_ban_ends_all_sessions_immediately_and_has_a_reason() {
    let api = api().await;
    let root = admin(&api, "root@example.com").await;
    let ada = api.person("ada@example.com").await;
    let banned =
        act(&root, &ada, "ban", json!({ "reason": " Sends spam ", "until": "2026-03-12T00:00:00+02:00" })).await;
    assert_eq!(
        banned.data(200)["ban"],
        json!({ "at": "2026-03-10T12:00:00.000000Z", "until": "2026-03-11T22:00:00.000000Z", "reason": "Sends spam" })
    );
    ada.get("/api/v1/users").await.problem(403, "account_banned");
    let id = ada.id;
    let token = ada.token.clone();
    let auth = start_auth(api).await;
    me(&auth, &token).await.problem(403, "account_banned");
    // Lifting the ban revives no session.
    sql(&auth, &format!("SET ROLE todo_admin; UPDATE users SET banned_at = NULL, banned_until = NULL, ban_reason = NULL WHERE id = '{id}'")).await;
    me(&auth, &token).await.problem(401, "session_revoked");
}

#[tokio::test]
async fn a_banned_user_sees_the_end_and_the_reason_with_the_right_password_only() {
    let auth = Api::start(Function::Auth, auth::routes).await;
    let body = json!({ "email": "ada@example.com", "password": "correct horse battery" });
    let data = auth.post("/api/v1/auth/signup", body.clone()).await.data(201);
    sql(&auth, "SET ROLE todo_admin; UPDATE users SET banned_at = '2026-03-10', banned_until = '2026-03-11', ban_reason = 'Sends spam'").await;
    let answer = auth.post("/api/v1/auth/signin", body.clone()).await;
    assert_eq!(
        answer.problem(403, "account_banned")["detail"],
        "The account is banned until 2026-03-11T00:00:00.000000Z: Sends spam"
    );
    let wrong = json!({ "email": "ada@example.com", "password": "wrong" });
    auth.post("/api/v1/auth/signin", wrong).await.problem(401, "invalid_credentials");
    let refresh = auth.post("/api/v1/auth/refresh", json!({ "refresh_token": data["refresh_token"] })).await;
    refresh.problem(403, "account_banned");
    auth.clock.advance_seconds(12 * 3600);
    auth.post("/api/v1/auth/signin", body).await.data(200);
}

#[tokio::test]
async fn sign_ins_concurrent_with_a_ban_leave_no_session() {
    let api = api().await;
    let root = admin(&api, "root@example.com").await;
    let root_token = root.token.clone();
    let mut settings = testkit::settings();
    settings.insert("DATABASE_URL".to_owned(), api.database.url());
    let auth = Api::start_on(testkit::TestDatabase::empty().await, Function::Auth, auth::routes, settings).await;
    let body = json!({ "email": "ada@example.com", "password": "correct horse battery" });
    let data = auth.post("/api/v1/auth/signup", body.clone()).await.data(201);
    let path = format!("/api/v1/users/{}/ban", data["user_id"].as_str().unwrap());
    let sign_ins = join_all((0..12).map(|_| auth.post("/api/v1/auth/signin", body.clone())));
    let ban = api.call(http::Method::POST, &path).bearer(&root_token).json(json!({ "reason": "x" })).send();
    let (opened, banned) = futures_util::join!(sign_ins, ban);
    banned.data(200);
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth").await.unwrap();
    let sql = "SELECT count(*) FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = 'ada@example.com' AND revoked_at IS NULL";
    assert_eq!(owner.query_typed_one(sql, &[]).await.unwrap().get::<_, i64>(0), 0);
    assert!(opened.iter().all(|answer| answer.status == 200 || answer.status == 403 || answer.status == 401));
}

#[tokio::test]
async fn a_deactivated_account_is_refused_immediately_and_can_be_activated() {
    let api = api().await;
    let root = admin(&api, "root@example.com").await;
    let ada = api.person("ada@example.com").await;
    assert_eq!(act(&root, &ada, "deactivate", Value::Null).await.data(200)["is_active"], false);
    ada.get("/api/v1/users").await.problem(401, "account_disabled");
    assert_eq!(act(&root, &ada, "activate", Value::Null).await.data(200)["is_active"], true);
    ada.get("/api/v1/users").await.problem(401, "session_revoked");
}

#[tokio::test]
async fn an_administrator_ends_all_sessions_of_an_account() {
    let api = api().await;
    let root = admin(&api, "root@example.com").await;
    let ada = api.person("ada@example.com").await;
    let before = root.get(&format!("/api/v1/users/{}", ada.id)).await.data(200);
    api.clock.advance_seconds(1);
    assert_eq!(act(&root, &ada, "sign-out", Value::Null).await.data(200), before);
    ada.get("/api/v1/users").await.problem(401, "session_revoked");
    // Even the last administrator may do this: they can sign in again.
    act(&root, &root, "sign-out", Value::Null).await.data(200);
    root.get("/api/v1/users").await.problem(401, "session_revoked");
    assert_eq!(events(&api).await.len(), 2);
}

#[tokio::test]
async fn the_same_action_sent_many_times_concurrently_succeeds_each_time() {
    let api = api().await;
    let root = admin(&api, "root@example.com").await;
    let ada = api.person("ada@example.com").await;
    for role in ["admin", "user", "admin", "user"] {
        let answers = join_all((0..8).map(|_| act(&root, &ada, "role", json!({ "role": role })))).await;
        for answer in answers {
            assert_eq!(answer.data(200)["role"], role);
        }
    }
}

#[tokio::test]
async fn every_action_is_recorded_with_its_actor() {
    let api = api().await;
    let root = admin(&api, "root@example.com").await;
    let ada = api.person("ada@example.com").await;
    for (action, body) in [
        ("role", json!({ "role": "admin" })),
        ("role", json!({ "role": "user" })),
        ("ban", json!({ "reason": "Sends spam", "until": "2027-01-01T00:00:00Z" })),
        ("unban", Value::Null),
        ("deactivate", Value::Null),
        ("activate", Value::Null),
    ] {
        api.clock.advance_seconds(1);
        act(&root, &ada, action, body).await.data(200);
    }
    let events = events(&api).await;
    let kinds_and_details: Vec<(String, Value)> =
        events.iter().map(|event| (event["kind"].as_str().unwrap().to_owned(), event["details"].clone())).collect();
    assert_eq!(
        kinds_and_details,
        [
            ("role_changed", json!({ "role": "admin" })),
            ("role_changed", json!({ "role": "user" })),
            ("banned", json!({ "until": "2027-01-01T00:00:00+00:00", "reason": "Sends spam" })),
            ("unbanned", json!({})),
            ("deactivated", json!({})),
            ("activated", json!({})),
        ]
        .map(|(kind, details)| (kind.to_owned(), details))
    );
    for event in &events {
        assert_eq!((&event["user_id"], &event["actor_id"]), (&json!(ada.id), &json!(root.id)));
    }
}

#[tokio::test]
async fn invalid_bans_are_422_and_change_nothing() {
    let api = api().await;
    let root = admin(&api, "root@example.com").await;
    let ada = api.person("ada@example.com").await;
    for (body, pointer) in [
        (json!({}), "/reason"),
        (json!({ "reason": " " }), "/reason"),
        (json!({ "reason": "x".repeat(501) }), "/reason"),
        (json!({ "reason": "x", "until": "2026-03-10T12:00:00Z" }), "/until"),
        (json!({ "reason": "x", "until": "tomorrow" }), "/until"),
        (json!({ "reason": "x", "until": 5 }), "/until"),
    ] {
        act(&root, &ada, "ban", body).await.invalid_at(pointer);
    }
    assert_eq!(emails(&root.get("/api/v1/users?banned=true").await.data(200)), Vec::<String>::new());
    assert!(events(&api).await.is_empty());
    let call = root.call(http::Method::POST, "/api/v1/users/01980000-0000-7000-8000-000000000000/unban");
    call.send().await.problem(404, "user_not_found");
    let shortest = json!({ "reason": "x", "until": "2026-03-10T12:00:00.000001Z" });
    act(&root, &ada, "ban", shortest).await.data(200);
}
