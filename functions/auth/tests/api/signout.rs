//! `POST /api/v1/auth/signout`, `/logout`

use http::Method;
use serde_json::json;

use crate::{api, me, refresh, sign_up, text};

#[tokio::test]
async fn a_bearer_token_ends_its_session_immediately() {
    let api = api().await;
    for path in ["/api/v1/auth/signout", "/api/v1/auth/logout", "/api/auth/logout"] {
        let data = sign_up(&api, &format!("{}@example.com", path.len())).await;
        let (token, refresh_token) = (text(&data, "access_token"), text(&data, "refresh_token"));
        me(&api, &token).await.data(200);
        let answer = api.call(Method::POST, path).bearer(&token).send().await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json(), json!({ "success": true, "message": "Successfully signed out" }));
        me(&api, &token).await.problem(401, "session_revoked");
        me(&api, &text(&data, "token")).await.problem(401, "session_revoked");
        refresh(&api, &refresh_token).await.problem(401, "session_revoked");
    }
}

#[tokio::test]
async fn a_refresh_token_ends_its_session() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    let body = json!({ "refresh_token": data["refresh_token"] });
    assert_eq!(api.post("/api/v1/auth/signout", body).await.status, 200);
    me(&api, &text(&data, "access_token")).await.problem(401, "session_revoked");
}

#[tokio::test]
async fn an_expired_access_token_still_ends_its_session() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    api.clock.advance_seconds(3600);
    let token = text(&data, "access_token");
    me(&api, &token).await.problem(401, "token_expired");
    assert_eq!(api.call(Method::POST, "/api/v1/auth/signout").bearer(&token).send().await.status, 200);
    me(&api, &text(&data, "token")).await.problem(401, "session_revoked");
}

#[tokio::test]
async fn missing_and_invalid_tokens_are_still_200_and_end_no_session() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    let signout = || api.call(Method::POST, "/api/v1/auth/signout");
    for call in [
        signout(),
        signout().json(json!({})),
        signout().json(json!(null)),
        signout().json(json!({ "refresh_token": null })),
        signout().json(json!({ "refresh_token": "rt1.nonsense" })),
        signout().bearer("nonsense"),
        signout().header("authorization", "Basic YTpi"),
    ] {
        let answer = call.send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["message"], "Successfully signed out");
    }
    me(&api, &text(&data, "access_token")).await.data(200);
}

#[tokio::test]
async fn a_bearer_token_ends_its_session_whatever_the_body() {
    let api = api().await;
    for (number, (kind, body)) in [
        ("text/plain", "garbage"),
        ("application/json", "{"),
        ("application/json", "[]"),
        ("application/json", r#"{"refresh_token":5}"#),
        ("application/x-www-form-urlencoded", "a=b"),
        ("application/json", "\0"),
    ]
    .into_iter()
    .enumerate()
    {
        let data = sign_up(&api, &format!("{number}@example.com")).await;
        let token = text(&data, "access_token");
        let call = api.call(Method::POST, "/api/v1/auth/signout").header("content-type", kind).text(body);
        assert_eq!(call.bearer(&token).send().await.status, 200, "{body}");
        me(&api, &token).await.problem(401, "session_revoked");
        let call = api.call(Method::POST, "/api/v1/auth/logout").header("content-type", kind).text(body);
        assert_eq!(call.send().await.status, 200, "{body}");
    }
    // The content type that a browser sends for a string.
    let data = sign_up(&api, "browser@example.com").await;
    let body = json!({ "refresh_token": data["refresh_token"] }).to_string();
    let call = api.call(Method::POST, "/api/v1/auth/logout").header("content-type", "text/plain;charset=UTF-8");
    assert_eq!(call.text(&body).send().await.status, 200);
    me(&api, &text(&data, "access_token")).await.problem(401, "session_revoked");
    let call = api.call(Method::POST, "/api/v1/auth/logout").text(&"x".repeat(300 * 1024));
    call.send().await.problem(413, "payload_too_large");
}

#[tokio::test]
async fn other_sessions_stay_live() {
    let api = api().await;
    let first = sign_up(&api, "ada@example.com").await;
    let body = json!({ "email": "ada@example.com", "password": crate::PASSWORD });
    let second = api.post("/api/v1/auth/signin", body).await.data(200);
    api.call(Method::POST, "/api/v1/auth/signout").bearer(&text(&first, "access_token")).send().await;
    me(&api, &text(&second, "access_token")).await.data(200);
    refresh(&api, &text(&second, "refresh_token")).await.data(200);
}

#[tokio::test]
async fn a_sign_out_concurrent_with_refreshes_leaves_no_live_session() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    let token = text(&data, "refresh_token");
    let refreshes = futures_util::future::join_all((0..20).map(|_| refresh(&api, &token)));
    let signout = api.call(Method::POST, "/api/v1/auth/signout").bearer(&text(&data, "access_token")).send();
    let (answers, signed_out) = futures_util::join!(refreshes, signout);
    assert_eq!(signed_out.status, 200);
    let mut tokens = vec![token];
    for answer in answers {
        if answer.status == 200 {
            let data = answer.data(200);
            me(&api, &text(&data, "access_token")).await.problem(401, "session_revoked");
            tokens.push(text(&data, "refresh_token"));
        } else {
            answer.problem(401, "session_revoked");
        }
    }
    for token in tokens {
        refresh(&api, &token).await.problem(401, "session_revoked");
    }
}

#[tokio::test]
async fn a_request_that_waited_while_its_session_was_ended_is_refused() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    // The first use of a newer access token confirms its generation, so it waits for the lock on the session.
    let next = crate::refresh(&api, &text(&data, "refresh_token")).await.data(200);
    let other = api.database.connect().await;
    let end = "BEGIN; SET ROLE todo_auth; UPDATE sessions SET revoked_at = now(), revoke_reason = 'x'";
    other.batch_execute(end).await.unwrap();
    let commit = async {
        api.database.wait_for_lock_wait().await;
        other.batch_execute("COMMIT").await.unwrap();
    };
    let token = text(&next, "access_token");
    let (answer, ()) = futures_util::join!(me(&api, &token), commit);
    answer.problem(401, "session_revoked");
}
