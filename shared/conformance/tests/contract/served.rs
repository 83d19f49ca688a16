//! Every route that a function serves is in the document. `access.rs` tests the reverse.

use std::collections::BTreeSet;

use http::Method;
use testkit::Api;

use crate::{CONTRACTS, document, operations};

/// The paths of a router, without catch-alls: they answer 404. axum lists paths only in its debug output:
/// `paths: {RouteId(0): "/health", …}`.
fn served_paths(router: &axum::Router<shared::App>) -> BTreeSet<String> {
    let text = format!("{router:?}");
    let routes = text.split("fallback_router").next().unwrap_or_default();
    routes.split('"').filter(|part| part.starts_with('/') && !part.starts_with("/{*")).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_served_path_and_method_is_documented() {
    for contract in CONTRACTS {
        let api = Api::start(contract.function, contract.served).await;
        let (name, served) = (contract.function.as_str(), served_paths(&(contract.served)()));
        let operations = operations(&document(&[contract]));
        let documented: BTreeSet<String> = operations.iter().map(|(path, ..)| path.clone()).collect();
        assert_eq!(served, documented, "{name}");

        for path in documented {
            let methods: BTreeSet<&str> =
                operations.iter().filter(|(other, ..)| *other == path).map(|(_, method, _)| method.as_str()).collect();
            for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                if !methods.contains(method.as_str().to_lowercase().as_str()) {
                    let answer = api.call(method.clone(), &path.replace(['{', '}'], "")).send().await;
                    assert_eq!(answer.status, 405, "{method} {path} is served and not documented");
                }
            }
        }
    }
}
