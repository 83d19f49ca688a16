//! The router of `cargo lambda watch`, in the workspace's `Cargo.toml`.

use std::collections::BTreeMap;

use functions::Function;

use crate::{CONTRACTS, document, operations};

fn local_router() -> BTreeMap<String, String> {
    let path = local::workspace().join("Cargo.toml");
    let text = std::fs::read_to_string(path).expect("the workspace has a manifest");
    let manifest: toml::Table = text.parse().expect("the manifest is TOML");
    let router = &manifest["workspace"]["metadata"]["lambda"]["watch"]["router"];
    let routes = router.as_table().expect("the router is a table").iter();
    routes.map(|(path, function)| (path.clone(), function.as_str().expect("a function's name").to_owned())).collect()
}

#[test]
fn the_local_router_sends_every_operation_to_its_function() {
    let mut router = matchit::Router::new();
    for (path, function) in local_router() {
        router.insert(path, function).expect("the routes do not contradict each other");
    }
    for contract in CONTRACTS {
        let name = contract.function.as_str();
        for (path, method, _) in operations(&document(&[contract])) {
            let example = path.replace("{id}", "1").replace("{file}", "x");
            let found = router.at(&example).unwrap_or_else(|_| panic!("{method} {path} has no route"));
            assert_eq!(found.value, name, "{method} {path}");
            let slash = router.at(&format!("{}/", example.trim_end_matches('/'))).map(|found| found.value.as_str());
            assert_eq!(slash, Ok(name), "{method} {path} with a slash at its end");
        }
    }
    assert_eq!(router.at("/anything/else").unwrap().value, "health", "unknown paths get the common 404");
}

#[test]
fn every_function_with_http_has_a_contract() {
    for function in Function::ALL.into_iter().filter(|function| function.has_http()) {
        assert!(CONTRACTS.iter().any(|contract| contract.function == function), "add {function:?} to CONTRACTS");
    }
}
