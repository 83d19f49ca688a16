//! How often each endpoint asks the database.

use serde_json::json;
use shared::config::Function;
use testkit::{Api, Proxy, TestDatabase, settings};

use crate::{PASSWORD, me, refresh, sign_up, text};

#[tokio::test]
async fn signing_up_and_in_take_two_round_trips_and_all_else_one() {
    let database = TestDatabase::new().await;
    let port = database.server().get_ports()[0];
    let proxy = Proxy::start(port).await;
    let mut settings = settings();
    settings
        .insert("DATABASE_URL".to_owned(), database.url().replace(&format!(":{port}/"), &format!(":{}/", proxy.port)));
    let api = Api::start_on(database, Function::Auth, auth::routes, settings).await;
    sign_up(&api, "first@example.com").await;
    assert!(proxy.take_round_trips() > 2, "connecting takes several");

    let data = sign_up(&api, "ada@example.com").await;
    assert_eq!(proxy.take_round_trips(), 2, "sign-up");
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    api.post("/api/v1/auth/signin", body).await.data(200);
    assert_eq!(proxy.take_round_trips(), 2, "sign-in");
    api.post("/api/v1/auth/signin", json!({ "email": "ada@example.com", "password": "wrong" }))
        .await
        .problem(401, "invalid_credentials");
    assert_eq!(proxy.take_round_trips(), 1, "a wrong password");
    me(&api, &text(&data, "access_token")).await.data(200);
    assert_eq!(proxy.take_round_trips(), 1, "me");
    refresh(&api, &text(&data, "refresh_token")).await.data(200);
    assert_eq!(proxy.take_round_trips(), 1, "refresh");
    refresh(&api, "rt1.forged").await.problem(401, "refresh_token_invalid");
    assert_eq!(proxy.take_round_trips(), 0, "a forged token costs no query");
    api.call(http::Method::POST, "/api/v1/auth/signout").bearer(&text(&data, "access_token")).send().await;
    assert_eq!(proxy.take_round_trips(), 1, "sign-out");
    api.get("/.well-known/jwks.json").await;
    api.get("/health/auth").await;
    assert_eq!(proxy.take_round_trips(), 0, "keys");
}
