//! The document and its page, called in process.

use serde_json::Value;
use shared::config::Function;
use shared::error::Code;
use testkit::Api;

async fn api() -> Api {
    Api::start(Function::Docs, docs::routes).await
}

#[tokio::test]
async fn the_committed_document_is_served() {
    let api = api().await;
    let answer = api.get("/api/openapi.json").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    let committed: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    assert_eq!(answer.json(), committed);
}

#[tokio::test]
async fn pages_load_only_from_this_origin_under_a_strict_policy() {
    let api = api().await;
    for path in ["/api/docs", "/api/docs/problems"] {
        let answer = api.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/html; charset=utf-8"));
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        let page = answer.text();
        assert!(!page.contains("http://") && !page.contains("https://"), "{path} names another host");
        assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" onclick="), "{path}");
        for part in page.split(['"']).filter(|part| part.starts_with("/api/docs/assets/")) {
            assert_eq!(api.get(part).await.status, 200, "{part}");
        }
    }
}

#[tokio::test]
async fn assets_have_their_content_types_and_unknown_files_are_404() {
    let api = api().await;
    for (file, kind) in [
        ("docs.js", "text/javascript"),
        ("docs.css", "text/css"),
        ("swagger-ui.css", "text/css"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("favicon-32x32.png", "image/png"),
    ] {
        let answer = api.get(&format!("/api/docs/assets/{file}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, kind), "{file}");
        assert!(answer.body.len() > 100);
    }
    for file in ["", "index.html", "x", "..%2Fsrc", "%2e%2e/Cargo.toml", "%ff"] {
        api.get(&format!("/api/docs/assets/{file}")).await.problem(404, "route_not_found");
    }
}

#[tokio::test]
async fn every_problem_is_explained_where_its_type_points() {
    let api = api().await;
    let page = api.get("/api/docs/problems").await.text();
    for code in Code::ALL {
        assert!(page.contains(&format!("<section id=\"{}\">", code.as_str())), "{}", code.as_str());
    }
}
