//! How many round trips to the database each endpoint takes.

use http::Method;
use serde_json::json;
use shared::config::Function;
use testkit::{Api, Proxy};

use crate::{PASSWORD, me, refresh, sign_up, text};

async fn behind_a_proxy() -> (Api, Proxy) {
    Api::behind_a_proxy(Function::Auth, auth::routes).await
}

#[tokio::test]
async fn a_refresh_and_a_sign_in_take_effect_once_if_their_answers_are_lost() {
    let (api, proxy) = behind_a_proxy().await;
    let data = sign_up(&api, "ada@example.com").await;
    proxy.freeze();
    let call = api.call(Method::POST, "/api/v1/auth/refresh").json(json!({ "refresh_token": data["refresh_token"] }));
    let refreshed = call.with_milliseconds_left(2_500).send().await.data(200);
    me(&api, &text(&refreshed, "access_token")).await.data(200);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    proxy.freeze();
    let call = api.call(Method::POST, "/api/v1/auth/signin").json(body);
    call.with_milliseconds_left(5_000).send().await.data(200);
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth").await.unwrap();
    let row = owner.query_typed_one("SELECT count(*), max(generation) FROM sessions", &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (2, 1));
}

#[tokio::test]
async fn a_sign_up_takes_effect_once_if_its_answer_is_lost() {
    let (api, proxy) = behind_a_proxy().await;
    sign_up(&api, "first@example.com").await;
    proxy.freeze_from_the_second_request();
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let call = api.call(Method::POST, "/api/v1/auth/signup").json(body);
    let data = call.with_milliseconds_left(5_000).send().await.data(201);
    me(&api, &text(&data, "access_token")).await.data(200);
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth").await.unwrap();
    let row = owner
        .query_typed_one("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM sessions)", &[])
        .await
        .unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (2, 2));
}

#[tokio::test]
async fn sign_up_and_sign_in_take_two_round_trips_and_authenticated_requests_one() {
    let (api, proxy) = behind_a_proxy().await;
    sign_up(&api, "first@example.com").await;
    assert!(proxy.take_round_trips() > 2, "connecting takes several round trips");
    let _ = proxy.take_statements();
    // Each round trip has three statements: the opening, the statement itself and COMMIT.
    let counts = || (proxy.take_round_trips(), proxy.take_statements());

    let data = sign_up(&api, "ada@example.com").await;
    assert_eq!(counts(), (2, 6), "sign-up");
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    api.post("/api/v1/auth/signin", body).await.data(200);
    assert_eq!(counts(), (2, 6), "sign-in");
    for email in ["ada@example.com", "nobody@example.com", "no address"] {
        let answer = api.post("/api/v1/auth/signin", json!({ "email": email, "password": "wrong" })).await;
        answer.problem(401, "invalid_credentials");
        assert_eq!(counts(), (2, 6), "a failed sign-in: {email}");
    }
    me(&api, &text(&data, "access_token")).await.data(200);
    assert_eq!(counts(), (1, 3), "me");
    refresh(&api, &text(&data, "refresh_token")).await.data(200);
    assert_eq!(counts(), (1, 3), "refresh");
    refresh(&api, "rt1.forged").await.problem(401, "refresh_token_invalid");
    assert_eq!(counts(), (0, 0), "a forged token costs no query");
    api.call(Method::POST, "/api/v1/auth/signout").bearer(&text(&data, "access_token")).send().await;
    assert_eq!(counts(), (1, 3), "sign-out");
    api.call(Method::POST, "/api/v1/auth/signout").send().await;
    assert_eq!(counts(), (0, 0), "sign-out without a token");
    api.get("/.well-known/jwks.json").await;
    api.get("/health/auth").await;
    assert_eq!(counts(), (0, 0), "public keys and health");
}

#[tokio::test]
async fn account_requests_take_one_round_trip_and_one_more_to_check_the_password() {
    let (api, proxy) = behind_a_proxy().await;
    let [first, second] = [0, 1].map(|_| json!({ "email": "ada@example.com", "password": PASSWORD }));
    let token = text(&sign_up(&api, "ada@example.com").await, "access_token");
    let other = api.post("/api/v1/auth/signin", first).await.data(200);
    api.post("/api/v1/auth/signin", second).await.data(200);
    let counts = || (proxy.take_round_trips(), proxy.take_statements());
    let _ = counts();
    let call = |method: Method, path: &str| api.call(method, &format!("/api/v1/auth/{path}")).bearer(&token);

    let sessions = call(Method::GET, "sessions").send().await.data(200);
    assert_eq!(counts(), (1, 3), "sessions");
    call(Method::GET, "events").send().await.data(200);
    assert_eq!(counts(), (1, 3), "events");
    let sessions = sessions["sessions"].as_array().unwrap();
    let id = text(sessions.iter().find(|session| session["current"] == false).unwrap(), "id");
    call(Method::DELETE, &format!("sessions/{id}")).send().await.data(200);
    assert_eq!(counts(), (1, 3), "ending a session");
    let body = json!({ "current_password": PASSWORD, "new_password": "another horse battery" });
    call(Method::POST, "change-password").json(body).send().await.data(200);
    assert_eq!(counts(), (2, 6), "changing the password");
    me(&api, &text(&other, "access_token")).await.problem(401, "session_revoked");
    let _ = counts();
    let body = json!({ "password": "another horse battery" });
    call(Method::DELETE, "account").json(body).send().await.data(200);
    assert_eq!(counts(), (2, 6), "deleting the account");

    let token = text(&sign_up(&api, "eve@example.com").await, "access_token");
    let _ = counts();
    api.call(Method::POST, "/api/v1/auth/logout-all").bearer(&token).send().await.data(200);
    assert_eq!(counts(), (1, 3), "ending all sessions");
}

#[tokio::test]
async fn ending_all_sessions_succeeds_even_if_its_answer_is_lost() {
    let (api, proxy) = behind_a_proxy().await;
    let data = sign_up(&api, "ada@example.com").await;
    proxy.freeze();
    let call = api.call(Method::POST, "/api/v1/auth/logout-all").bearer(&text(&data, "access_token"));
    call.with_milliseconds_left(5_000).send().await.data(200);
    me(&api, &text(&data, "access_token")).await.problem(401, "session_revoked");
}
