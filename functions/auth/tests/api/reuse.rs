//! `POST /api/v1/auth/refresh` with an old token: which use is a second tab, and which a thief.

use http::Method;
use serde_json::json;
use shared::config::Function;
use testkit::{Api, TestResponse};

use crate::refresh::{refresh_from_elsewhere, settled_tokens};
use crate::{api, me, refresh, sign_up, text};

#[tokio::test]
async fn old_tokens_of_every_age_end_the_session_when_sent_from_elsewhere() {
    for distance in 1..=4 {
        let api = api().await;
        let tokens = settled_tokens(&api, 4).await;
        refresh_from_elsewhere(&api, &tokens[4 - distance]).await.problem(401, "refresh_token_reused");
        refresh(&api, &tokens[4]).await.problem(401, "session_revoked");
        // The same old token gets the same answer again.
        refresh_from_elsewhere(&api, &tokens[4 - distance]).await.problem(401, "refresh_token_reused");
    }
}

/// Sends a token from an IP address, with a user agent.
pub(crate) async fn refresh_from(api: &Api, token: &str, ip: &str, agent: &str) -> TestResponse {
    let call = api.call(Method::POST, "/api/v1/auth/refresh").json(json!({ "refresh_token": token }));
    call.from_ip(ip).with_agent(agent).send().await
}

/// The IP address and the user agent of the test kit's calls, and a later version of the same browser.
const HOME: &str = "203.0.113.10";
pub(crate) const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) testkit/1.0";
const UPDATED: &str = "Mozilla/5.0 (X11; Linux x86_64) testkit/2.5";

#[tokio::test]
async fn an_old_token_looks_stolen_only_if_network_and_agent_family_both_differ() {
    for (ip, agent, code) in [
        ("203.0.113.99", BROWSER, "refresh_token_superseded"),
        ("203.0.114.10", BROWSER, "refresh_token_superseded"),
        ("203.0.114.10", UPDATED, "refresh_token_superseded"),
        (HOME, "curl/8", "refresh_token_superseded"),
        ("2001:db8::1", UPDATED, "refresh_token_superseded"),
        ("203.0.114.10", "curl/8", "refresh_token_reused"),
        ("2001:db8::1", "Mozilla/5.0 (Windows NT 10.0) testkit/1.0", "refresh_token_reused"),
    ] {
        let api = api().await;
        let tokens = settled_tokens(&api, 1).await;
        refresh_from(&api, &tokens[0], ip, agent).await.problem(401, code);
        let alive = refresh(&api, &tokens[1]).await.status == 200;
        assert_eq!(alive, code == "refresh_token_superseded", "{ip} {agent}");
    }
}

#[tokio::test]
async fn an_old_token_sent_again_from_another_network_ends_the_session() {
    let api = api().await;
    let tokens = settled_tokens(&api, 2).await;
    refresh_from(&api, &tokens[0], "198.51.100.1", BROWSER).await.problem(401, "refresh_token_superseded");
    // Tabs that wake together send their tokens within seconds.
    api.clock.advance_seconds(10);
    refresh_from(&api, &tokens[1], "198.51.100.1", BROWSER).await.problem(401, "refresh_token_superseded");
    api.clock.advance_seconds(1);
    // From the session's own network it is a tab; from elsewhere it is a client that does not read the storage.
    refresh_from(&api, &tokens[0], HOME, UPDATED).await.problem(401, "refresh_token_superseded");
    refresh_from(&api, &tokens[0], "198.51.100.1", BROWSER).await.problem(401, "refresh_token_reused");
    refresh(&api, &tokens[2]).await.problem(401, "session_revoked");
}

#[tokio::test]
async fn four_tabs_on_a_laptop_that_moves_and_a_browser_that_updates_stay_signed_in() {
    let api = api().await;
    let tokens = settled_tokens(&api, 3).await;
    let (asleep, mut stored) = (&tokens[..3], tokens[3].clone());
    // The first tab wakes in another network, with a newer browser, and with a token of yesterday.
    for (old, ip) in asleep.iter().zip(["198.51.100.1", "192.0.2.9", "198.51.100.77"]) {
        api.clock.advance_seconds(6 * 3600);
        refresh_from(&api, old, ip, UPDATED).await.problem(401, "refresh_token_superseded");
        // It reads the storage again, as the published rule says, and continues with the token that is there.
        let next = refresh_from(&api, &stored, ip, UPDATED).await.data(200);
        stored = text(&next, "refresh_token");
        me(&api, &text(&next, "access_token")).await.data(200);
        api.clock.advance_seconds(61);
    }
    refresh_from(&api, &stored, "198.51.100.77", UPDATED).await.data(200);
}

#[tokio::test]
async fn signing_out_with_an_old_token_ends_the_session_as_stolen() {
    let api = api().await;
    let tokens = settled_tokens(&api, 2).await;
    let answer = api.post("/api/v1/auth/signout", json!({ "refresh_token": tokens[0] })).await;
    assert_eq!(answer.json()["message"], "Successfully signed out");
    refresh(&api, &tokens[2]).await.problem(401, "session_revoked");
    let owner = api.database.connect().await;
    let sql = "SELECT kind FROM audit_events ORDER BY occurred_at DESC, id DESC LIMIT 1";
    let kind: String = owner.query_typed_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(kind, "refresh_token_reused");
    // Signing out with the newest token, or within the settle window with its parent, is an ordinary sign-out.
    api.clock.advance_seconds(1);
    let other =
        api.post("/api/v1/auth/signin", json!({ "email": "ada@example.com", "password": crate::PASSWORD })).await;
    let token = text(&other.data(200), "refresh_token");
    api.clock.advance_seconds(1);
    api.post("/api/v1/auth/signout", json!({ "refresh_token": token })).await;
    let kind: String = owner.query_typed_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(kind, "signed_out");
}

#[tokio::test]
async fn a_spoofed_forwarding_header_does_not_change_the_network() {
    let api = api().await;
    let tokens = settled_tokens(&api, 1).await;
    let call = api.call(Method::POST, "/api/v1/auth/refresh").json(json!({ "refresh_token": tokens[0] }));
    let call = call.from_ip("198.51.100.1").with_agent("curl/8");
    let call = call.header("x-forwarded-for", HOME).header("x-real-ip", HOME);
    call.send().await.problem(401, "refresh_token_reused");
}

#[tokio::test]
async fn within_the_settle_window_the_parent_yields_the_same_successor_elsewhere() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    let token = text(&data, "refresh_token");
    let mine = refresh(&api, &token).await.data(200);
    let theirs = refresh_from_elsewhere(&api, &token).await.data(200);
    assert_eq!(mine["refresh_token"], theirs["refresh_token"]);
}

#[tokio::test]
async fn a_grandparent_is_superseded_even_within_the_settle_window() {
    let api = api().await;
    let tokens = settled_tokens(&api, 1).await;
    refresh(&api, &tokens[1]).await.data(200);
    refresh(&api, &tokens[0]).await.problem(401, "refresh_token_superseded");
    refresh_from_elsewhere(&api, &tokens[0]).await.problem(401, "refresh_token_reused");
}

#[tokio::test]
async fn with_the_strict_setting_reuse_from_anywhere_ends_the_session() {
    let api = Api::start_with(Function::Auth, auth::routes, |settings| {
        settings.insert("REFRESH_REUSE_STRICT".to_owned(), "true".to_owned());
    })
    .await;
    let tokens = settled_tokens(&api, 1).await;
    refresh(&api, &tokens[0]).await.problem(401, "refresh_token_reused");
    refresh(&api, &tokens[1]).await.problem(401, "session_revoked");
}

#[tokio::test]
async fn reuse_ends_this_session_only() {
    let api = api().await;
    let tokens = settled_tokens(&api, 1).await;
    let body = json!({ "email": "ada@example.com", "password": crate::PASSWORD });
    let other = api.post("/api/v1/auth/signin", body).await.data(200);
    refresh_from_elsewhere(&api, &tokens[0]).await.problem(401, "refresh_token_reused");
    me(&api, &text(&other, "access_token")).await.data(200);
    refresh(&api, &text(&other, "refresh_token")).await.data(200);
}
