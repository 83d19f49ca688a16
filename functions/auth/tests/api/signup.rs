//! `POST /api/v1/auth/signup`

use serde_json::json;
use tokio_postgres::types::Type;

use crate::{PASSWORD, api, claims, header, me, sign_up, text};

#[tokio::test]
async fn signing_up_returns_the_account_and_its_tokens() {
    let api = api().await;
    let body = json!({ "email": " Ada@Example.com ", "password": PASSWORD, "name": " Ada " });
    let answer = api.post("/api/v1/auth/signup", body).await;
    let data = answer.data(201);
    assert_eq!(
        data,
        json!({
            "user_id": data["user_id"], "email": "ada@example.com", "name": "Ada", "is_active": true,
            "created_at": "2026-03-10T12:00:00.000000Z", "updated_at": "2026-03-10T12:00:00.000000Z",
            "token": data["token"], "expires_at": "2026-03-11T12:00:00.000000Z",
            "access_token": data["access_token"], "token_type": "Bearer", "expires_in": 900,
            "refresh_token": data["refresh_token"], "refresh_expires_at": "2026-03-24T12:00:00.000000Z",
        })
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    for (token, lifetime) in [("token", 24 * 3600), ("access_token", 900)] {
        let token = text(&data, token);
        assert_eq!(header(&token), json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "test-active" }));
        let claims = claims(&token);
        assert_eq!(
            claims,
            json!({
                "iss": "todo-backend", "aud": "todo-api", "sub": data["user_id"], "user_id": data["user_id"],
                "iat": api.now().as_second(), "exp": api.now().as_second() + lifetime, "jti": claims["jti"],
                "sid": claims["sid"], "gen": 0, "role": "user", "email": "ada@example.com", "name": "Ada",
            })
        );
        assert_eq!(me(&api, &token).await.status, 200);
    }
}

#[tokio::test]
async fn the_name_is_optional() {
    let api = api().await;
    for (email, name) in [("a@example.com", json!(null)), ("b@example.com", json!(" "))] {
        let body = json!({ "email": email, "password": PASSWORD, "name": name });
        assert_eq!(api.post("/api/v1/auth/signup", body).await.data(201)["name"], json!(null));
    }
    assert_eq!(sign_up(&api, "c@example.com").await["name"], json!(null));
}

#[tokio::test]
async fn the_token_lives_as_long_as_the_setting_says() {
    let hours = |hours: &'static str| {
        testkit::Api::start_with(shared::config::Function::Auth, auth::routes, move |settings| {
            settings.insert("JWT_EXPIRATION_DELTA_HOURS".to_owned(), hours.to_owned());
        })
    };
    let api = hours("2").await;
    assert_eq!(sign_up(&api, "ada@example.com").await["expires_at"], "2026-03-10T14:00:00.000000Z");
    let api = hours("0").await;
    let data = sign_up(&api, "ada@example.com").await;
    assert_eq!(data["expires_at"], "2026-03-10T12:15:00.000000Z");
    assert_eq!(data["token"], data["access_token"]);
}

#[tokio::test]
async fn a_taken_email_address_is_409_in_any_letter_case() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    for email in ["ada@example.com", "ADA@example.com", " ada@EXAMPLE.com"] {
        let body = json!({ "email": email, "password": "another password" });
        api.post("/api/v1/auth/signup", body).await.problem(409, "email_taken");
    }
}

#[tokio::test]
async fn of_concurrent_sign_ups_one_gets_the_account() {
    let api = api().await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let calls = (0..6).map(|_| api.post("/api/v1/auth/signup", body.clone()));
    let answers = futures_util::future::join_all(calls).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn invalid_fields_are_422_and_all_are_named() {
    let api = api().await;
    for email in ["", "ada", "ada@", "ada@localhost", "a b@example.com", "ada@example.com\0"] {
        api.post("/api/v1/auth/signup", json!({ "email": email, "password": PASSWORD })).await.invalid_at("/email");
    }
    for password in ["", "1234567", "        ", &"x".repeat(129), "12345678\0"] {
        let body = json!({ "email": "ada@example.com", "password": password });
        let problem = api.post("/api/v1/auth/signup", body).await.invalid_at("/password");
        assert!(password.trim().is_empty() || !problem.to_string().contains(password.trim_end_matches('\0')));
    }
    let answer =
        api.post("/api/v1/auth/signup", json!({ "email": "x", "password": "x", "name": "x".repeat(256) })).await;
    let problem = answer.problem(422, "validation_failed");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 3);
    api.post("/api/v1/auth/signup", json!({ "email": "ada@example.com" })).await.invalid_at("/password");
}

#[tokio::test]
async fn the_password_is_stored_as_argon2id_with_a_pepper() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth").await.unwrap();
    let sql = "SELECT password_hash, pepper_id FROM users WHERE email = $1";
    let row = owner.query_typed_one(sql, &[(&"ada@example.com", Type::TEXT)]).await.unwrap();
    let hash: String = row.get(0);
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert_eq!(row.get::<_, String>(1), "test-pepper");
}

#[tokio::test]
async fn all_spellings_of_an_email_address_are_one_account() {
    let api = api().await;
    let data = sign_up(&api, "ada@bücher.example").await;
    assert_eq!(data["email"], "ada@xn--bcher-kva.example");
    for email in
        ["ada@xn--bcher-kva.example", "ADA@BÜCHER.EXAMPLE", "\"ada\"@bu\u{308}cher.example", "ada@ｂücher.example"]
    {
        let body = json!({ "email": email, "password": PASSWORD });
        api.post("/api/v1/auth/signup", body.clone()).await.problem(409, "email_taken");
        assert_eq!(api.post("/api/v1/auth/signin", body).await.data(200)["user_id"], data["user_id"], "{email}");
    }
    for email in ["a\u{200b}da@example.com", "ada@exam\u{ad}ple.com", "\u{202e}ada@example.com"] {
        let problem = api.post("/api/v1/auth/signup", json!({ "email": email, "password": PASSWORD })).await;
        assert_eq!(problem.invalid_at("/email")["detail"], "email: must not contain invisible characters");
    }
}

#[tokio::test]
async fn an_account_with_an_older_form_of_its_email_address_is_found_and_not_duplicated() {
    let api = api().await;
    let data = sign_up(&api, "nikos@example.com").await;
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth; UPDATE users SET email = 'νικος@bücher.example'").await.unwrap();
    for email in
        ["ΝΙΚΟΣ@Bücher.example", "νικος@xn--bcher-kva.example", "νικοσ@xn--bcher-kva.example", "νικοσ@bücher.example"]
    {
        let body = json!({ "email": email, "password": PASSWORD });
        assert_eq!(api.post("/api/v1/auth/signin", body.clone()).await.data(200)["user_id"], data["user_id"]);
        api.post("/api/v1/auth/signup", body).await.problem(409, "email_taken");
    }
    // If there is an account for each form, each is found by the form that its user types.
    let other = sign_up(&api, "other@example.com").await;
    let sql = "UPDATE users SET email = 'νικοσ@xn--bcher-kva.example' WHERE email = 'other@example.com'";
    owner.batch_execute(sql).await.unwrap();
    for (email, user) in [("νικος@bücher.example", &data), ("νικοσ@xn--bcher-kva.example", &other)] {
        let body = json!({ "email": email, "password": PASSWORD });
        assert_eq!(api.post("/api/v1/auth/signin", body).await.data(200)["user_id"], user["user_id"], "{email}");
    }
    // New accounts cannot have such an email address any more; existing accounts can sign in.
    owner.batch_execute("UPDATE users SET email = '❤\u{fe0f}@example.com' WHERE email LIKE '%xn--%'").await.unwrap();
    let body = json!({ "email": "❤\u{fe0f}@example.com", "password": PASSWORD });
    api.post("/api/v1/auth/signin", body.clone()).await.data(200);
    api.post("/api/v1/auth/signup", body).await.invalid_at("/email");
}

#[tokio::test]
async fn a_name_is_visible_text_or_null() {
    let api = api().await;
    let sign_up = async |n: u32, name: &str| {
        let body = json!({ "email": format!("p{n}@example.com"), "password": PASSWORD, "name": name });
        api.post("/api/v1/auth/signup", body).await
    };
    for (n, name) in (0..).zip(["\u{200b}", "\u{3164}", "a\u{7}b"]) {
        sign_up(n, name).await.invalid_at("/name");
    }
    for (n, name) in (10..).zip(["", "  \u{2003}"]) {
        assert!(sign_up(n, name).await.data(201)["name"].is_null());
    }
    assert_eq!(sign_up(20, " Ada ").await.data(201)["name"], "Ada");
}
