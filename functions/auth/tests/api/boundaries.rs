//! Everything that expires: one microsecond before the moment of expiry, at the moment, and one microsecond after it.

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::config::Function;
use testkit::{Api, TestResponse, forge};

use crate::limits::{events, sign_in, with_limits};
use crate::refresh::{refresh_from_elsewhere, settled_tokens};
use crate::reuse::{BROWSER, refresh_from};
use crate::tokens::{ACTIVE, with_field};
use crate::{PASSWORD, claims, header, me, refresh, sign_up, text};

const START: &str = "2026-03-10T12:00:00Z";
/// Ten minutes after the start.
const MOMENT: &str = "2026-03-10T12:10:00Z";
const SECRET: &str = "the secret of the old backend, 32 bytes";

/// The function, configured to accept legacy tokens too.
async fn api() -> Api {
    Api::start_with(Function::Auth, auth::routes, |settings| {
        settings.insert("BETTER_AUTH_SECRET".to_owned(), SECRET.to_owned());
    })
    .await
}

async fn sql(api: &Api, statements: &str) {
    api.database.connect().await.batch_execute(statements).await.unwrap();
}

/// `ok`, or the code of the problem.
fn outcome(answer: &TestResponse) -> String {
    if answer.status == 200 { "ok".to_owned() } else { text(&answer.json(), "code") }
}

/// Calls `request` after [`MOMENT`], at it and before it, in this order: only the last call can change anything.
async fn check(api: &Api, what: &str, before: &str, from_then_on: &str, request: impl AsyncFn() -> TestResponse) {
    let moment: Timestamp = MOMENT.parse().unwrap();
    for (micros, expected) in [(1, from_then_on), (0, from_then_on), (-1, before)] {
        api.clock.advance((moment + SignedDuration::from_micros(micros)).duration_since(api.now()));
        assert_eq!(outcome(&request().await), expected, "{what}, {micros} µs from the moment");
    }
}

#[tokio::test]
async fn a_session_expires_exactly_at_its_expiry_time() {
    for (column, other) in [("idle_expires_at", "absolute_expires_at"), ("absolute_expires_at", "idle_expires_at")] {
        let api = api().await;
        let data = sign_up(&api, "ada@example.com").await;
        let (token, refresh_token) = (text(&data, "access_token"), text(&data, "refresh_token"));
        let sid = text(&claims(&token), "sid");
        let own = sign_in(&api, "203.0.113.10", "ada@example.com", PASSWORD).await.data(200);
        let own = text(&own, "access_token");
        let expire = format!(
            "SET ROLE todo_auth;
             UPDATE sessions SET {column} = '{MOMENT}', {other} = '2026-03-20T12:00:00Z' WHERE id = '{sid}'"
        );
        sql(&api, &expire).await;

        check(&api, column, "ok", "session_expired", async || me(&api, &token).await).await;
        check(&api, column, "ok", "session_expired", async || refresh(&api, &refresh_token).await).await;
        // The refresh has moved both times.
        sql(&api, &expire).await;
        let with_own = async |method: Method, path: &str| api.call(method, path).bearer(&own).send().await;
        for (micros, listed) in [(2, 1), (-1, 1), (-1, 2)] {
            api.clock.advance(SignedDuration::from_micros(micros));
            let sessions = with_own(Method::GET, "/api/v1/auth/sessions").await.data(200);
            assert_eq!(sessions["sessions"].as_array().unwrap().len(), listed, "{column} {}", api.now());
        }
        let path = format!("/api/v1/auth/sessions/{sid}");
        check(&api, column, "ok", "session_not_found", async || with_own(Method::DELETE, &path).await).await;
    }
}

#[tokio::test]
async fn a_ban_ends_exactly_at_its_end_time() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    let (token, refresh_token) = (text(&data, "access_token"), text(&data, "refresh_token"));
    let ban = format!("UPDATE users SET banned_at = '{START}', banned_until = '{MOMENT}', ban_reason = 'x'");
    sql(&api, &format!("SET ROLE todo_admin; {ban}")).await;
    check(&api, "me", "account_banned", "ok", async || me(&api, &token).await).await;
    check(&api, "refresh", "account_banned", "ok", async || refresh(&api, &refresh_token).await).await;
    let sign_in = async || sign_in(&api, "203.0.113.10", "ada@example.com", PASSWORD).await;
    check(&api, "sign-in", "account_banned", "ok", sign_in).await;
}

#[tokio::test]
async fn a_token_is_valid_within_its_times_and_five_seconds_of_leeway() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    let token = text(&data, "access_token");
    let moment = api.now().as_second() + 600;
    let ours =
        |claim: &str, time: i64| forge(&header(&token), &with_field(&claims(&token), claim, json!(time)), &ACTIVE);
    let legacy = |mut claims: Value| {
        claims["user_id"] = data["user_id"].clone();
        forge(&json!({ "alg": "HS256", "typ": "JWT" }), &claims, SECRET.as_bytes())
    };
    for (what, token, before, from_then_on) in [
        ("exp", ours("exp", moment - 5), "ok", "token_expired"),
        ("iat", ours("iat", moment + 5), "token_invalid", "ok"),
        ("nbf", ours("nbf", moment + 5), "token_invalid", "ok"),
        ("legacy exp", legacy(json!({ "exp": moment - 5 })), "ok", "token_expired"),
        ("legacy nbf", legacy(json!({ "exp": moment + 60, "nbf": moment + 5 })), "token_invalid", "ok"),
    ] {
        check(&api, what, before, from_then_on, async || me(&api, &token).await).await;
    }
}

#[tokio::test]
async fn the_settle_window_ends_after_sixty_seconds() {
    for (micros, is_over) in [(-1, false), (0, true), (1, true)] {
        let api = api().await;
        let advance = || api.clock.advance(SignedDuration::from_micros(60_000_000 + micros));
        let first = text(&sign_up(&api, "ada@example.com").await, "refresh_token");
        let newest = text(&refresh(&api, &first).await.data(200), "refresh_token");
        advance();
        let rotated = text(&refresh(&api, &newest).await.data(200), "refresh_token");
        assert_eq!(rotated != newest, is_over, "the newest token, {micros} µs");

        // After a token is confirmed, its parent still yields it until the settle window ends.
        let mut parents = Vec::new();
        for _ in 0..3 {
            let data = sign_in(&api, "203.0.113.10", "ada@example.com", PASSWORD).await.data(200);
            parents.push(text(&data, "refresh_token"));
            let child = refresh(&api, parents.last().unwrap()).await.data(200);
            me(&api, &text(&child, "access_token")).await.data(200);
        }
        advance();
        let expected = if is_over { "refresh_token_superseded" } else { "ok" };
        assert_eq!(outcome(&refresh(&api, &parents[0]).await), expected, "its parent, {micros} µs");
        api.post("/api/v1/auth/signout", json!({ "refresh_token": parents[1] })).await;
        let kind = if is_over { "refresh_token_reused" } else { "signed_out" };
        assert_eq!(events(&api, kind).await.len(), 1, "signing out with the parent, {micros} µs");
        let expected = if is_over { "refresh_token_reused" } else { "ok" };
        assert_eq!(outcome(&refresh_from_elsewhere(&api, &parents[2]).await), expected, "from elsewhere, {micros} µs");
    }
}

#[tokio::test]
async fn old_tokens_from_another_network_are_tolerated_for_ten_seconds() {
    for (micros, code) in
        [(-1, "refresh_token_superseded"), (0, "refresh_token_superseded"), (1, "refresh_token_reused")]
    {
        let api = api().await;
        let tokens = settled_tokens(&api, 2).await;
        refresh_from(&api, &tokens[0], "198.51.100.1", BROWSER).await.problem(401, "refresh_token_superseded");
        api.clock.advance(SignedDuration::from_micros(10_000_000 + micros));
        refresh_from(&api, &tokens[1], "198.51.100.1", BROWSER).await.problem(401, code);
    }
}

#[tokio::test]
async fn a_bucket_has_its_next_permit_exactly_at_the_time_of_the_refill() {
    let api = with_limits(&[("RATE_LIMIT_SIGN_IN_ACCOUNT", "1, 1/min")]).await;
    for (micros, expected) in [
        (0, "invalid_credentials"),
        (59_999_999, "rate_limited"),
        (1, "invalid_credentials"),
        (60_000_001, "invalid_credentials"),
        (59_999_999, "rate_limited"),
    ] {
        api.clock.advance(SignedDuration::from_micros(micros));
        let answer = sign_in(&api, "203.0.113.7", "nobody@example.com", "wrong").await;
        assert_eq!(outcome(&answer), expected, "{}", api.now());
    }
}
