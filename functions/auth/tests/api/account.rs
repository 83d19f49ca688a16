//! `/change-password` and `DELETE /account`.

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use testkit::{Api, TestResponse};

use crate::{PASSWORD, api, me, refresh, sign_up, text};

const NEW: &str = "seven unlikely penguins";

async fn change(api: &Api, token: &str, current: &str, new: &str) -> TestResponse {
    let body = json!({ "current_password": current, "new_password": new });
    api.call(Method::POST, "/api/v1/auth/change-password").bearer(token).json(body).send().await
}

async fn delete(api: &Api, token: &str, password: &str) -> TestResponse {
    let call = api.call(Method::DELETE, "/api/v1/auth/account").bearer(token);
    call.json(json!({ "password": password })).send().await
}

async fn sign_in(api: &Api, password: &str) -> TestResponse {
    api.post("/api/v1/auth/signin", json!({ "email": "ada@example.com", "password": password })).await
}

/// The number of rows of a table for all users, regardless of row-level security.
async fn count(api: &Api, table: &str) -> i64 {
    let owner = api.database.connect().await;
    let role = if table == "tasks" { "SET app.importing = 'on'" } else { "SET ROLE todo_auth" };
    owner.batch_execute(role).await.unwrap();
    let owner = if table == "audit_events" { api.database.connect().await } else { owner };
    owner.query_typed_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn changing_the_password_ends_all_sessions_except_the_current_one() {
    let api = api().await;
    let first = sign_up(&api, "ada@example.com").await;
    let second = sign_in(&api, PASSWORD).await.data(200);
    let answer = change(&api, &text(&first, "access_token"), PASSWORD, NEW).await;
    assert_eq!(answer.data(200), json!({ "revoked": 1 }));
    me(&api, &text(&first, "access_token")).await.data(200);
    refresh(&api, &text(&first, "refresh_token")).await.data(200);
    me(&api, &text(&second, "access_token")).await.problem(401, "session_revoked");
    refresh(&api, &text(&second, "refresh_token")).await.problem(401, "session_revoked");
    sign_in(&api, PASSWORD).await.problem(401, "invalid_credentials");
    sign_in(&api, NEW).await.data(200);
}

#[tokio::test]
async fn sign_in_records_the_ip_address_and_a_password_change_forgets_the_others() {
    let api = api().await;
    let token = text(&sign_up(&api, "ada@example.com").await, "access_token");
    sign_up(&api, "eve@example.com").await;
    let owner = api.database.connect().await;
    let known = async || -> Vec<(String, String)> {
        let sql = "SELECT address, to_char(last_used_at AT TIME ZONE 'UTC', 'HH24:MI') FROM sign_in_addresses
                   WHERE user_id::text = $1 ORDER BY address";
        let user = text(&crate::claims(&token), "user_id");
        let rows = owner.query_typed(sql, &[(&user, tokio_postgres::types::Type::TEXT)]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    };
    let at = |address: &str, time: &str| (address.to_owned(), time.to_owned());
    let home = "203.0.113.10";
    assert_eq!(known().await, [at(home, "12:00")]);
    for (from, expected) in [
        ("198.51.100.1", vec![at("198.51.100.1", "12:01"), at(home, "12:00")]),
        (home, vec![at("198.51.100.1", "12:01"), at(home, "12:02")]),
    ] {
        api.clock.advance_seconds(60);
        crate::limits::sign_in(&api, from, "ada@example.com", PASSWORD).await.data(200);
        assert_eq!(known().await, expected);
    }
    change(&api, &token, PASSWORD, NEW).await.data(200);
    assert_eq!(known().await, [at(home, "12:02")]);
    assert_eq!(count(&api, "sign_in_addresses").await, 2, "the IP addresses of another user stay");
}

#[tokio::test]
async fn a_wrong_current_password_is_401_and_a_weak_new_password_is_422() {
    let api = api().await;
    let token = text(&sign_up(&api, "ada@example.com").await, "access_token");
    change(&api, &token, "wrong", NEW).await.problem(401, "invalid_credentials");
    change(&api, &token, "wrong", "short").await.invalid_at("/new_password");
    for new in ["password123", "ada@example.com"] {
        change(&api, &token, PASSWORD, new).await.invalid_at("/new_password");
    }
    change(&api, "", PASSWORD, NEW).await.problem(401, "token_invalid");
    sign_in(&api, PASSWORD).await.data(200);
}

#[tokio::test]
async fn of_concurrent_password_changes_one_succeeds_and_the_others_are_401() {
    let api = api().await;
    let token = text(&sign_up(&api, "ada@example.com").await, "access_token");
    let passwords: Vec<String> = (0..8).map(|n| format!("{n} unlikely penguins")).collect();
    let answers = join_all(passwords.iter().map(|new| change(&api, &token, PASSWORD, new))).await;
    let winners: Vec<usize> = (0..8).filter(|n| answers[*n].status == 200).collect();
    assert_eq!(winners.len(), 1);
    for (n, answer) in answers.iter().enumerate().filter(|(n, _)| *n != winners[0]) {
        answer.problem(401, "invalid_credentials");
        sign_in(&api, &passwords[n]).await.problem(401, "invalid_credentials");
    }
    sign_in(&api, &passwords[winners[0]]).await.data(200);
}

#[tokio::test]
async fn sign_ins_concurrent_with_a_password_change_leave_no_session_of_the_old_one() {
    let api = api().await;
    let token = text(&sign_up(&api, "ada@example.com").await, "access_token");
    let sign_ins = join_all((0..12).map(|_| sign_in(&api, PASSWORD)));
    let (opened, changed) = futures_util::join!(sign_ins, change(&api, &token, PASSWORD, NEW));
    changed.data(200);
    for answer in opened.iter().filter(|answer| answer.status == 200) {
        me(&api, &text(&answer.data(200), "access_token")).await.problem(401, "session_revoked");
    }
}

#[tokio::test]
async fn deleting_an_account_deletes_its_sessions_tasks_and_known_ip_addresses() {
    let api = api().await;
    let ada = sign_up(&api, "ada@example.com").await;
    let eve = sign_up(&api, "eve@example.com").await;
    let owner = api.database.connect().await;
    let sql = format!(
        "SET ROLE todo_tasks; SET app.user_id = '{0}';
         INSERT INTO tasks (id, user_id, title, priority, created_at, updated_at, deleted_at)
         VALUES (gen_random_uuid(), '{0}', 'x', 0, now(), now(), NULL), (gen_random_uuid(), '{0}', 'x', 0, now(), now(), now())",
        text(&ada, "user_id")
    );
    owner.batch_execute(&sql).await.unwrap();
    let token = text(&ada, "access_token");
    delete(&api, &token, "wrong").await.problem(401, "invalid_credentials");
    let answer = delete(&api, &token, PASSWORD).await;
    assert_eq!(answer.json(), json!({ "success": true, "message": "Account deleted successfully" }));

    me(&api, &token).await.problem(401, "session_revoked");
    refresh(&api, &text(&ada, "refresh_token")).await.problem(401, "session_revoked");
    sign_in(&api, PASSWORD).await.problem(401, "invalid_credentials");
    let left = [count(&api, "users").await, count(&api, "sessions").await, count(&api, "tasks").await];
    assert_eq!(left, [1, 1, 0]);
    assert_eq!(count(&api, "sign_in_addresses").await, 1);
    me(&api, &text(&eve, "access_token")).await.data(200);
    // The email address is free again: signing up creates a new account, separate from the old one.
    let again = sign_up(&api, "ada@example.com").await;
    assert_ne!(again["user_id"], ada["user_id"]);
}

#[tokio::test]
async fn events_of_a_deleted_account_are_anonymous() {
    let api = api().await;
    let ada = sign_up(&api, "ada@example.com").await;
    api.clock.advance_seconds(1);
    delete(&api, &text(&ada, "access_token"), PASSWORD).await.data(200);
    let owner = api.database.connect().await;
    let rows = owner.query_typed("SELECT to_jsonb(e) FROM audit_events e ORDER BY occurred_at, id", &[]).await.unwrap();
    let events: Vec<Value> = rows.iter().map(|row| row.get(0)).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["signed_up", "account_deleted"]);
    for event in &events {
        assert_eq!(event["user_id"], ada["user_id"]);
        assert_eq!((&event["ip"], &event["user_agent"]), (&Value::Null, &Value::Null), "{event}");
    }
}

#[tokio::test]
async fn the_last_administrator_cannot_delete_their_account() {
    let api = api().await;
    let ada = sign_up(&api, "ada@example.com").await;
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_admin; UPDATE users SET role = 'admin'").await.unwrap();
    delete(&api, &text(&ada, "access_token"), PASSWORD).await.problem(409, "last_admin");
    let eve = sign_up(&api, "eve@example.com").await;
    owner.batch_execute("UPDATE users SET role = 'admin'").await.unwrap();
    let tokens = [text(&ada, "access_token"), text(&eve, "access_token")];
    let (one, other) = futures_util::join!(delete(&api, &tokens[0], PASSWORD), delete(&api, &tokens[1], PASSWORD));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "one of the last two administrators stays");
}

#[tokio::test]
async fn a_banned_administrator_does_not_count_for_the_last_administrator() {
    let api = api().await;
    let ada = sign_up(&api, "ada@example.com").await;
    sign_up(&api, "eve@example.com").await;
    let owner = api.database.connect().await;
    let sql = "SET ROLE todo_admin; UPDATE users SET role = 'admin';
               UPDATE users SET banned_at = '2026-03-01', ban_reason = 'x' WHERE email = 'eve@example.com'";
    owner.batch_execute(sql).await.unwrap();
    delete(&api, &text(&ada, "access_token"), PASSWORD).await.problem(409, "last_admin");
}

#[tokio::test]
async fn events_that_a_deleted_administrator_caused_keep_no_ip_address() {
    let api = api().await;
    let ada = sign_up(&api, "ada@example.com").await;
    let owner = api.database.connect().await;
    let sql = format!(
        "INSERT INTO audit_events (id, occurred_at, kind, user_id, actor_id, ip, user_agent)
         VALUES (gen_random_uuid(), now(), 'banned', gen_random_uuid(), '{}', '198.51.100.7', 'x')",
        text(&ada, "user_id")
    );
    owner.batch_execute(&sql).await.unwrap();
    delete(&api, &text(&ada, "access_token"), PASSWORD).await.data(200);
    let sql = "SELECT count(*) FROM audit_events WHERE ip IS NOT NULL OR user_agent IS NOT NULL";
    assert_eq!(owner.query_typed_one(sql, &[]).await.unwrap().get::<_, i64>(0), 0);
}
