//! `POST /api/v1/auth/signin`, `/login`

use serde_json::json;

use crate::{PASSWORD, api, me, sign_up, text};

#[tokio::test]
async fn the_right_password_opens_another_session() {
    let api = api().await;
    let first = sign_up(&api, "ada@example.com").await;
    for path in ["/api/v1/auth/signin", "/api/v1/auth/login", "/api/auth/login"] {
        let data = api.post(path, json!({ "email": "ADA@example.com", "password": PASSWORD })).await.data(200);
        assert_eq!(data["user_id"], first["user_id"]);
        assert_ne!(data["refresh_token"], first["refresh_token"]);
        assert_eq!(data["expires_at"], "2026-03-11T12:00:00.000000Z");
        me(&api, &text(&data, "access_token")).await.data(200);
    }
}

#[tokio::test]
async fn a_wrong_email_address_and_a_wrong_password_are_the_same_401() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let mut bodies = Vec::new();
    for (email, password) in [
        ("ada@example.com", "wrong password"),
        ("eve@example.com", PASSWORD),
        ("not an address", PASSWORD),
        ("ada@example.com", ""),
        ("ada@example.com\0", PASSWORD),
    ] {
        let answer = api.post("/api/v1/auth/signin", json!({ "email": email, "password": password })).await;
        let mut problem = answer.problem(401, "invalid_credentials");
        problem["instance"].take();
        bodies.push(problem);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(bodies[0]["detail"], "Invalid email or password");
}

#[tokio::test]
async fn a_sign_in_to_an_unknown_account_computes_a_hash_too() {
    use shared::config::{Function, Settings, Sources};
    use shared::domain::Password;
    use shared::passwords::{self, PasswordVerdict};
    let mut all = testkit::settings();
    all.insert("DATABASE_URL".to_owned(), "postgresql://u:p@h/d".to_owned());
    let mut settings = Settings::read(Function::Auth, &Sources::environment(all)).unwrap();
    let verdict = passwords::verify(&settings.passwords, Password::new("x"), None).await.unwrap();
    assert_eq!(verdict, PasswordVerdict::Wrong);
    // Without a pepper hashing fails, so the error shows that a hash would have been computed.
    settings.passwords.peppers = shared::tokens::MacKeys::default();
    assert!(passwords::verify(&settings.passwords, Password::new("x"), None).await.is_err());
}

#[tokio::test]
async fn a_current_hash_is_kept_and_a_costly_or_malformed_one_is_refused() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth").await.unwrap();
    let stored = async || {
        let row = owner.query_typed_one("SELECT password_hash FROM users", &[]).await.unwrap();
        row.get::<_, String>(0)
    };
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let before = stored().await;
    api.post("/api/v1/auth/signin", body.clone()).await.data(200);
    assert_eq!(stored().await, before, "a current hash stays");
    let costly = before.replace("m=19456", "m=1048576");
    owner.batch_execute(&format!("UPDATE users SET password_hash = '{costly}'")).await.unwrap();
    api.post("/api/v1/auth/signin", body.clone()).await.problem(401, "invalid_credentials");
    owner.batch_execute("UPDATE users SET password_hash = 'not a hash'").await.unwrap();
    api.post("/api/v1/auth/signin", body.clone()).await.problem(401, "invalid_credentials");
    owner.batch_execute("UPDATE users SET password_hash = NULL").await.unwrap();
    api.post("/api/v1/auth/signin", body).await.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn a_hash_with_a_retired_pepper_still_verifies_and_is_replaced() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let mut settings = testkit::settings();
    let old: serde_json::Value = serde_json::from_str(&settings["PASSWORD_PEPPERS"]).unwrap();
    let mut retired = old["keys"][0].clone();
    retired["status"] = json!("retired");
    let newer =
        json!({ "kty": "oct", "kid": "newer", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "status": "active" });
    settings.insert("PASSWORD_PEPPERS".to_owned(), json!({ "keys": [newer, retired] }).to_string());
    settings.insert("DATABASE_URL".to_owned(), api.database.url());
    let rotated = testkit::Api::start_on(api.database, shared::config::Function::Auth, auth::routes, settings).await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    // Concurrent sign-ins with an outdated hash: the later ones find a newer hash than the one that they verified.
    let calls = (0..4).map(|_| rotated.post("/api/v1/auth/signin", body.clone()));
    for answer in futures_util::future::join_all(calls).await {
        answer.data(200);
        let owner = rotated.database.connect().await;
        owner.batch_execute("SET ROLE todo_auth").await.unwrap();
        let row = owner.query_typed_one("SELECT pepper_id FROM users", &[]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), "newer");
    }
    for _ in 0..2 {
        rotated.post("/api/v1/auth/signin", body.clone()).await.data(200);
        let owner = rotated.database.connect().await;
        owner.batch_execute("SET ROLE todo_auth").await.unwrap();
        let row = owner.query_typed_one("SELECT pepper_id FROM users", &[]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), "newer");
    }
}

#[tokio::test]
async fn a_password_change_during_a_sign_in_wins() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth").await.unwrap();
    // The sign-in has read the old hash when the change commits. It must neither succeed nor overwrite the new hash.
    owner.batch_execute("BEGIN; UPDATE users SET password_hash = 'changed'").await.unwrap();
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let change = async {
        api.database.wait_for_lock_wait().await;
        owner.batch_execute("COMMIT").await.unwrap();
    };
    let (answer, ()) = futures_util::join!(api.post("/api/v1/auth/signin", body), change);
    answer.problem(401, "invalid_credentials");
    let row = owner.query_typed_one("SELECT password_hash FROM users", &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "changed");
    let row = owner.query_typed_one("SELECT count(*) FROM sessions", &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 1, "only the session of the sign-up");
}

#[tokio::test]
async fn a_disabled_account_cannot_sign_in() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth; UPDATE users SET is_active = false").await.unwrap();
    let answer = api.post("/api/v1/auth/signin", json!({ "email": "ada@example.com", "password": PASSWORD })).await;
    answer.problem(401, "account_disabled");
    let answer = api.post("/api/v1/auth/signin", json!({ "email": "ada@example.com", "password": "wrong" })).await;
    answer.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn missing_fields_are_422() {
    let api = api().await;
    api.post("/api/v1/auth/signin", json!({ "email": "ada@example.com" })).await.invalid_at("/password");
    api.post("/api/v1/auth/signin", json!({ "email": 5, "password": "x" })).await.invalid_at("/email");
}
