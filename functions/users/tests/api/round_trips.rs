//! How many round trips to the database each endpoint takes.

use serde_json::{Value, json};
use shared::config::Function;
use testkit::Api;

use crate::{act, admin};

#[tokio::test]
async fn every_request_takes_one_round_trip() {
    let (api, proxy) = Api::behind_a_proxy(Function::Users, users::routes).await;
    let (ada, eve) = (admin(&api, "ada@example.com").await, api.person("eve@example.com").await);
    ada.get("/api/v1/users").await.data(200);
    assert!(proxy.take_round_trips() > 1, "connecting takes several round trips");
    let _ = proxy.take_statements();
    // The opening, the statement itself, and COMMIT.
    let once = |what: &str| assert_eq!((proxy.take_round_trips(), proxy.take_statements()), (1, 3), "{what}");

    ada.get("/api/v1/users").await.data(200);
    once("list");
    ada.get("/api/v1/users?search=eve&role=user").await.data(200);
    once("filtered list");
    ada.get(&format!("/api/v1/users/{}", eve.id)).await.data(200);
    once("get");
    for (action, body) in [
        ("role", json!({ "role": "admin" })),
        ("role", json!({ "role": "user" })),
        ("ban", json!({ "reason": "x" })),
        ("unban", Value::Null),
        ("sign-out", Value::Null),
        ("deactivate", Value::Null),
        ("activate", Value::Null),
    ] {
        act(&ada, &eve, action, body).await.data(200);
        once(action);
    }
    eve.get("/api/v1/users").await.problem(401, "session_revoked");
    once("a refusal");
}
