//! Sessions that a user lists and ends: `/sessions`, `/logout-all`, and the limit of twenty live sessions.

use futures_util::future::join_all;
use http::Method;
use serde_json::json;
use testkit::{Api, TestResponse};

use crate::{PASSWORD, api, me, refresh, sign_up, text};

async fn sign_in(api: &Api) -> serde_json::Value {
    api.post("/api/v1/auth/signin", json!({ "email": "ada@example.com", "password": PASSWORD })).await.data(200)
}

async fn request(api: &Api, method: Method, path: &str, token: &str) -> TestResponse {
    api.call(method, path).bearer(token).send().await
}

async fn list(api: &Api, token: &str) -> Vec<serde_json::Value> {
    let data = request(api, Method::GET, "/api/v1/auth/sessions", token).await.data(200);
    data["sessions"].as_array().unwrap().clone()
}

#[tokio::test]
async fn live_sessions_are_listed_last_used_first() {
    let api = api().await;
    let first = sign_up(&api, "ada@example.com").await;
    api.clock.advance_seconds(60);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let call = api.call(Method::POST, "/api/v1/auth/signin").json(body).from_ip("2001:db8::7").with_agent("phone");
    let second = call.send().await.data(200);
    sign_up(&api, "eve@example.com").await;

    let sessions = list(&api, &text(&second, "access_token")).await;
    assert_eq!(sessions.len(), 2);
    assert_eq!((&sessions[0]["current"], &sessions[1]["current"]), (&json!(true), &json!(false)));
    assert_eq!((&sessions[0]["ip"], &sessions[0]["user_agent"]), (&json!("2001:db8::7"), &json!("phone")));
    assert_eq!(sessions[0]["created_at"], "2026-03-10T12:01:00.000000Z");
    assert_eq!(sessions[0]["expires_at"], "2026-03-24T12:01:00.000000Z");
    api.clock.advance_seconds(60);
    refresh(&api, &text(&first, "refresh_token")).await.data(200);
    let sessions = list(&api, &text(&second, "access_token")).await;
    assert_eq!(
        (&sessions[0]["current"], &sessions[0]["last_used_at"]),
        (&json!(false), &json!("2026-03-10T12:02:00.000000Z"))
    );
}

#[tokio::test]
async fn a_session_that_its_owner_ends_is_refused_immediately() {
    let api = api().await;
    let first = sign_up(&api, "ada@example.com").await;
    let second = sign_in(&api).await;
    let (mine, theirs) = (text(&first, "access_token"), text(&second, "access_token"));
    let sessions = list(&api, &mine).await;
    let other = sessions.iter().find(|session| session["current"] == false).unwrap();
    let path = format!("/api/v1/auth/sessions/{}", text(other, "id"));
    let answer = request(&api, Method::DELETE, &path, &mine).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (200, json!({ "success": true, "message": "Session revoked" }))
    );
    me(&api, &theirs).await.problem(401, "session_revoked");
    refresh(&api, &text(&second, "refresh_token")).await.problem(401, "session_revoked");
    me(&api, &mine).await.data(200);
    assert_eq!(list(&api, &mine).await.len(), 1);
    request(&api, Method::DELETE, &path, &mine).await.problem(404, "session_not_found");
}

#[tokio::test]
async fn another_users_session_is_404_and_stays_live() {
    let api = api().await;
    let ada = sign_up(&api, "ada@example.com").await;
    let eve = sign_up(&api, "eve@example.com").await;
    let id = text(&list(&api, &text(&ada, "access_token")).await[0], "id");
    for id in [id.as_str(), "01980000-0000-7000-8000-000000000000", "nonsense"] {
        let path = format!("/api/v1/auth/sessions/{id}");
        request(&api, Method::DELETE, &path, &text(&eve, "access_token")).await.problem(404, "session_not_found");
    }
    me(&api, &text(&ada, "access_token")).await.data(200);
}

#[tokio::test]
async fn logout_all_ends_every_session_and_says_how_many() {
    let api = api().await;
    let first = sign_up(&api, "ada@example.com").await;
    let second = sign_in(&api).await;
    let eve = sign_up(&api, "eve@example.com").await;
    let answer = request(&api, Method::POST, "/api/v1/auth/logout-all", &text(&second, "access_token")).await;
    assert_eq!(answer.data(200), json!({ "revoked": 2 }));
    for session in [&first, &second] {
        me(&api, &text(session, "access_token")).await.problem(401, "session_revoked");
        refresh(&api, &text(session, "refresh_token")).await.problem(401, "session_revoked");
    }
    me(&api, &text(&eve, "access_token")).await.data(200);
    sign_in(&api).await;
}

#[tokio::test]
async fn sign_ins_concurrent_with_logout_all_leave_no_session_from_before_it() {
    let api = api().await;
    let first = sign_up(&api, "ada@example.com").await;
    let token = text(&first, "access_token");
    let sign_ins = join_all((0..12).map(|_| sign_in(&api)));
    let (opened, answer) =
        futures_util::join!(sign_ins, request(&api, Method::POST, "/api/v1/auth/logout-all", &token));
    let revoked = answer.data(200)["revoked"].as_i64().unwrap();
    let mut live = 0;
    for session in &opened {
        live += i64::from(me(&api, &text(session, "access_token")).await.status == 200);
    }
    // Each session was opened before and has ended, or was opened after and is live.
    assert_eq!(revoked + live, 13);
}

#[tokio::test]
async fn the_twenty_first_session_ends_the_one_that_was_idle_longest() {
    let api = api().await;
    let mut sessions = vec![sign_up(&api, "ada@example.com").await];
    for _ in 1..20 {
        api.clock.advance_seconds(61);
        sessions.push(sign_in(&api).await);
    }
    // The first one is used again, so the second is the longest idle.
    refresh(&api, &text(&sessions[0], "refresh_token")).await.data(200);
    api.clock.advance_seconds(61);
    let newest = sign_in(&api).await;
    assert_eq!(list(&api, &text(&newest, "access_token")).await.len(), 20);
    refresh(&api, &text(&sessions[1], "refresh_token")).await.problem(401, "session_revoked");
    for alive in [&sessions[0], &sessions[2], &sessions[19]] {
        assert_ne!(refresh(&api, &text(alive, "refresh_token")).await.status, 401);
    }
    let events = request(&api, Method::GET, "/api/v1/auth/events", &text(&newest, "access_token")).await.data(200);
    let ended = events["events"].as_array().unwrap().iter().find(|event| event["kind"] == "session_revoked").unwrap();
    assert_eq!(ended["details"], json!({ "reason": "too_many_sessions" }));
}

#[tokio::test]
async fn thirty_concurrent_sign_ins_leave_twenty_sessions() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let opened = join_all((0..30).map(|_| sign_in(&api))).await;
    let mut live = 0;
    for session in &opened {
        live += i32::from(me(&api, &text(session, "access_token")).await.status == 200);
    }
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth").await.unwrap();
    let sql = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";
    assert_eq!(owner.query_typed_one(sql, &[]).await.unwrap().get::<_, i64>(0), 20);
    assert!((19..=20).contains(&live), "{live}");
}
