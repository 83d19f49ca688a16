//! Rate-limited sign-ins compute no hash. No other test runs in this process, because hashes are counted per process.

use http::Method;
use serde_json::json;
use shared::config::Function;
use shared::passwords::hashes_computed;
use testkit::Api;

#[tokio::test]
async fn a_rate_limited_sign_in_computes_no_hash_and_any_other_computes_one() {
    let api = Api::start_with(Function::Auth, auth::routes, |settings| {
        settings.remove("RATE_LIMITS");
        settings.insert("RATE_LIMIT_SIGN_IN_ADDRESS".to_owned(), "1, 1/h".to_owned());
    })
    .await;
    let body = json!({ "email": "ada@example.com", "password": "correct horse battery" });
    api.post("/api/v1/auth/signup", body).await.data(201);
    let sign_in = async |ip: &str, email: &str| {
        let call = api.call(Method::POST, "/api/v1/auth/signin").from_ip(ip);
        call.json(json!({ "email": email, "password": "wrong" })).send().await
    };
    for (ip, email) in [("203.0.113.1", "ada@example.com"), ("203.0.113.2", "nobody@example.com"), ("203.0.113.3", "?")]
    {
        let before = hashes_computed();
        sign_in(ip, email).await.problem(401, "invalid_credentials");
        assert_eq!(hashes_computed(), before + 1, "{email}");
        for _ in 0..5 {
            sign_in(ip, email).await.problem(429, "rate_limited");
        }
        assert_eq!(hashes_computed(), before + 1, "{email}");
    }
}
