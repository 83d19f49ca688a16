//! One user's day, from sign-up to sign-out.

use http::Method;
use serde_json::json;

use crate::stack;

#[tokio::test]
async fn a_user_signs_up_works_and_signs_out_and_no_secret_is_logged() {
    const EMAIL: &str = "ada.e2e@example.com";
    const PASSWORD: &str = "correct horse battery e2e";
    let stack = stack().await;
    let anonymous = stack.watch.client(None);
    let call = async |method, path: &str, body| anonymous.call(method, path, body).await;

    let health = call(Method::GET, "/health/db", None).await;
    assert_eq!((health.status.as_u16(), health.json()), (200, json!({ "status": "database connected" })));
    assert_eq!(call(Method::GET, "/health/auth", None).await.status, 200);
    let config = call(Method::GET, "/health/config", None).await;
    assert_eq!(
        config.json()["settings"].as_array().unwrap().iter().find(|row| row["name"] == "DATABASE_URL").unwrap()["source"],
        "secret"
    );

    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let signed_up = call(Method::POST, "/api/v1/auth/signup", Some(body.clone())).await.data(201);
    let text = |field: &str| signed_up[field].as_str().unwrap().to_owned();
    let ada = stack.watch.client(Some(&text("access_token")));
    let made = ada.call(Method::POST, "/api/tasks", Some(json!({ "title": "Buy milk e2e" }))).await.data(201);
    let path = format!("/api/tasks/{}", made["id"].as_str().unwrap());
    assert_eq!(ada.call(Method::GET, "/api/tasks", None).await.data(200)["total_count"], 1);
    let updated = ada.call(Method::PUT, &path, Some(json!({ "title": "Buy oat milk" }))).await.data(200);
    assert_eq!(updated["title"], "Buy oat milk");
    let done = ada.call(Method::PATCH, &format!("{path}/complete"), Some(json!({ "completed": true }))).await.data(200);
    assert_eq!(done["is_completed"], true);
    assert_eq!(ada.call(Method::DELETE, &path, None).await.status, 204);
    ada.call(Method::GET, &path, None).await.problem(404, "task_not_found");

    let refreshed = call(Method::POST, "/api/v1/auth/refresh", Some(json!({ "refresh_token": text("refresh_token") })))
        .await
        .data(200);
    assert_ne!(refreshed["refresh_token"], signed_up["refresh_token"]);
    assert_eq!(ada.call(Method::POST, "/api/v1/auth/signout", None).await.status, 200);
    ada.call(Method::GET, "/api/v1/auth/me", None).await.problem(401, "session_revoked");
    call(Method::POST, "/api/v1/auth/signin", Some(json!({ "email": EMAIL, "password": "wrong one e2e" })))
        .await
        .problem(401, "invalid_credentials");
    call(Method::POST, "/api/v1/auth/signin", Some(body)).await.data(200);

    let guess = json!({ "email": "nobody.e2e@example.com", "password": "wrong one e2e" });
    for _ in 0..5 {
        let answer = call(Method::POST, "/api/v1/auth/signin", Some(guess.clone())).await;
        answer.problem(401, "invalid_credentials");
    }
    let limited = call(Method::POST, "/api/v1/auth/signin", Some(guess)).await;
    limited.problem(429, "rate_limited");
    assert_eq!(limited.header("ratelimit-policy"), "\"sign_in_account\";q=5;w=300");

    call(Method::GET, "/nope", None).await.problem(404, "route_not_found");
    let wrong_method = call(Method::PUT, "/api/v1/auth/signin", Some(json!({}))).await;
    wrong_method.problem(405, "method_not_allowed");
    assert_eq!(wrong_method.header("allow"), "POST");

    let log = stack.watch.log();
    assert!(log.contains("/api/v1/auth/signup"), "the log has a line for each request");
    let mut secrets = stack.secrets.clone();
    secrets.extend(["nobody.e2e@example.com", EMAIL, PASSWORD, "wrong one e2e", "Buy milk e2e"].map(str::to_owned));
    for field in ["token", "access_token", "refresh_token"] {
        secrets.push(text(field));
        secrets.push(refreshed[field].as_str().unwrap().to_owned());
    }
    for secret in secrets {
        assert!(!log.contains(&secret), "the log contains {secret:?}");
    }
}

#[tokio::test]
async fn operators_invoke_functions_directly() {
    let stack = stack().await;
    let operator = stack.watch.client(None);
    let invoke_function = async |function: &str, event| {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        operator.call(Method::POST, &path, Some(event)).await.json()
    };
    let invoke_migrate = async |event| invoke_function("migrate", event).await;
    let status = invoke_migrate(json!({ "action": "status" })).await;
    assert_eq!((&status["current"], &status["pending"]), (&status["latest"], &json!([])));
    assert_eq!(invoke_migrate(json!({ "action": "migrate" })).await["applied"], json!([]));
    assert_eq!(invoke_migrate(json!({ "action": "check" })).await, json!({ "ok": true, "problems": [] }));
    let refused = invoke_migrate(json!({ "action": "rollback", "to": 99 })).await;
    assert!(refused["errorMessage"].as_str().unwrap().contains("cannot go back to version 99"), "{refused}");
    let no_old_tables = invoke_migrate(json!({ "action": "import_legacy", "dry_run": true })).await;
    assert!(no_old_tables["errorMessage"].as_str().unwrap().contains("old backend"), "{no_old_tables}");

    let body = json!({ "email": "root.e2e@example.com", "password": "correct horse battery" });
    let account = operator.call(Method::POST, "/api/v1/auth/signup", Some(body)).await.data(201);
    let root = stack.watch.client(account["access_token"].as_str());
    root.call(Method::GET, "/api/v1/users", None).await.problem(403, "admin_required");
    let granted =
        invoke_function("maintenance", json!({ "action": "grant_admin", "email": "root.e2e@example.com" })).await;
    assert_eq!(granted, json!({ "user_id": account["user_id"], "role": "admin" }));
    let users = root.call(Method::GET, "/api/v1/users", None).await.data(200);
    assert_eq!(users["users"][0]["email"], "root.e2e@example.com");
    let purged = invoke_function("maintenance", json!({ "action": "purge" })).await;
    assert_eq!((&purged["done"], &purged["sessions"]), (&json!(true), &json!(0)));
    assert!(!stack.watch.log().contains("root.e2e@example.com"));

    let unknown = invoke_migrate(json!({ "action": "explode" })).await;
    assert!(unknown["errorMessage"].as_str().unwrap().contains("explode"), "{unknown}");
}
