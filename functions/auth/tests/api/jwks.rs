//! `GET /.well-known/jwks.json`

use crate::api;

#[tokio::test]
async fn every_public_key_is_published_without_a_private_part() {
    let api = api().await;
    let answer = api.get("/.well-known/jwks.json").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let (_, public) = testkit::jwt_keys();
    let published = answer.json();
    let keys = published["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    for (key, expected) in keys.iter().zip(public["keys"].as_array().unwrap()) {
        assert_eq!((&key["kid"], &key["x"]), (&expected["kid"], &expected["x"]));
        assert_eq!(
            (key["kty"].as_str(), key["alg"].as_str(), key["use"].as_str()),
            (Some("OKP"), Some("EdDSA"), Some("sig"))
        );
        assert_eq!(key.get("d"), None);
    }
}
