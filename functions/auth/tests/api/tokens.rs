//! Access tokens that must not be accepted, and those that must.

use serde_json::{Value, json};
use shared::config::Function;
use testkit::{Api, forge};

use crate::{api, claims, header, me, sign_up, text};

/// The seed of the active test key.
pub(crate) const ACTIVE: [u8; 32] = {
    let mut seed = [1; 32];
    seed[0] = 2;
    seed
};

pub(crate) fn with_field(value: &Value, field: &str, new: Value) -> Value {
    let mut value = value.clone();
    value[field] = new;
    value
}

fn without_field(value: &Value, field: &str) -> Value {
    let mut value = value.clone();
    value.as_object_mut().unwrap().remove(field);
    value
}

#[tokio::test]
async fn forged_and_foreign_tokens_are_401() {
    let api = api().await;
    let token = text(&sign_up(&api, "ada@example.com").await, "access_token");
    let (head, body) = (header(&token), claims(&token));
    let now = api.now().as_second();
    // `forge` can make a token that is accepted, so the refusals below have the reasons that they name.
    me(&api, &forge(&head, &body, &ACTIVE)).await.data(200);

    let public: Value = testkit::jwt_keys().1;
    let public_key = text(&public["keys"][0], "x");
    let mut other_key = ACTIVE;
    other_key[5] = 99;
    for (what, token) in [
        ("another audience", forge(&head, &with_field(&body, "aud", json!("other")), &ACTIVE)),
        ("no audience", forge(&head, &without_field(&body, "aud"), &ACTIVE)),
        ("another issuer", forge(&head, &with_field(&body, "iss", json!("other")), &ACTIVE)),
        ("no issuer", forge(&head, &without_field(&body, "iss"), &ACTIVE)),
        ("no subject", forge(&head, &without_field(&body, "sub"), &ACTIVE)),
        ("no session", forge(&head, &without_field(&body, "sid"), &ACTIVE)),
        ("no expiry", forge(&head, &without_field(&body, "exp"), &ACTIVE)),
        ("an expiry that is text", forge(&head, &with_field(&body, "exp", json!("later")), &ACTIVE)),
        ("not yet valid", forge(&head, &with_field(&body, "nbf", json!(now + 60)), &ACTIVE)),
        ("issued in the future", forge(&head, &with_field(&body, "iat", json!(now + 60)), &ACTIVE)),
        ("another type", forge(&with_field(&head, "typ", json!("JWT")), &body, &ACTIVE)),
        ("no type", forge(&without_field(&head, "typ"), &body, &ACTIVE)),
        ("no key id", forge(&without_field(&head, "kid"), &body, &ACTIVE)),
        ("an unknown key id", forge(&with_field(&head, "kid", json!("nobody's")), &body, &ACTIVE)),
        ("another key's id", forge(&with_field(&head, "kid", json!("test-retired")), &body, &ACTIVE)),
        ("another key", forge(&head, &body, &other_key)),
        ("a critical extension", forge(&with_field(&head, "crit", json!(["exp"])), &body, &ACTIVE)),
        ("no algorithm", forge(&with_field(&head, "alg", json!("none")), &body, &ACTIVE)),
        ("no algorithm, spelt otherwise", forge(&with_field(&head, "alg", json!("nOnE")), &body, &ACTIVE)),
        ("HS256 with the public key", forge(&with_field(&head, "alg", json!("HS256")), &body, public_key.as_bytes())),
        ("RS256", forge(&with_field(&head, "alg", json!("RS256")), &body, &ACTIVE)),
        ("no signature", token.rsplit_once('.').map(|(rest, _)| format!("{rest}.")).unwrap()),
        ("two parts", token.rsplit_once('.').unwrap().0.to_owned()),
        ("nothing", "..".to_owned()),
    ] {
        let answer = me(&api, &token).await;
        assert_eq!(answer.status, 401, "{what}");
        answer.problem(401, "token_invalid");
        assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#);
    }
}

#[tokio::test]
async fn a_tampered_payload_is_401() {
    let api = api().await;
    let (ada, eve) = (sign_up(&api, "ada@example.com").await, sign_up(&api, "eve@example.com").await);
    let (ada, eve) = (text(&ada, "access_token"), text(&eve, "access_token"));
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (ada, eve) = (parts(&ada), parts(&eve));
    me(&api, &format!("{}.{}.{}", eve[0], ada[1], eve[2])).await.problem(401, "token_invalid");
}

#[tokio::test]
async fn tokens_expire_with_five_seconds_of_grace() {
    let api = api().await;
    let token = text(&sign_up(&api, "ada@example.com").await, "access_token");
    api.clock.advance_seconds(904);
    me(&api, &token).await.data(200);
    api.clock.advance_seconds(1);
    me(&api, &token).await.problem(401, "token_expired");
}

#[tokio::test]
async fn a_token_with_the_session_of_another_user_is_401() {
    let api = api().await;
    let (ada, eve) = (sign_up(&api, "ada@example.com").await, sign_up(&api, "eve@example.com").await);
    let token = text(&ada, "access_token");
    let stolen = with_field(&claims(&token), "sid", claims(&text(&eve, "access_token"))["sid"].clone());
    me(&api, &forge(&header(&token), &stolen, &ACTIVE)).await.problem(401, "session_revoked");
}

#[tokio::test]
async fn the_header_must_be_a_bearer_token() {
    let api = api().await;
    let token = text(&sign_up(&api, "ada@example.com").await, "access_token");
    let with_header =
        async |value: &str| api.call(http::Method::GET, "/api/v1/auth/me").header("authorization", value).send().await;
    with_header(&format!("bearer {token}")).await.data(200);
    for value in [
        token.as_str(),
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        &format!("Bearer {token} {token}"),
        &format!("Bearer {}", "x".repeat(9000)),
    ] {
        with_header(value).await.problem(401, "token_invalid");
    }
}

#[tokio::test]
async fn legacy_tokens_work_only_with_the_secret_of_the_old_backend() {
    const SECRET: &str = "the old backend's secret, long enough";
    let plain = api().await;
    let old = |api: &Api, user: &str, exp: i64| {
        let body = json!({ "user_id": user, "email": "ada@example.com", "exp": api.now().as_second() + exp });
        forge(&json!({ "alg": "HS256", "typ": "JWT" }), &body, SECRET.as_bytes())
    };
    let data = sign_up(&plain, "ada@example.com").await;
    me(&plain, &old(&plain, &text(&data, "user_id"), 60)).await.problem(401, "token_invalid");

    let api = Api::start_with(Function::Auth, auth::routes, |settings| {
        settings.insert("BETTER_AUTH_SECRET".to_owned(), SECRET.to_owned());
    })
    .await;
    let data = sign_up(&api, "ada@example.com").await;
    let id = text(&data, "user_id");
    assert_eq!(me(&api, &old(&api, &id, 60)).await.data(200)["id"], data["user_id"]);
    assert_eq!(me(&api, &old(&api, &id.replace('-', ""), 60)).await.data(200)["id"], data["user_id"]);
    me(&api, &old(&api, &id, -60)).await.problem(401, "token_expired");
    me(&api, &old(&api, "01980000-0000-7000-8000-000000000000", 60)).await.problem(401, "session_revoked");
    let forged = forge(&json!({ "alg": "HS256", "typ": "JWT" }), &json!({ "user_id": id, "exp": i64::MAX }), b"guess");
    me(&api, &forged).await.problem(401, "token_invalid");
    let endless = forge(&json!({ "alg": "HS256", "typ": "JWT" }), &json!({ "user_id": id }), SECRET.as_bytes());
    me(&api, &endless).await.problem(401, "token_invalid");
}

#[tokio::test]
async fn times_of_legacy_tokens_may_be_fractions() {
    const SECRET: &str = "the old backend's secret, long enough";
    let api = Api::start_with(Function::Auth, auth::routes, |settings| {
        settings.insert("BETTER_AUTH_SECRET".to_owned(), SECRET.to_owned());
    })
    .await;
    let id = text(&sign_up(&api, "ada@example.com").await, "user_id");
    #[expect(clippy::cast_precision_loss, reason = "seconds of this century are small")]
    let now = api.now().as_second() as f64;
    let token = |claims: serde_json::Value| {
        let claims = with_field(&claims, "user_id", json!(id));
        forge(&json!({ "alg": "HS256", "typ": "JWT" }), &claims, SECRET.as_bytes())
    };
    me(&api, &token(json!({ "exp": now + 60.25, "iat": now - 0.5, "nbf": now - 0.123_456 }))).await.data(200);
    me(&api, &token(json!({ "exp": now - 5.5 }))).await.problem(401, "token_expired");
    me(&api, &token(json!({ "exp": now - 4.5 }))).await.data(200);
    me(&api, &token(json!({ "exp": now + 60.0, "nbf": now + 5.5 }))).await.problem(401, "token_invalid");
    me(&api, &token(json!({ "exp": "soon" }))).await.problem(401, "token_invalid");
    me(&api, &token(json!({ "exp": 1e300 }))).await.problem(401, "token_invalid");
}
