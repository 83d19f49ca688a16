//! The contracts as committed files: the OpenAPI document, who may call what, the parts of the template and of the
//! local router that follow from the table of functions.

mod access;
mod dashboard;
mod document;
mod everywhere;
mod example;
mod finish;
mod generated;
mod parts;
mod print;
mod router;
mod served;

use axum::Router;
use serde_json::Value;
use shared::App;
use shared::config::Function;
use shared::http::openapi;
use utoipa::openapi::OpenApi;

/// A function that API Gateway calls, and its routes: as they are served and as they are documented.
struct Contract {
    function: Function,
    served: fn() -> Router<App>,
    documented: fn() -> OpenApi,
}

macro_rules! contract {
    ($name:ident, $function:ident) => {
        Contract { function: Function::$function, served: $name::routes, documented: $name::document }
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
fn document(contracts: &[Contract]) -> Value {
    let mut document = openapi::base();
    for contract in contracts {
        document.merge((contract.documented)());
    }
    openapi::complete(&mut document);
    finish::finish(&document)
}

/// Every operation of a document, with its path and its method.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("a document has paths");
    let of_path = |(path, item): (&String, &Value)| {
        let methods = item.as_object().expect("a path has methods");
        methods.iter().map(|(method, operation)| (path.clone(), method.clone(), operation.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// Whether committed files that differ are written instead of reported, as `cargo xtask openapi` asks for.
#[expect(clippy::disallowed_methods, reason = "a command says so")]
fn may_write() -> bool {
    std::env::var_os("UPDATE_CONTRACTS").is_some()
}
