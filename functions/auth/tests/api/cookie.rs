//! The refresh token in a cookie.

use http::Method;
use serde_json::{Value, json};
use testkit::{Api, Call, TestResponse};

use crate::{PASSWORD, api, me, refresh, sign_up, text};

const ORIGIN: &str = "http://localhost:3000";

/// The value of the cookie an answer sets, after checking its attributes.
#[track_caller]
fn cookie(answer: &TestResponse) -> String {
    let header = answer.header("set-cookie");
    let (pair, attributes) = header.split_once("; ").unwrap_or_else(|| panic!("no cookie: {}", answer.text()));
    for attribute in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
        assert!(attributes.contains(attribute), "{header}");
    }
    assert!(!attributes.contains("Domain"), "{header}");
    pair.strip_prefix("__Host-refresh_token=").unwrap().to_owned()
}

async fn sign_in(api: &Api) -> (String, Value) {
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "refresh_cookie": true });
    let call = api.call(Method::POST, "/api/v1/auth/signin").header("origin", ORIGIN).json(body);
    let answer = call.send().await;
    let data = answer.data(200);
    assert!(data.get("refresh_token").is_none(), "{data}");
    assert!(answer.header("set-cookie").ends_with("Max-Age=1209600"));
    (cookie(&answer), data)
}

/// A call with the cookie from a page of an origin; no `Origin` header if that is empty.
fn call_from_page<'a>(api: &'a Api, path: &str, cookie: &str, origin: &str) -> Call<'a> {
    let call = api.call(Method::POST, path).header("cookie", &format!("theme=dark; __Host-refresh_token={cookie}"));
    if origin.is_empty() { call } else { call.header("origin", origin) }
}

#[tokio::test]
async fn a_browser_refreshes_with_its_cookie_and_gets_the_next_one() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let (first, _) = sign_in(&api).await;
    let answer = call_from_page(&api, "/api/v1/auth/refresh", &first, ORIGIN).json(json!({})).send().await;
    let data = answer.data(200);
    assert!(data.get("refresh_token").is_none(), "{data}");
    let second = cookie(&answer);
    assert_ne!(first, second);
    me(&api, &text(&data, "access_token")).await.data(200);
    // It is the same kind of token, with the same rules.
    refresh(&api, &second).await.data(200);
}

#[tokio::test]
async fn signing_up_can_set_the_cookie_as_well() {
    let api = api().await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "refresh_cookie": true });
    let call = api.call(Method::POST, "/api/v1/auth/signup").header("origin", ORIGIN).json(body.clone());
    let answer = call.send().await;
    assert!(answer.data(201).get("refresh_token").is_none());
    assert!(cookie(&answer).starts_with("rt1."));
}

#[tokio::test]
async fn no_cookie_is_set_unless_requested() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    let call = api.call(Method::POST, "/api/v1/auth/refresh").header("origin", ORIGIN);
    let answer = call.json(json!({ "refresh_token": data["refresh_token"] })).send().await;
    assert!(answer.data(200)["refresh_token"].is_string());
    assert_eq!(answer.header("set-cookie"), "");
}

#[tokio::test]
async fn pages_of_other_origins_can_neither_use_nor_get_a_cookie() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let (token, _) = sign_in(&api).await;
    for origin in ["", "https://evil.example", "null", "http://localhost:3000.evil.example", "http://localhost:3001"] {
        let call = call_from_page(&api, "/api/v1/auth/refresh", &token, origin).json(json!({}));
        let answer = call.send().await;
        answer.problem(403, "origin_not_allowed");
        assert_eq!(answer.header("set-cookie"), "");
        let body = json!({ "email": "ada@example.com", "password": PASSWORD, "refresh_cookie": true });
        let call = api.call(Method::POST, "/api/v1/auth/signin").json(body);
        let call = if origin.is_empty() { call } else { call.header("origin", origin) };
        call.send().await.problem(403, "origin_not_allowed");
    }
    // A form cannot send JSON.
    let call =
        call_from_page(&api, "/api/v1/auth/refresh", &token, ORIGIN).header("content-type", "text/plain").text("{}");
    call.send().await.problem(415, "unsupported_media_type");
    call_from_page(&api, "/api/v1/auth/refresh", &token, ORIGIN).json(json!({})).send().await.data(200);
}

#[tokio::test]
async fn a_wildcard_origin_cannot_use_the_cookie() {
    let api = Api::start_with(shared::config::Function::Auth, auth::routes, |settings| {
        settings.insert("ALLOWED_ORIGINS".to_owned(), "*".to_owned());
    })
    .await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "refresh_cookie": true });
    let call = api.call(Method::POST, "/api/v1/auth/signup").header("origin", "https://evil.example").json(body);
    call.send().await.problem(403, "origin_not_allowed");
}

#[tokio::test]
async fn a_page_of_the_api_host_itself_can_use_the_cookie() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let (token, _) = sign_in(&api).await;
    let call = call_from_page(&api, "/api/v1/auth/refresh", &token, "https://api.example.com");
    call.header("host", "api.example.com").json(json!({})).send().await.data(200);
}

#[tokio::test]
async fn signing_out_ends_the_session_of_the_cookie_and_deletes_the_cookie() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let (token, data) = sign_in(&api).await;
    // A sign-out from a page of another origin changes nothing.
    let foreign = call_from_page(&api, "/api/v1/auth/logout", &token, "https://evil.example").send().await;
    assert_eq!((foreign.status.as_u16(), foreign.header("set-cookie")), (200, ""));
    me(&api, &text(&data, "access_token")).await.data(200);
    let answer = call_from_page(&api, "/api/v1/auth/logout", &token, ORIGIN).send().await;
    assert_eq!(answer.json()["message"], "Successfully signed out");
    assert_eq!(cookie(&answer), "");
    assert!(answer.header("set-cookie").ends_with("Max-Age=0"));
    me(&api, &text(&data, "access_token")).await.problem(401, "session_revoked");
}

#[tokio::test]
async fn the_cookie_of_an_ended_session_is_deleted() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let (token, data) = sign_in(&api).await;
    let call = call_from_page(&api, "/api/v1/auth/refresh", &token, "https://evil.example").json(json!({}));
    assert_eq!(call.send().await.header("set-cookie"), "", "a page of another origin cannot delete the cookie");
    api.call(Method::POST, "/api/v1/auth/logout").bearer(&text(&data, "access_token")).send().await;
    let answer = call_from_page(&api, "/api/v1/auth/refresh", &token, ORIGIN).json(json!({})).send().await;
    answer.problem(401, "session_revoked");
    assert_eq!(cookie(&answer), "");
}

#[tokio::test]
async fn two_refresh_token_cookies_count_as_none_and_both_are_deleted() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let (token, _) = sign_in(&api).await;
    let twice = format!("{token}; __Host-refresh_token=rt1.planted");
    let answer = call_from_page(&api, "/api/v1/auth/refresh", &twice, ORIGIN).json(json!({})).send().await;
    answer.problem(401, "refresh_token_missing");
    // Both are deleted, so that the next cookie is the only one.
    let deleted: Vec<&str> = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    assert_eq!(deleted.len(), 2);
    assert!(
        deleted.iter().all(|line| line.starts_with("__Host-refresh_token=;") && line.ends_with("Max-Age=0")),
        "{deleted:?}"
    );
    assert_eq!(deleted.iter().filter(|line| line.contains("Partitioned")).count(), 1, "{deleted:?}");
    let foreign =
        call_from_page(&api, "/api/v1/auth/refresh", &twice, "https://evil.example").json(json!({})).send().await;
    assert_eq!(foreign.header("set-cookie"), "", "a page of another origin deletes no cookie");
}

#[tokio::test]
async fn signing_out_with_two_cookies_ends_the_sessions_of_both() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let ((one, first), (two, second)) = (sign_in(&api).await, sign_in(&api).await);
    let both = format!("{one}; __Host-refresh_token={two}");
    let answer = call_from_page(&api, "/api/v1/auth/signout", &both, ORIGIN).send().await;
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
    for session in [first, second] {
        me(&api, &text(&session, "access_token")).await.problem(401, "session_revoked");
    }
}

#[tokio::test]
async fn if_the_body_has_no_token_the_cookie_is_used() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let (mut token, _) = sign_in(&api).await;
    for body in ["", "{}", r#"{ "refresh_token": "" }"#, r#"{ "refresh_token": null }"#] {
        let answer = call_from_page(&api, "/api/v1/auth/refresh", &token, ORIGIN).text(body).send().await;
        answer.data(200);
        token = cookie(&answer);
        api.clock.advance_seconds(61);
    }
}

/// The function with another `REFRESH_COOKIE_SAMESITE`.
async fn with_same_site(value: &str) -> Api {
    Api::start_with(shared::config::Function::Auth, auth::routes, |settings| {
        settings.insert("REFRESH_COOKIE_SAMESITE".to_owned(), value.to_owned());
    })
    .await
}

#[tokio::test]
async fn if_the_browser_would_block_the_cookie_the_body_has_the_token_and_a_reason() {
    for (same_site, page_of, arrives) in [
        ("strict", "same-site", true),
        ("strict", "same-origin", true),
        ("strict", "cross-site", false),
        ("lax", "cross-site", false),
        ("none", "cross-site", true),
    ] {
        let api = with_same_site(same_site).await;
        sign_up(&api, "ada@example.com").await;
        let body = json!({ "email": "ada@example.com", "password": PASSWORD, "refresh_cookie": true });
        let call = api.call(Method::POST, "/api/v1/auth/signin").header("origin", ORIGIN);
        let answer = call.header("sec-fetch-site", page_of).json(body).send().await;
        let data = answer.data(200);
        assert_eq!(data["refresh_cookie"], arrives, "{same_site} {page_of}");
        assert_eq!(data.get("refresh_token").is_none(), arrives);
        assert_eq!(data.get("refresh_cookie_reason").is_none(), arrives);
        assert_eq!(answer.header("set-cookie").is_empty(), !arrives);
        if !arrives {
            assert!(text(&data, "refresh_cookie_reason").contains("different sites"));
            refresh(&api, &text(&data, "refresh_token")).await.data(200);
        }
    }
}

#[tokio::test]
async fn the_cookie_has_the_same_site_attribute_of_the_setting() {
    for (same_site, expected) in
        [("strict", "SameSite=Strict"), ("lax", "SameSite=Lax"), ("none", "SameSite=None; Secure; Partitioned")]
    {
        let api = with_same_site(same_site).await;
        let body = json!({ "email": "ada@example.com", "password": PASSWORD, "refresh_cookie": true });
        let call = api.call(Method::POST, "/api/v1/auth/signup").header("origin", ORIGIN).json(body);
        let header = call.send().await.header("set-cookie").to_owned();
        let has = |attribute: &str| header.split("; ").any(|found| found == attribute);
        assert!(expected.split("; ").all(has) && has("HttpOnly") && has("Path=/"), "{header}");
        assert_eq!(has("Partitioned"), same_site == "none", "{header}");
    }
}

#[tokio::test]
async fn an_answer_mentions_the_cookie_only_if_the_client_asked_for_one() {
    let api = api().await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "refresh_cookie": null });
    let data = api.post("/api/v1/auth/signup", body).await.data(201);
    assert!(data["refresh_token"].is_string() && data.get("refresh_cookie").is_none(), "{data}");
}

#[tokio::test]
async fn a_browser_refreshes_without_a_body() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let (token, _) = sign_in(&api).await;
    let answer = call_from_page(&api, "/api/v1/auth/refresh", &token, ORIGIN).send().await;
    assert!(cookie(&answer).starts_with("rt1."));
    assert_eq!(answer.data(200)["refresh_cookie"], true);
}

#[tokio::test]
async fn a_cookie_that_is_not_ascii_does_not_hide_the_refresh_token() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let (token, _) = sign_in(&api).await;
    let cookies = format!("grüße=schön; __Host-refresh_token={token}; 🍪=1");
    let call = api.call(Method::POST, "/api/v1/auth/refresh").header("origin", ORIGIN).header("cookie", &cookies);
    call.send().await.data(200);
}
