//! `GET /`, `GET /health`

use serde_json::json;

use crate::api;

#[tokio::test]
async fn the_index_names_the_service_and_its_links() {
    let api = api().await;
    let answer = api.get("/").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "name": "Task backend", "version": env!("CARGO_PKG_VERSION"), "docs": "/api/docs",
            "openapi": "/api/openapi.json", "health": "/health",
        })
    );
}

#[tokio::test]
async fn health_is_200_without_a_database() {
    let mut settings = testkit::settings();
    settings.insert("DATABASE_URL".to_owned(), "postgresql://u:p@127.0.0.1:1/d".to_owned());
    let database = testkit::TestDatabase::empty().await;
    let api = testkit::Api::start_on(database, shared::config::Function::Health, health::routes, settings).await;
    let answer = api.get("/health").await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({ "status": "healthy" })));
}
