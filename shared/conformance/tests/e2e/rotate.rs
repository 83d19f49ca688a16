//! Keys rotate under load: clients get no error, and no instance is restarted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};
use testkit::{Client, TestResponse};

use crate::{Stack, stack_with};

const PASSWORD: &str = "correct horse battery e2e";

/// How long an instance uses a secret before it reads it again.
const CACHE: Duration = Duration::from_secs(10);

/// `cargo xtask keys …`.
fn keys(arguments: &[&str], input: &str) -> Value {
    serde_json::from_str(&testkit::keys(arguments, input)).expect("keys prints JSON")
}

/// The settings of every function in one secret.
fn flat_settings(secrets: &Value) -> impl Iterator<Item = (String, String)> {
    let functions = secrets.as_object().expect("an object of functions").values();
    let settings = functions.flat_map(|settings| settings.as_object().expect("an object of settings"));
    settings.map(|(name, value)| (name.clone(), value.to_string())).collect::<Vec<_>>().into_iter()
}

/// The id of the active key of a ring.
fn active(secrets: &Value, ring: &str) -> String {
    let keys = secrets["auth"][ring]["keys"].as_array().expect("a key ring");
    let active = keys.iter().find(|key| key["status"] == "active").expect("one is active");
    active["kid"].as_str().expect("it has an id").to_owned()
}

/// The id of the key that signed a token.
fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap_or_default()).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    header["kid"].as_str().expect("a token names its key").to_owned()
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("{field} is missing")).to_owned()
}

async fn put(stack: &Stack, secrets: &Value) {
    let mut values = stack.values.clone();
    values.extend(flat_settings(secrets));
    stack.moto.put_secret(&stack.arn, &serde_json::to_value(&values).expect("text is JSON")).await;
}

/// Uses the API as a client does, refreshing each time, until its tokens are signed by the key `until` and the
/// cache time has passed, which is what an operator waits for between two rotations. Every answer must be a
/// success.
async fn run_client(stack: &Stack, mut session: Value, until: &str, requests: &AtomicUsize) -> Value {
    let anonymous = stack.watch.client(None);
    let (cached, deadline) = (Instant::now() + CACHE, Instant::now() + Duration::from_secs(60));
    while kid(&text(&session, "access_token")) != until || Instant::now() < cached {
        assert!(Instant::now() < deadline, "the new key is not picked up");
        let user: Client = stack.watch.client(Some(&text(&session, "access_token")));
        user.call(Method::POST, "/api/tasks", Some(json!({ "title": "x" }))).await.data(201);
        user.call(Method::GET, "/api/tasks?limit=1", None).await.data(200);
        user.call(Method::GET, "/api/v1/auth/me", None).await.data(200);
        let body = json!({ "refresh_token": session["refresh_token"] });
        session = anonymous.call(Method::POST, "/api/v1/auth/refresh", Some(body)).await.data(200);
        requests.fetch_add(4, Ordering::Relaxed);
    }
    session
}

/// Signs in with the right password until an instance that has read the newest pepper has stored a hash with it.
async fn sign_in_until_rehashed(stack: &Stack, pepper: &str) {
    let client = stack.database.connect().await;
    client.batch_execute("SET ROLE todo_auth").await.expect("the role exists");
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let body = json!({ "email": "p0@example.com", "password": PASSWORD });
        stack.watch.client(None).call(Method::POST, "/api/v1/auth/signin", Some(body)).await.data(200);
        let sql = "SELECT pepper_id FROM users WHERE email = 'p0@example.com'";
        let row = client.query_typed_one(sql, &[]).await.expect("the user is there");
        if row.get::<_, String>(0) == pepper {
            return;
        }
        assert!(Instant::now() < deadline, "the newest pepper is not picked up");
    }
}

/// The first answer that is not a success. An instance may use the old secret until its cache time has passed.
async fn call_until_refused(call: impl AsyncFn() -> TestResponse) -> TestResponse {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = call().await;
        if !answer.status.is_success() || Instant::now() >= deadline {
            return answer;
        }
    }
}

#[tokio::test]
async fn rotating_every_key_under_load_ends_no_session() {
    let first = keys(&["generate"], "");
    let load = [("SECRET_CACHE_SECONDS", CACHE.as_secs().to_string()), ("RATE_LIMITS", "off".to_owned())];
    let settings = flat_settings(&first).chain(load.map(|(name, value)| (name.to_owned(), value)));
    let stack = stack_with(settings.collect()).await;
    let anonymous = stack.watch.client(None);
    let mut sessions = Vec::new();
    for n in 0..4 {
        let body = json!({ "email": format!("p{n}@example.com"), "password": PASSWORD });
        sessions.push(anonymous.call(Method::POST, "/api/v1/auth/signup", Some(body)).await.data(201));
    }
    let oldest = sessions[0].clone();
    assert_eq!(kid(&text(&oldest, "access_token")), active(&first, "JWT_SIGNING_KEYS"));

    let requests = AtomicUsize::new(0);
    let secrets = keys(&["rotate"], &first.to_string());
    put(&stack, &secrets).await;
    let newest = active(&secrets, "JWT_SIGNING_KEYS");
    let lives = sessions.drain(..).map(|session| run_client(&stack, session, &newest, &requests));
    sessions = futures_util::future::join_all(lives).await;
    // Tokens of a retired key stay valid, and passwords with an old pepper still verify.
    let user = stack.watch.client(Some(&text(&oldest, "access_token")));
    user.call(Method::GET, "/api/tasks?limit=1", None).await.data(200);
    sign_in_until_rehashed(&stack, &active(&secrets, "PASSWORD_PEPPERS")).await;
    assert!(requests.load(Ordering::Relaxed) >= 16, "there was load: {requests:?}");

    // Tokens of a removed key are refused as soon as the instances have read the new secret.
    let secrets = keys(&["rotate", "--drop-retired"], &secrets.to_string());
    put(&stack, &secrets).await;
    let newest = active(&secrets, "JWT_SIGNING_KEYS");
    futures_util::future::join_all(sessions.drain(..).map(|session| run_client(&stack, session, &newest, &requests)))
        .await;
    let user = stack.watch.client(Some(&text(&oldest, "access_token")));
    let refresh = json!({ "refresh_token": oldest["refresh_token"] });
    call_until_refused(async || anonymous.call(Method::POST, "/api/v1/auth/refresh", Some(refresh.clone())).await)
        .await
        .problem(401, "refresh_token_invalid");
    call_until_refused(async || user.call(Method::GET, "/api/v1/auth/me", None).await)
        .await
        .problem(401, "token_invalid");
}
