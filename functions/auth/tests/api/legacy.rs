//! Accounts of the old backend: their passwords, and their tokens.

use futures_util::future::join_all;
use http::Method;
use serde_json::json;
use shared::config::Function;
use testkit::{Api, TestResponse, forge};

use crate::{api, me, text};

const ID: &str = "00112233-4455-6677-8899-aabbccddeeff";
const SECRET: &str = "the secret of the old backend, 32 bytes";
const HASHES: [&str; 4] = [
    "$2b$04$or6w7XltRZoby3flwzBiZuxE7cNcj2GCWj8XWnpepNJo8aq42Lkeu",
    "$2a$04$8uYmJWwiUhrhrHGqgIb.6O28KgbdZi1FZZ56hbiRzsPT2UDClyjB.",
    "00112233445566778899aabbccddeeff:75c09df64ee17ea8eb609e35add95ddf76b6f6c56143dbf514285efaa6d1609a",
    "00112233445566778899aabbccddeeff:82c4a00827ca8a6b9dde5ca9589ef0e26f6a1006d22108e58f09f7efae6f97fe",
];

/// Creates an account as the import does.
async fn import(api: &Api, hash: &str) {
    let owner = api.database.connect().await;
    let sql = format!(
        "SET ROLE todo_auth; INSERT INTO users (id, email, password_hash, created_at, updated_at)
         VALUES ('{ID}', 'ada@example.com', '{hash}', '2025-01-01', '2025-01-01')"
    );
    owner.batch_execute(&sql).await.unwrap();
}

async fn sign_in(api: &Api, password: &str) -> TestResponse {
    api.post("/api/v1/auth/signin", json!({ "email": "ada@example.com", "password": password })).await
}

async fn stored_hash(api: &Api) -> (String, Option<String>) {
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth").await.unwrap();
    let row = owner.query_typed_one("SELECT password_hash, pepper_id FROM users", &[]).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn a_legacy_password_signs_in_and_its_hash_is_replaced() {
    for hash in HASHES {
        let api = api().await;
        import(&api, hash).await;
        sign_in(&api, "wrong horse").await.problem(401, "invalid_credentials");
        assert_eq!(stored_hash(&api).await.0, hash, "a wrong password replaces nothing");
        let data = sign_in(&api, "correct horse").await.data(200);
        assert_eq!(data["user_id"], ID);
        let (replaced, pepper) = stored_hash(&api).await;
        assert!(replaced.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{replaced}");
        assert_eq!(pepper.as_deref(), Some("test-pepper"));
        sign_in(&api, "correct horse").await.data(200);
        assert_eq!(stored_hash(&api).await.0, replaced, "it is replaced only once");
        sign_in(&api, "wrong horse").await.problem(401, "invalid_credentials");
    }
}

#[tokio::test]
async fn concurrent_sign_ins_replace_a_legacy_hash_once_and_all_succeed() {
    let api = api().await;
    import(&api, HASHES[0]).await;
    for answer in join_all((0..4).map(|_| sign_in(&api, "correct horse"))).await {
        answer.data(200);
    }
    assert!(stored_hash(&api).await.0.starts_with("$argon2id$"));
}

#[tokio::test]
async fn too_costly_and_unknown_kinds_of_hashes_are_refused() {
    let costly = HASHES[0].replace("$04$", "$15$");
    for hash in
        [costly.as_str(), "$2y$04$or6w7XltRZoby3flwzBiZuxE7cNcj2GCWj8XWnpepNJo8aq42Lkeu", "plain text", "correct horse"]
    {
        let api = api().await;
        import(&api, hash).await;
        for password in ["correct horse", "plain text", hash] {
            sign_in(&api, password).await.problem(401, "invalid_credentials");
        }
    }
}

/// The function with the old backend's secret.
async fn with_secret() -> Api {
    let api = Api::start_with(Function::Auth, auth::routes, |settings| {
        settings.insert("BETTER_AUTH_SECRET".to_owned(), SECRET.to_owned());
    })
    .await;
    import(&api, HASHES[0]).await;
    api
}

/// A legacy token that is valid for an hour.
fn legacy_token(api: &Api, user: &str) -> String {
    let claims = json!({ "user_id": user, "email": "ada@example.com", "exp": api.now().as_second() + 3600 });
    forge(&json!({ "alg": "HS256", "typ": "JWT" }), &claims, SECRET.as_bytes())
}

#[tokio::test]
async fn a_legacy_token_works_until_it_expires_and_then_the_legacy_password_does() {
    let api = with_secret().await;
    for user in [ID, "00112233445566778899aabbccddeeff", "00112233445566778899AABBCCDDEEFF"] {
        assert_eq!(me(&api, &legacy_token(&api, user)).await.data(200)["user_id"], ID);
    }
    let token = legacy_token(&api, ID);
    api.clock.advance_seconds(3606);
    me(&api, &token).await.problem(401, "token_expired");
    let data = sign_in(&api, "correct horse").await.data(200);
    me(&api, &text(&data, "access_token")).await.data(200);
}

#[tokio::test]
async fn ending_all_sessions_ends_legacy_tokens_too() {
    let api = with_secret().await;
    let token = legacy_token(&api, ID);
    let answer = api.call(Method::POST, "/api/v1/auth/logout-all").bearer(&token).send().await;
    assert_eq!(answer.data(200)["revoked"], 0);
    me(&api, &token).await.problem(401, "session_revoked");

    let api = with_secret().await;
    let token = legacy_token(&api, ID);
    let body = json!({ "current_password": "correct horse", "new_password": "seven unlikely penguins" });
    let call = api.call(Method::POST, "/api/v1/auth/change-password").bearer(&token).json(body);
    call.send().await.data(200);
    me(&api, &token).await.problem(401, "session_revoked");
    sign_in(&api, "seven unlikely penguins").await.data(200);
}

#[tokio::test]
async fn signing_out_with_a_legacy_token_ends_that_token_and_no_other() {
    let api = with_secret().await;
    let (one, other) = (legacy_token(&api, ID), legacy_token(&api, "00112233445566778899aabbccddeeff"));
    let sign_out = async |token: &str| {
        let answer = api.call(Method::POST, "/api/v1/auth/signout").bearer(token).send().await;
        assert_eq!(answer.json()["message"], "Successfully signed out");
    };
    me(&api, &one).await.data(200);
    sign_out(&one).await;
    me(&api, &one).await.problem(401, "session_revoked");
    me(&api, &other).await.data(200);
    // Signing out again, or with an expired token, stores nothing.
    sign_out(&one).await;
    api.clock.advance_seconds(3606);
    sign_out(&other).await;
    let owner = api.database.connect().await;
    let sql = "SELECT count(*), (SELECT count(*) FROM audit_events WHERE kind = 'signed_out') FROM ended_legacy_tokens";
    let row = owner.query_typed_one(sql, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (1, 1));
}

#[tokio::test]
async fn legacy_hashes_are_refused_if_they_are_switched_off() {
    let api = Api::start_with(Function::Auth, auth::routes, |settings| {
        settings.insert("LEGACY_PASSWORD_HASHES".to_owned(), "off".to_owned());
    })
    .await;
    // A hash that an attacker with write access to the table has planted.
    import(&api, HASHES[2]).await;
    let before = shared::passwords::hashes_computed();
    sign_in(&api, "correct horse").await.problem(401, "invalid_credentials");
    assert!(shared::passwords::hashes_computed() > before, "it takes as long as any other refusal");
    assert_eq!(stored_hash(&api).await.0, HASHES[2], "the hash is not replaced");
}
