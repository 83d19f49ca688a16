//! The document as it is published, from what the code says of each operation: what operations share stands once, each
//! body has an example, and operations that new clients do not use stand last.

use std::collections::{BTreeMap, BTreeSet};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};
use shared::error::Code;
use utoipa::openapi::OpenApi;

/// A JSON object whose members keep their order.
pub(crate) struct OrderedObject(Vec<(String, Value)>);

impl Serialize for OrderedObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The published document.
#[derive(serde::Serialize)]
pub(crate) struct Document {
    openapi: Value,
    info: Value,
    servers: Value,
    tags: Value,
    paths: OrderedObject,
    components: Value,
}

/// The headers that answers carry: the name of the component, of the header, and what it says.
const HEADERS: [(&str, &str, &str); 11] = [
    (
        "RequestId",
        "X-Request-Id",
        "Names this request: the id that the request gave, else ours. Quote it when something is wrong.",
    ),
    ("CacheControl", "Cache-Control", "`no-store` for everything personal; how long to keep it for the rest."),
    ("ServerTiming", "Server-Timing", "Milliseconds spent in the database (`db`) and elsewhere (`app`)."),
    (
        "Traceparent",
        "Traceparent",
        "The trace of the request's `traceparent`, with a span of our own (W3C Trace Context).",
    ),
    ("PreferenceApplied", "Preference-Applied", "`handling=strict` if the request preferred that (RFC 7240)."),
    ("Deprecation", "Deprecation", "Since when new clients do not use this operation (RFC 9745)."),
    ("Location", "Location", "Where the new thing is."),
    ("WwwAuthenticate", "WWW-Authenticate", "`Bearer`, with an error code if a token was sent."),
    ("RetryAfter", "Retry-After", "Seconds to wait before trying again."),
    ("RateLimit", "RateLimit", "What refused, what is left of it (`r`), and when there is more (`t`, in seconds)."),
    ("RateLimitPolicy", "RateLimit-Policy", "How much is allowed (`q`) in how many seconds (`w`)."),
];

/// The words that the old health checks have in place of the number.
const HEALTH_WORDS: [&str; 3] = ["authentication system error", "configuration invalid", "database error"];

pub(crate) fn finish(document: &OpenApi) -> Document {
    let mut all = serde_json::to_value(document).expect("the document is JSON");
    let mut components = all["components"].take();
    finish_schemas(&mut components);
    let mut paths = match all["paths"].take() {
        Value::Object(paths) => paths,
        other => panic!("paths are {other}"),
    };
    let mut used = BTreeMap::new();
    for (path, item) in &mut paths {
        for operation in item.as_object_mut().expect("a path has methods").values_mut() {
            finish_operation(path, operation, &components, &mut used);
        }
    }
    components["headers"] = HEADERS.iter().map(|(name, _, text)| (*name, header(text))).collect();
    components["responses"] = used.iter().map(|(name, codes)| (name.clone(), problem(name, codes))).collect();
    // Those of health checks have another shape.
    let shown = used.iter().filter(|(name, _)| name.starts_with("Problem"));
    let examples: BTreeSet<&str> = shown.flat_map(|(_, codes)| codes).map(|code| code.as_str()).collect();
    let all_examples = components["examples"].as_object_mut().expect("there are examples");
    all_examples.retain(|name, _| examples.contains(name.as_str()));
    let is_last =
        |item: &Value| item.as_object().is_some_and(|item| item.values().all(|one| one["deprecated"] == true));
    let (last, first): (Vec<_>, Vec<_>) = paths.into_iter().partition(|(_, item)| is_last(item));
    Document {
        openapi: all["openapi"].take(),
        info: all["info"].take(),
        servers: all["servers"].take(),
        tags: all["tags"].take(),
        paths: OrderedObject(first.into_iter().chain(last).collect()),
        components,
    }
}

fn header(text: &str) -> Value {
    json!({ "description": text, "schema": { "type": "string" } })
}

/// Constants, the names of problems, times where they stand, and the problem of the health checks.
fn finish_schemas(components: &mut Value) {
    let schemas = components["schemas"].as_object_mut().expect("there are schemas");
    let time = schemas.remove("Time");
    for schema in schemas.values_mut() {
        inline(schema, "#/components/schemas/Time", time.as_ref());
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { continue };
        for property in properties.values_mut() {
            let always = property["description"].as_str().is_some_and(|text| text.starts_with("Always "));
            let example = property.get("example").or_else(|| property["examples"].get(0)).cloned();
            if let Some(value) = example.filter(|_| always) {
                property["const"] = value;
            }
        }
    }
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    schemas["Problem"]["properties"]["code"]["enum"] = json!(codes);
    let mut health = schemas["Problem"].clone();
    let words = json!({ "type": "string", "description": "What is wrong, as the old health checks say it.", "enum": HEALTH_WORDS });
    health["properties"]["status"] = words;
    health["description"] = "A problem of a health check: `status` is a word, which existing monitors read.".into();
    schemas.insert("HealthProblem".to_owned(), health);
}

/// Puts a schema in place of each reference to it.
fn inline(value: &mut Value, reference: &str, schema: Option<&Value>) {
    match value {
        Value::Object(map) if map.get("$ref").is_some_and(|found| found == reference) => {
            let mut inlined = schema.and_then(Value::as_object).expect("the schema exists").clone();
            inlined.extend(
                map.iter().filter(|(name, _)| *name != "$ref").map(|(name, value)| (name.clone(), value.clone())),
            );
            *map = inlined;
        }
        Value::Object(map) => map.values_mut().for_each(|value| inline(value, reference, schema)),
        Value::Array(list) => list.iter_mut().for_each(|value| inline(value, reference, schema)),
        _ => {}
    }
    // A time or nothing is one type with null.
    let Some(choices) = value["oneOf"].as_array() else { return };
    if let [null, time] = choices.as_slice()
        && null["type"] == "null"
        && time["format"] == "date-time"
    {
        let mut time = time.clone();
        time["type"] = json!(["string", "null"]);
        time["description"] = value["description"].clone();
        *value = time;
    }
}

fn finish_operation(
    path: &str,
    operation: &mut Value,
    components: &Value,
    used: &mut BTreeMap<String, BTreeSet<Code>>,
) {
    let has_token = operation.get("security").is_some();
    if !has_token {
        operation["security"] = json!([]);
    }
    let deprecated = operation["deprecated"] == true;
    if let Some(content) = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut) {
        content.values_mut().for_each(|media| add_example(media, components));
    }
    let responses = operation["responses"].as_object_mut().expect("an operation has responses");
    for (status, response) in responses.iter_mut() {
        if status.as_str() >= "400" {
            let names = response["description"].as_str().unwrap_or_default().split(',').map(str::trim);
            let find = |name| Code::ALL.iter().find(|code| code.as_str() == name).copied();
            let codes: Vec<Code> = names
                .map(|name| find(name).unwrap_or_else(|| panic!("a response names an unknown problem: {name}")))
                .collect();
            let kind = if path.starts_with("/health/") && status == "503" { "HealthProblem" } else { "Problem" };
            let name = format!("{kind}{status}");
            let text: Vec<String> =
                codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.explanation())).collect();
            *response = json!({ "$ref": format!("#/components/responses/{name}"), "description": text.join(" ") });
            used.entry(name).or_default().extend(codes);
            continue;
        }
        let mut names = vec!["RequestId", "CacheControl", "Traceparent", "PreferenceApplied"];
        names.extend(has_token.then_some("ServerTiming"));
        names.extend(deprecated.then_some("Deprecation"));
        names.extend((status == "201" && response["headers"].get("Location").is_some()).then_some("Location"));
        response["headers"] = references(&names);
        if let Some(content) = response.get_mut("content").and_then(Value::as_object_mut) {
            content.values_mut().for_each(|media| add_example(media, components));
        }
    }
}

fn references(names: &[&str]) -> Value {
    let reference = |name: &&str| {
        let header = HEADERS.iter().find(|(component, ..)| component == name).expect("it is listed").1;
        (header.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))
    };
    Value::Object(names.iter().map(reference).collect())
}

/// A response that stands for problems of one status.
fn problem(name: &str, codes: &BTreeSet<Code>) -> Value {
    let (schema, status) = name.split_at(name.len() - 3);
    let mut headers = vec!["RequestId", "CacheControl", "Traceparent", "PreferenceApplied"];
    headers.extend(match status {
        "401" => ["WwwAuthenticate"].as_slice(),
        "429" => &["RetryAfter", "RateLimit", "RateLimitPolicy"],
        "503" => &["RetryAfter"],
        _ => &[],
    });
    let mut media = json!({ "schema": { "$ref": format!("#/components/schemas/{schema}") } });
    if schema == "Problem" {
        let example = |code: &Code| {
            (code.as_str().to_owned(), json!({ "$ref": format!("#/components/examples/{}", code.as_str()) }))
        };
        media["examples"] = Value::Object(codes.iter().map(example).collect());
    }
    json!({
        "description": format!("A problem of status {status}; `code` says which."),
        "headers": references(&headers),
        "content": { "application/problem+json": media },
    })
}

/// An example made of those of the schema's parts.
fn add_example(media: &mut Value, components: &Value) {
    if media.get("example").is_none() && media["schema"].is_object() && media["schema"]["type"] != "string" {
        let example = example(&media["schema"], components);
        media["example"] = example;
    }
}

fn example(schema: &Value, components: &Value) -> Value {
    for given in [&schema["const"], &schema["example"], &schema["examples"][0], &schema["enum"][0], &schema["default"]]
    {
        if !given.is_null() {
            return given.clone();
        }
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return example(&components["schemas"][name], components);
    }
    for choices in [&schema["oneOf"], &schema["anyOf"]] {
        if let Some(choice) = choices.as_array().and_then(|all| all.iter().find(|one| one["type"] != "null")) {
            return example(choice, components);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let mut whole = Map::new();
        for part in parts {
            if let Value::Object(part) = example(part, components) {
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
        return Value::Object(members.map(|(name, schema)| (name.clone(), example(schema, components))).collect());
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default();
    match (kind, schema["format"].as_str().unwrap_or_default()) {
        ("array", _) => json!([example(&schema["items"], components)]),
        ("string", "uuid") => "01980a2b-7c3d-7e4f-8a5b-6c7d8e9f0a1b".into(),
        ("string", "date-time") => "2026-03-10T12:00:00.000000Z".into(),
        ("string", _) => "text".into(),
        ("integer" | "number", _) => 1.into(),
        ("boolean", _) => true.into(),
        ("object", _) => json!({}),
        _ => Value::Null,
    }
}
