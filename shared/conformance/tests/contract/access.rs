//! Which operations are public. Every other operation requires a token.

use http::{Method, StatusCode};
use testkit::Api;

use crate::{CONTRACTS, document, operations};

/// The operations that need no token. Adding one is a decision that is made here.
const PUBLIC: [&str; 19] = [
    "GET /",
    "GET /.well-known/jwks.json",
    "GET /api/docs",
    "GET /api/docs/assets/{file}",
    "GET /api/docs/problems",
    "GET /api/openapi.json",
    "GET /health",
    "GET /health/auth",
    "GET /health/config",
    "GET /health/db",
    "POST /api/auth/login",
    "POST /api/auth/logout",
    "POST /api/auth/refresh",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/logout",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/signin",
    "POST /api/v1/auth/signout",
    "POST /api/v1/auth/signup",
];

#[tokio::test]
async fn every_operation_requires_a_token_unless_it_is_listed_as_public() {
    let mut public = Vec::new();
    for contract in CONTRACTS {
        let api = Api::start(contract.function, contract.served).await;
        for (path, method, operation) in operations(&document(&[contract])) {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let path = path.replace("{id}", "01980000-0000-7000-8000-000000000000");
            let call = || api.call(method.clone(), &path.replace("{file}", "swagger-ui.css"));
            let answer = call().json(serde_json::json!({})).send().await;
            if answer.status == 401 && operation["security"] == serde_json::json!([{ "bearer": [] }]) {
                answer.problem(401, "authentication_required");
                let answer = call().bearer("nonsense").json(serde_json::json!({})).send().await;
                answer.problem(401, "token_invalid");
            } else {
                let unserved = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&answer.status);
                assert!(!unserved, "{method} {path} is documented and not served");
                public.push(format!("{method} {path}"));
            }
        }
    }
    public.sort();
    assert_eq!(public, PUBLIC);
}
