//! The contracts as committed files: the OpenAPI document, who may call what, and the local router.

mod access;
mod document;
mod router;

use serde_json::Value;
use shared::App;
use shared::config::Function;
use shared::http::openapi;
use utoipa_axum::router::OpenApiRouter;

/// The routes of a function.
type Routes = fn() -> OpenApiRouter<App>;

/// The functions behind HTTP, as their binaries are called.
const FUNCTIONS: [(&str, Function, Routes); 5] = [
    ("health", Function::Health, health::routes),
    ("auth", Function::Auth, auth::routes),
    ("tasks", Function::Tasks, tasks::routes),
    ("users", Function::Users, users::routes),
    ("docs", Function::Docs, docs::routes),
];

/// The document of one function.
fn document_of(routes: Routes) -> Value {
    let mut document = routes().into_openapi();
    openapi::complete(&mut document);
    serde_json::to_value(&document).expect("the document is JSON")
}

/// Every operation of a document: its path, method and description.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("a document has paths");
    let of_path = |(path, item): (&String, &Value)| {
        let methods = item.as_object().expect("a path has methods");
        methods.iter().map(|(method, operation)| (path.clone(), method.clone(), operation.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}
