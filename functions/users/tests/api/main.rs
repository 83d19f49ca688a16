//! The administration of accounts, called in process on a real PostgreSQL.

mod act;
mod list;
mod round_trips;

use http::Method;
use serde_json::{Value, json};
use shared::config::Function;
use testkit::{Api, Person, TestResponse};

/// The function with its own database.
async fn api() -> Api {
    Api::start(Function::Users, users::routes).await
}

/// Runs SQL as the owner of the tables.
async fn sql(api: &Api, statements: &str) {
    api.database.connect().await.batch_execute(statements).await.unwrap();
}

/// Creates an administrator.
async fn admin<'a>(api: &'a Api, email: &str) -> Person<'a> {
    let person = api.person(email).await;
    sql(api, &format!("SET ROLE todo_admin; UPDATE users SET role = 'admin' WHERE id = '{}'", person.id)).await;
    person
}

/// Sends an administrator's action on an account.
async fn act(admin: &Person<'_>, person: &Person<'_>, action: &str, body: Value) -> TestResponse {
    let method = if action == "role" { Method::PUT } else { Method::POST };
    let call = admin.call(method, &format!("/api/v1/users/{}/{action}", person.id));
    if body.is_null() { call.send().await } else { call.json(body).send().await }
}

/// The email addresses of the accounts of a list.
fn emails(data: &Value) -> Vec<String> {
    let users = data["users"].as_array().unwrap();
    users.iter().map(|user| user["email"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn only_administrators_have_access() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let eve = api.person("eve@example.com").await;
    let path = format!("/api/v1/users/{}", eve.id);
    ada.get("/api/v1/users").await.problem(403, "admin_required");
    ada.get(&path).await.problem(403, "admin_required");
    ada.get("/api/v1/users/nonsense").await.problem(403, "admin_required");
    for (action, body) in [
        ("role", json!({ "role": "admin" })),
        ("ban", json!({ "reason": "x" })),
        ("unban", Value::Null),
        ("sign-out", Value::Null),
        ("activate", Value::Null),
        ("deactivate", Value::Null),
    ] {
        act(&ada, &eve, action, body).await.problem(403, "admin_required");
    }
    api.get("/api/v1/users").await.problem(401, "authentication_required");
    // The token still has the admin role when the account has lost it: the database decides.
    let admin = admin(&api, "root@example.com").await;
    admin.get("/api/v1/users").await.data(200);
    sql(&api, "SET ROLE todo_admin; UPDATE users SET role = 'user'").await;
    admin.get("/api/v1/users").await.problem(403, "admin_required");
}

#[tokio::test]
async fn the_role_is_checked_before_the_request_is_read() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let root = admin(&api, "root@example.com").await;
    let path = |action: &str| format!("/api/v1/users/{}/{action}", root.id);
    for (method, path, body) in [
        (Method::PUT, path("role"), "{"),
        (Method::PUT, path("role"), r#"{ "role": "king" }"#),
        (Method::POST, path("ban"), ""),
        (Method::POST, path("ban"), r#"{ "reason": 7, "until": "soon" }"#),
        (Method::POST, path("unban"), "{"),
        (Method::PUT, "/api/v1/users/nonsense/role".to_owned(), "{"),
        (Method::GET, "/api/v1/users?page=0&role=king".to_owned(), ""),
        (Method::GET, "/api/v1/users/nonsense".to_owned(), ""),
    ] {
        let call = ada.call(method.clone(), &path).header("content-type", "application/json").text(body);
        call.send().await.problem(403, "admin_required");
        let anonymous = api.call(method.clone(), &path).header("content-type", "application/json").text(body);
        anonymous.send().await.problem(401, "authentication_required");
        // Only the administrator sees what is wrong.
        let answer = root.call(method, &path).header("content-type", "application/json").text(body).send().await;
        assert!(
            [400, 404, 422].contains(&answer.status.as_u16()) || path.ends_with("unban"),
            "{path}: {}",
            answer.text()
        );
    }
    let wrong = ada.call(Method::PUT, &path("role")).header("content-type", "text/plain").text("x").send().await;
    wrong.problem(403, "admin_required");
}

#[tokio::test]
async fn a_legacy_token_has_no_admin_rights() {
    let secret = "the secret of the old backend, 32 bytes";
    let api = Api::start_with(Function::Users, users::routes, |settings| {
        settings.insert("BETTER_AUTH_SECRET".to_owned(), secret.to_owned());
    })
    .await;
    let root = admin(&api, "root@example.com").await;
    let claims = json!({ "user_id": root.id, "exp": api.now().as_second() + 60 });
    let token = testkit::forge(&json!({ "alg": "HS256" }), &claims, secret.as_bytes());
    let answer = api.call(Method::GET, "/api/v1/users").bearer(&token).send().await;
    answer.problem(403, "admin_required");
}

#[tokio::test]
async fn every_action_of_an_administrator_is_limited_as_a_write() {
    let actions = ["set_role", "ban_user", "unban_user", "sign_out_user", "activate_user", "deactivate_user"];
    let rows = actions.map(|id| (id, &["writes"][..]));
    testkit::check_limits(Function::Users, users::routes, "users", &rows).await;
}
