//! `POST /api/v1/auth/refresh`: the five rules of docs/SESSIONS.md, one by one.

use http::Method;
use serde_json::json;
use shared::config::Function;
use testkit::{Api, TestResponse};

use crate::{api, claims, me, refresh, sign_up, text};

/// Sends a token from another network and another user agent.
pub(crate) async fn refresh_from_elsewhere(api: &Api, token: &str) -> TestResponse {
    let call = api.call(Method::POST, "/api/v1/auth/refresh").json(json!({ "refresh_token": token }));
    call.from_ip("198.51.100.1").with_agent("curl/8").send().await
}

/// The refresh tokens of a session with generations 0 to `newest`, all settled and confirmed.
pub(crate) async fn settled_tokens(api: &Api, newest: usize) -> Vec<String> {
    let data = sign_up(api, "ada@example.com").await;
    let mut tokens = vec![text(&data, "refresh_token")];
    for _ in 0..newest {
        let data = refresh(api, tokens.last().unwrap()).await.data(200);
        me(api, &text(&data, "access_token")).await.data(200);
        tokens.push(text(&data, "refresh_token"));
        api.clock.advance_seconds(61);
    }
    tokens
}

#[tokio::test]
async fn a_settled_token_is_rotated_and_expiry_slides() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    api.clock.advance_seconds(3600);
    for path in ["/api/v1/auth/refresh", "/api/auth/refresh"] {
        let answer = api.post(path, json!({ "refresh_token": data["refresh_token"] })).await;
        let next = answer.data(200);
        assert_ne!(next["refresh_token"], data["refresh_token"]);
        assert_eq!(next["refresh_expires_at"], "2026-03-24T13:00:00.000000Z");
        assert_eq!(next["user_id"], data["user_id"]);
        // A refresh returns only one access token, which is short-lived.
        assert_eq!(next["token"], next["access_token"]);
        assert_eq!((&next["expires_at"], &next["expires_in"]), (&json!("2026-03-10T13:15:00.000000Z"), &json!(900)));
        assert_eq!(claims(&text(&next, "token"))["gen"], 1);
        me(&api, &text(&next, "token")).await.data(200);
    }
}

#[tokio::test]
async fn within_the_settle_window_the_newest_token_yields_itself() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    let first = text(&refresh(&api, &text(&data, "refresh_token")).await.data(200), "refresh_token");
    api.clock.advance_seconds(59);
    let again = refresh(&api, &first).await.data(200);
    assert_eq!(text(&again, "refresh_token"), first);
    assert_eq!(claims(&text(&again, "token"))["exp"], api.now().as_second() + 900, "with a new access token");
    api.clock.advance_seconds(1);
    assert_ne!(text(&refresh(&api, &first).await.data(200), "refresh_token"), first);
}

#[tokio::test]
async fn sixty_concurrent_refreshes_give_one_rotation_and_one_successor() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    let token = text(&data, "refresh_token");
    let answers = futures_util::future::join_all((0..60).map(|_| refresh(&api, &token))).await;
    let mut successors: Vec<String> = answers.iter().map(|answer| text(&answer.data(200), "refresh_token")).collect();
    assert_eq!(successors.len(), 60);
    successors.dedup();
    assert_eq!(successors.len(), 1);
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth").await.unwrap();
    let row = owner.query_typed_one("SELECT generation FROM sessions", &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_client_that_loses_ten_answers_in_a_row_recovers() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    let token = text(&data, "refresh_token");
    let mut successors = Vec::new();
    for _ in 0..10 {
        // The answer is lost. The client tries again minutes later, with the token that it has.
        successors.push(text(&refresh(&api, &token).await.data(200), "refresh_token"));
        api.clock.advance_seconds(300);
    }
    successors.dedup();
    assert_eq!(successors.len(), 1);
    let next = refresh(&api, &successors[0]).await.data(200);
    assert_ne!(text(&next, "refresh_token"), successors[0]);
}

#[tokio::test]
async fn within_the_settle_window_the_parent_still_yields_the_newest_token() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    let parent = text(&data, "refresh_token");
    let child = refresh(&api, &parent).await.data(200);
    api.clock.advance_seconds(30);
    // Confirmed by use, which restarts the settle window.
    me(&api, &text(&child, "access_token")).await.data(200);
    api.clock.advance_seconds(59);
    let again = refresh(&api, &parent).await.data(200);
    assert_eq!(again["refresh_token"], child["refresh_token"]);
    api.clock.advance_seconds(1);
    refresh(&api, &parent).await.problem(401, "refresh_token_superseded");
    me(&api, &text(&child, "access_token")).await.data(200);
}

#[tokio::test]
async fn old_tokens_of_every_age_are_superseded_in_their_own_network() {
    let api = api().await;
    let tokens = settled_tokens(&api, 4).await;
    for old in &tokens[..4] {
        let answer = refresh(&api, old).await;
        answer.problem(401, "refresh_token_superseded");
    }
    refresh(&api, &tokens[4]).await.data(200);
}

#[tokio::test]
async fn a_token_ahead_of_a_restored_database_does_not_count_as_theft() {
    let api = api().await;
    let tokens = settled_tokens(&api, 2).await;
    let owner = api.database.connect().await;
    owner
        .batch_execute("SET ROLE todo_auth; UPDATE sessions SET generation = 1, confirmed_generation = 1")
        .await
        .unwrap();
    refresh_from_elsewhere(&api, &tokens[2]).await.problem(401, "refresh_token_ahead");
    refresh(&api, &tokens[1]).await.data(200);
}

#[tokio::test]
async fn four_tabs_one_of_them_asleep_for_a_day_stay_signed_in() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    let mut stored = text(&data, "refresh_token");
    let asleep = stored.clone();
    for _ in 0..96 {
        api.clock.advance_seconds(900);
        // Three tabs wake at the same time and send the token that they have read from the storage.
        let answers = futures_util::future::join_all((0..3).map(|_| refresh(&api, &stored))).await;
        let mut tokens: Vec<String> = answers.iter().map(|answer| text(&answer.data(200), "refresh_token")).collect();
        let access = text(&answers[0].data(200), "access_token");
        tokens.dedup();
        assert_eq!(tokens.len(), 1);
        stored = tokens.remove(0);
        me(&api, &access).await.data(200);
    }
    refresh(&api, &asleep).await.problem(401, "refresh_token_superseded");
    refresh(&api, &stored).await.data(200);
}

#[tokio::test]
async fn a_session_expires_after_14_idle_days_and_after_30_days() {
    let api = api().await;
    let day = 24 * 3600;
    let idle = text(&sign_up(&api, "idle@example.com").await, "refresh_token");
    let mut busy = text(&sign_up(&api, "busy@example.com").await, "refresh_token");
    for days in [10, 10] {
        api.clock.advance_seconds(days * day);
        busy = text(&refresh(&api, &busy).await.data(200), "refresh_token");
    }
    refresh(&api, &idle).await.problem(401, "session_expired");
    api.clock.advance_seconds(9 * day);
    let last = refresh(&api, &busy).await.data(200);
    assert_eq!(last["refresh_expires_at"], "2026-04-09T12:00:00.000000Z", "never past the end of the session");
    api.clock.advance_seconds(day);
    refresh(&api, &text(&last, "refresh_token")).await.problem(401, "session_expired");
}

#[tokio::test]
async fn an_expired_session_refuses_valid_access_tokens_too() {
    let api = Api::start_with(Function::Auth, auth::routes, |settings| {
        settings.insert("JWT_EXPIRATION_DELTA_HOURS".to_owned(), "720".to_owned());
    })
    .await;
    let data = sign_up(&api, "ada@example.com").await;
    api.clock.advance_seconds(14 * 24 * 3600 - 1);
    me(&api, &text(&data, "token")).await.data(200);
    api.clock.advance_seconds(1);
    me(&api, &text(&data, "token")).await.problem(401, "session_expired");
}

#[tokio::test]
async fn a_malformed_refresh_token_is_401() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    for token in ["", "x", "rt1.", "rt1.AAAA", &text(&data, "access_token"), &"x".repeat(100_000)] {
        refresh(&api, token).await.problem(401, "refresh_token_invalid");
    }
}

#[tokio::test]
async fn without_a_usable_token_it_is_refresh_token_missing() {
    let api = api().await;
    for body in
        ["{}", r#"{"refresh_token":null}"#, r#"{"refresh_token":5}"#, "[]", "{", "refresh_token=x", "\u{feff}", ""]
    {
        for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded", ""] {
            let call = api.call(Method::POST, "/api/v1/auth/refresh").header("content-type", kind).text(body);
            call.send().await.problem(401, "refresh_token_missing");
        }
    }
    api.call(Method::POST, "/api/auth/refresh").send().await.problem(401, "refresh_token_missing");
}

#[tokio::test]
async fn a_disabled_account_cannot_refresh_and_nothing_rotates() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth; UPDATE users SET is_active = false").await.unwrap();
    refresh(&api, &text(&data, "refresh_token")).await.problem(401, "account_disabled");
    let row = owner.query_typed_one("SELECT generation FROM sessions", &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn the_database_contains_no_refresh_token() {
    let api = api().await;
    let tokens = settled_tokens(&api, 2).await;
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth").await.unwrap();
    let row = owner.query_typed_one("SELECT string_agg(s::text, ' ') FROM sessions s", &[]).await.unwrap();
    let stored: String = row.get(0);
    for token in tokens {
        assert!(!stored.contains(&token[4..40]), "{stored}");
    }
}
