//! `openapi.json`

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{CONTRACTS, operations};

/// The whole document, from the code.
fn document() -> Value {
    crate::document(&CONTRACTS)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "`cargo xtask openapi` says that the file is to be written")]
fn openapi_json_equals_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let text = serde_json::to_string_pretty(&document()).expect("the document is JSON") + "\n";
    if std::env::var_os("UPDATE_CONTRACTS").is_some() {
        fs::write(&path, &text).expect("openapi.json can be written");
        return;
    }
    let committed = fs::read_to_string(&path).expect("openapi.json is committed");
    assert!(
        committed == text,
        "openapi.json is not what the code says; run `cargo xtask openapi` and look at the difference"
    );
}

#[test]
fn the_document_is_openapi_3_1() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
}

#[test]
fn every_operation_has_an_id_of_its_own_a_tag_and_a_summary() {
    let mut ids = HashSet::new();
    for (path, method, operation) in operations(&document()) {
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no id"));
        assert!(ids.insert(id.to_owned()), "{id} stands twice");
        assert!(operation["tags"][0].is_string(), "{id} has no tag");
        assert!(operation["summary"].is_string(), "{id} has no summary");
    }
    assert!(ids.len() > 25, "{}", ids.len());
}

#[test]
fn every_response_has_its_headers_and_every_problem_its_examples() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let name = format!("{method} {path}");
        let responses = operation["responses"].as_object().expect("an operation has responses");
        let mut expected = vec!["500"];
        // Signing out refuses neither a token nor a body.
        let lenient = operation["security"].as_array().is_some_and(|ways| ways.len() > 1);
        assert_eq!(lenient, path.ends_with("/signout") || path.ends_with("/logout"));
        if operation.get("requestBody").is_some() && !lenient {
            expected.extend(["400", "413", "415", "422"]);
        }
        if operation.get("security").is_some() && !lenient {
            expected.extend(["401", "503"]);
        }
        assert!(
            !lenient || ["400", "401", "415", "422"].iter().all(|status| !responses.contains_key(*status)),
            "{name}"
        );
        for status in expected {
            assert!(responses.contains_key(status), "{name} does not document {status}");
        }
        for (status, response) in responses {
            assert!(response["headers"]["X-Request-Id"].is_object(), "{name} {status}");
            if status.as_str() < "400" {
                assert!(status == "204" || response["content"].is_object(), "{name} {status} has no content");
                continue;
            }
            let problem = &response["content"]["application/problem+json"];
            assert_eq!(problem["schema"]["$ref"], "#/components/schemas/Problem", "{name} {status}");
            let examples = problem["examples"].as_object().unwrap_or_else(|| panic!("{name} {status} has no example"));
            for (code, example) in examples {
                let example = document.pointer(example["$ref"].as_str().expect("a reference").trim_start_matches('#'));
                let example = example.expect("the example exists");
                assert_eq!(&example["value"]["code"], code);
                assert_eq!(example["value"]["status"].to_string(), *status);
            }
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, document: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    let pointer = reference.trim_start_matches('#');
                    assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
                }
                map.values().for_each(|value| walk(value, document));
            }
            Value::Array(list) => list.iter().for_each(|value| walk(value, document)),
            _ => {}
        }
    }
    let document = document();
    walk(&document, &document);
}

#[test]
fn every_field_of_every_body_is_explained() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().expect("there are schemas") {
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let explained =
                property["description"].is_string() || property["oneOf"].is_array() || property["$ref"].is_string();
            assert!(explained, "{name}.{field} is not explained: {property}");
        }
    }
}
