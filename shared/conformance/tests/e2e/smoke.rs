//! The API from outside, with its URL as the only input: that of `SMOKE_URL`, or of a stack of this machine. The tests
//! delete everything that they create.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use http::Method;
use serde_json::{Value, json};
use testkit::{Client, TestResponse};
use uuid::Uuid;

use crate::{Stack, stack};

/// The URL of the API, and the stack if it runs on this machine.
struct Target {
    url: String,
    _stack: Option<Stack>,
}

#[expect(clippy::disallowed_methods, reason = "the command says what to try")]
async fn target() -> Target {
    match std::env::var("SMOKE_URL") {
        Ok(url) if !url.is_empty() => Target { url, _stack: None },
        _ => {
            let stack = stack().await;
            Target { url: stack.watch.url.clone(), _stack: Some(stack) }
        }
    }
}

/// Makes a call and prints it first, so that the last line names the call that failed.
#[expect(clippy::print_stdout, reason = "the person who tries a deployment watches")]
async fn call(client: &Client, method: Method, path: &str, body: Option<Value>) -> TestResponse {
    print!("  {:6} {path}", method.as_str());
    let answer = client.call(method, path, body).await;
    println!(" -> {} ({})", answer.status.as_u16(), answer.header("x-request-id"));
    answer
}

/// A user who has just signed up.
struct Account {
    client: Client,
    signed_up: Value,
    password: String,
}

#[expect(clippy::disallowed_methods, reason = "a random email address")]
async fn sign_up(url: &str) -> Account {
    let anonymous = Client::new(url, None);
    let password = Uuid::new_v4().to_string();
    let email = format!("smoke-{}@example.com", Uuid::new_v4());
    let body = json!({ "email": email, "password": password, "name": "Smoke" });
    let signed_up = call(&anonymous, Method::POST, "/api/v1/auth/signup", Some(body)).await.data(201);
    let client = Client::new(url, signed_up["access_token"].as_str());
    Account { client, signed_up, password }
}

impl Account {
    /// Deletes the account with its tasks and sessions.
    async fn leave(self) {
        let body = json!({ "password": self.password });
        let left = call(&self.client, Method::DELETE, "/api/v1/auth/account", Some(body)).await;
        assert_eq!(left.status, 200, "{}", left.text());
        call(&self.client, Method::GET, "/api/v1/auth/me", None).await.problem(401, "session_revoked");
    }
}

#[tokio::test]
async fn the_api_serves_public_answers_and_each_user_their_own_tasks() {
    let target = target().await;
    public(&target.url).await;
    // Two accounts, so that a second run within minutes is within the limit on signing up.
    let (one, other) = (sign_up(&target.url).await, sign_up(&target.url).await);
    let tried = async {
        a_day(&target.url, &one).await;
        two_users(&one, &other).await;
    };
    let tried = AssertUnwindSafe(tried).catch_unwind().await;
    // The accounts are deleted even if a check failed.
    one.leave().await;
    other.leave().await;
    if let Err(found) = tried {
        std::panic::resume_unwind(found);
    }
}

/// Public answers, and refusals.
async fn public(url: &str) {
    let anonymous = Client::new(url, None);
    let get = async |path: &str| call(&anonymous, Method::GET, path, None).await;
    assert_eq!(get("/health").await.json(), json!({ "status": "healthy" }));
    assert_eq!(get("/health/db").await.json(), json!({ "status": "database connected" }));
    assert_eq!(get("/health/auth").await.json(), json!({ "status": "authentication system operational" }));
    let config = get("/health/config").await;
    assert_eq!(config.status, 200, "{}", config.text());
    assert!(get("/.well-known/jwks.json").await.json()["keys"].as_array().is_some_and(|keys| !keys.is_empty()));
    assert_eq!(get("/api/openapi.json").await.json()["openapi"], "3.1.0");
    let page = get("/api/docs").await;
    assert!(page.text().contains("<html") && page.header("content-type").starts_with("text/html"), "{}", page.text());
    assert!(page.header("strict-transport-security").starts_with("max-age="));

    let missing = get("/nope").await;
    missing.problem(404, "route_not_found");
    assert_eq!(missing.header("server-timing"), "", "only for callers with a token: {:?}", missing.headers);
    let wrong = call(&anonymous, Method::PUT, "/api/v1/auth/signin", Some(json!({}))).await;
    wrong.problem(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), "POST");
    get("/api/v1/tasks").await.problem(401, "authentication_required");
    get("/api/v1/users").await.problem(401, "authentication_required");
    // A page of an unlisted origin gets no CORS headers for its preflight.
    let foreign = Client::new(url, None).with_header("origin", "https://evil.example");
    let foreign = foreign.with_header("access-control-request-method", "GET");
    let preflight = call(&foreign, Method::OPTIONS, "/api/v1/tasks", None).await;
    assert_eq!(preflight.header("access-control-allow-origin"), "", "{:?}", preflight.headers);

    let weak = json!({ "email": "not an address", "password": "correct horse battery" });
    call(&anonymous, Method::POST, "/api/v1/auth/signup", Some(weak)).await.invalid_at("/email");
}

/// One user's day, through both contracts, `Legacy` and `V1`.
async fn a_day(url: &str, user: &Account) {
    let (client, anonymous) = (&user.client, Client::new(url, None));
    let me = call(client, Method::GET, "/api/v1/auth/me", None).await.data(200);
    assert_eq!(me["email"], user.signed_up["email"]);
    let task = json!({ "title": "Try the deploy", "priority": "urgent_important" });
    let made = call(client, Method::POST, "/api/v1/tasks", Some(task)).await.data(201);
    let (new, old) = (format!("/api/v1/tasks/{}", text(&made, "id")), format!("/api/tasks/{}", text(&made, "id")));
    let list = call(client, Method::GET, "/api/tasks?limit=1", None).await.data(200);
    assert_eq!((&list["total_count"], &list["tasks"][0]["title"]), (&json!(1), &json!("Try the deploy")));
    let patched = call(client, Method::PATCH, &new, Some(json!({ "description": "twice" }))).await.data(200);
    assert_eq!(patched["description"], "twice");
    let done =
        call(client, Method::PATCH, &format!("{old}/complete"), Some(json!({ "completed": true }))).await.data(200);
    assert_eq!(done["is_completed"], true);
    assert_eq!(call(client, Method::DELETE, &old, None).await.status, 204);
    call(client, Method::GET, &new, None).await.problem(404, "task_not_found");

    let refresh = json!({ "refresh_token": user.signed_up["refresh_token"] });
    let refreshed = call(&anonymous, Method::POST, "/api/v1/auth/refresh", Some(refresh)).await.data(200);
    assert_ne!(refreshed["refresh_token"], user.signed_up["refresh_token"]);
    let credentials = json!({ "email": user.signed_up["email"], "password": user.password });
    let second = call(&anonymous, Method::POST, "/api/v1/auth/signin", Some(credentials)).await.data(200);
    let elsewhere = Client::new(url, second["access_token"].as_str());
    assert_eq!(call(&elsewhere, Method::POST, "/api/v1/auth/signout", None).await.status, 200);
    call(&elsewhere, Method::GET, "/api/v1/tasks", None).await.problem(401, "session_revoked");
    let wrong = json!({ "email": user.signed_up["email"], "password": "wrong of course" });
    call(&anonymous, Method::POST, "/api/v1/auth/signin", Some(wrong)).await.problem(401, "invalid_credentials");
    call(client, Method::GET, "/api/v1/users", None).await.problem(403, "admin_required");
}

/// The tasks of one user do not exist for another.
async fn two_users(one: &Account, other: &Account) {
    let made = call(&one.client, Method::POST, "/api/tasks", Some(json!({ "title": "Mine" }))).await.data(201);
    let path = format!("/api/v1/tasks/{}", text(&made, "id"));
    call(&other.client, Method::GET, &path, None).await.problem(404, "task_not_found");
    call(&other.client, Method::PATCH, &path, Some(json!({ "title": "Yours" }))).await.problem(404, "task_not_found");
    call(&other.client, Method::DELETE, &path, None).await.problem(404, "task_not_found");
    assert_eq!(call(&other.client, Method::GET, "/api/tasks", None).await.data(200)["total_count"], 0);
    assert_eq!(call(&one.client, Method::GET, &path, None).await.data(200)["title"], "Mine");
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("{field} is missing in {value}")).to_owned()
}
