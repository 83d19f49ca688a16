//! `openapi.json`

use std::collections::HashSet;
use std::fs;

use serde_json::{Value, json};

use crate::{CONTRACTS, operations};

/// The document of all functions, made from the code.
fn document() -> Value {
    crate::document(&CONTRACTS)
}

#[test]
fn openapi_json_equals_the_code() {
    let path = local::workspace().join("functions/docs/openapi.json");
    let text = crate::print::text(&document());
    if crate::may_write() {
        fs::write(&path, &text).expect("openapi.json can be written");
        return;
    }
    let committed = fs::read_to_string(&path).expect("openapi.json is committed");
    assert!(
        committed == text,
        "openapi.json differs from the code; run `cargo xtask openapi` and look at the difference"
    );
}

#[test]
fn the_document_is_openapi_3_1() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
}

#[test]
fn every_operation_and_parameter_is_described() {
    let document = document();
    let tags: Vec<&Value> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut ids = HashSet::new();
    for (path, method, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no id"));
        assert!(ids.insert(id.to_owned()), "two operations have the id {id}");
        assert!(tags.contains(&&operation["tags"][0]), "{id} has no tag, or one that the document does not list");
        for text in ["summary", "description"] {
            assert!(operation[text].as_str().is_some_and(|text| !text.is_empty()), "{id} has no {text}");
        }
        assert!(operation["security"].is_array(), "{id} does not say who may call it");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let shared = parameter["$ref"].as_str().and_then(|path| document.pointer(path.trim_start_matches('#')));
            assert!(shared.unwrap_or(parameter)["description"].is_string(), "{id}: {parameter}");
        }
    }
    assert!(ids.len() > 25, "{}", ids.len());
}

#[test]
fn deprecated_operations_come_last() {
    let text = crate::print::text(&document());
    let place = |path: &str| text.find(&format!("\"{path}\": {{")).unwrap_or_else(|| panic!("{path} is missing"));
    let last_current = place("/health/db").max(place("/api/v1/users/{id}/unban"));
    for path in ["/api/tasks", "/api/tasks/{id}", "/api/auth/login", "/api/v1/auth/login", "/api/v1/auth/logout"] {
        assert!(place(path) > last_current, "{path}");
    }
    for (path, method, operation) in operations(&document()) {
        let old = path.starts_with("/api/tasks") || path.starts_with("/api/auth/");
        let alias = ["/api/v1/auth/login", "/api/v1/auth/logout"].contains(&path.as_str());
        assert_eq!(operation["deprecated"] == true, old || alias, "{method} {path}");
    }
}

#[test]
fn every_response_has_its_headers_and_every_body_an_example() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let name = format!("{method} {path}");
        let responses = operation["responses"].as_object().expect("an operation has responses");
        let mut expected = vec!["500"];
        // Signing out accepts any token and any body.
        let lenient = path.ends_with("/signout") || path.ends_with("/logout");
        let has_body = operation.get("requestBody").is_some();
        let private = operation["security"] == json!([{ "bearer": [] }]);
        if !lenient {
            expected.extend(["400", "422"]);
        }
        if has_body && !lenient {
            expected.extend(["413", "415"]);
        }
        if private {
            expected.extend(["401", "503"]);
        }
        let refusals = ["400", "401", "415", "422"];
        assert!(!lenient || refusals.iter().all(|status| !responses.contains_key(*status)), "{name}");
        for status in expected {
            assert!(responses.contains_key(status), "{name} does not document {status}");
        }
        for media in operation["requestBody"]["content"].as_object().into_iter().flat_map(|content| content.values()) {
            assert!(has_example(media), "{name}: its body has no example");
        }
        for (status, response) in responses {
            if status.as_str() >= "400" {
                let response =
                    &document.pointer(response["$ref"].as_str().expect("a reference").trim_start_matches('#'));
                let response = response.unwrap_or_else(|| panic!("{name} {status} has no target"));
                assert!(response["description"].as_str().is_some_and(|text| text.starts_with('`')), "{name} {status}");
                let examples = response["content"]["application/problem+json"]["examples"].as_object();
                for code in examples.into_iter().flat_map(|examples| examples.keys()) {
                    let value = &document["components"]["examples"][code]["value"];
                    assert_eq!((&value["code"], value["status"].to_string()), (&json!(code), status.clone()), "{name}");
                }
                continue;
            }
            assert!(response["headers"]["X-Request-Id"].is_object(), "{name} {status}");
            let is_deprecated = operation["deprecated"] == true;
            assert_eq!(response["headers"].get("Deprecation").is_some(), is_deprecated, "{name} {status}");
            assert!(status == "204" || response["content"].is_object(), "{name} {status} has no content");
            if let Some(media) = response["content"].get("application/json") {
                assert!(has_example(media), "{name} {status} has no example");
            }
        }
    }
}

fn has_example(media: &Value) -> bool {
    media["example"].is_object() || media["examples"].is_object()
}

#[test]
fn fields_with_few_values_list_them() {
    let document = document();
    let property = |schema: &str, name: &str| document["components"]["schemas"][schema]["properties"][name].clone();
    assert_eq!(property("Problem", "code")["enum"].as_array().unwrap().len(), shared::error::Code::ALL.len());
    assert_eq!(property("Problem", "status")["type"], "integer");
    assert_eq!(property("HealthProblem", "status")["type"], "string");
    assert_eq!(
        (&property("Problem", "success")["const"], &property("TaskBody", "success")["const"]),
        (&Value::from(false), &Value::from(true))
    );
    assert_eq!(property("Event", "kind")["enum"][0], "signed_up");
    assert_eq!(property("Task", "created_at")["format"], "date-time");
    let patch = &document["paths"]["/api/v1/tasks/{id}"]["patch"]["requestBody"]["content"];
    assert_eq!(patch.as_object().unwrap().len(), 1, "generators want one media type");
}

#[test]
fn every_reference_has_a_target() {
    fn walk(value: &Value, document: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    let pointer = reference.trim_start_matches('#');
                    assert!(document.pointer(pointer).is_some(), "{reference} has no target");
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
fn every_field_has_a_description() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().expect("there are schemas") {
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let is_described =
                property["description"].is_string() || property["oneOf"].is_array() || property["$ref"].is_string();
            assert!(is_described, "{name}.{field} has no description: {property}");
        }
    }
}
