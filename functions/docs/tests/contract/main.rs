//! The contracts as committed files: the OpenAPI document, who may call what, and the local router.

mod access;
mod document;
mod everywhere;
mod finish;
mod router;
mod served;

use axum::Router;
use serde_json::Value;
use shared::App;
use shared::config::Function;
use shared::http::openapi;
use utoipa::openapi::OpenApi;

/// A function behind HTTP.
struct Contract {
    /// What its binary is called.
    name: &'static str,
    function: Function,
    served: fn() -> Router<App>,
    documented: fn() -> OpenApi,
}

macro_rules! contract {
    ($name:ident, $function:ident) => {
        Contract {
            name: stringify!($name),
            function: Function::$function,
            served: $name::routes,
            documented: $name::document,
        }
    };
}

const CONTRACTS: [Contract; 5] = [
    contract!(health, Health),
    contract!(auth, Auth),
    contract!(tasks, Tasks),
    contract!(users, Users),
    contract!(docs, Docs),
];

/// The document of some functions, as it is published.
fn published(contracts: &[Contract]) -> finish::Document {
    let mut document = openapi::base();
    for contract in contracts {
        document.merge((contract.documented)());
    }
    openapi::complete(&mut document);
    finish::finish(&document)
}

/// The same as JSON.
fn document(contracts: &[Contract]) -> Value {
    serde_json::to_value(published(contracts)).expect("the document is JSON")
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
