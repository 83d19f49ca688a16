//! Examples of bodies, put together from the examples of their fields.

use serde_json::{Map, Value, json};

/// The components of the document, which bodies refer to.
pub(crate) struct Examples {
    schemas: Value,
    /// The examples in use, by the name of their schema.
    pub(crate) used: Map<String, Value>,
}

impl Examples {
    pub(crate) fn new(components: &Value) -> Self {
        Self { schemas: components["schemas"].clone(), used: Map::new() }
    }

    /// Gives a body an example. That of a named schema is a component, which every body of this schema refers to.
    pub(crate) fn add_to(&mut self, media: &mut Value) {
        if media.get("example").is_some() || !media["schema"].is_object() || media["schema"]["type"] == "string" {
            return;
        }
        let example = example(&media["schema"], &self.schemas);
        let Some(name) = media["schema"]["$ref"].as_str().map(last_part) else {
            media["example"] = example;
            return;
        };
        let reference = json!({ "$ref": format!("#/components/examples/{name}") });
        media["examples"] = json!({ name.as_str(): reference });
        self.used.entry(name).or_insert(json!({ "value": example }));
    }
}

/// The name of the component that a reference leads to.
fn last_part(reference: &str) -> String {
    reference.rsplit('/').next().unwrap_or_default().to_owned()
}

fn example(schema: &Value, schemas: &Value) -> Value {
    for given in [&schema["const"], &schema["example"], &schema["examples"][0], &schema["enum"][0], &schema["default"]]
    {
        if !given.is_null() {
            return given.clone();
        }
    }
    if let Some(reference) = schema["$ref"].as_str() {
        return example(&schemas[last_part(reference)], schemas);
    }
    for choices in [&schema["oneOf"], &schema["anyOf"]] {
        if let Some(choice) = choices.as_array().and_then(|all| all.iter().find(|one| one["type"] != "null")) {
            return example(choice, schemas);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let mut whole = Map::new();
        for part in parts {
            if let Value::Object(part) = example(part, schemas) {
                whole.extend(part);
            }
        }
        return Value::Object(whole);
    }
    if let Some(properties) = schema["properties"].as_object() {
        let members = properties.iter().filter(|(name, _)| {
            !["message", "refresh_cookie", "refresh_cookie_reason"].contains(&name.as_str())
                || schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == *name))
        });
        return Value::Object(members.map(|(name, schema)| (name.clone(), example(schema, schemas))).collect());
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default();
    match (kind, schema["format"].as_str().unwrap_or_default()) {
        ("array", _) => json!([example(&schema["items"], schemas)]),
        ("string", "uuid") => "01980a2b-7c3d-7e4f-8a5b-6c7d8e9f0a1b".into(),
        ("string", "date-time") => "2026-03-10T12:00:00.000000Z".into(),
        ("string", _) => "text".into(),
        ("integer" | "number", _) => 1.into(),
        ("boolean", _) => true.into(),
        ("object", _) => json!({}),
        _ => Value::Null,
    }
}
