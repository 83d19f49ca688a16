//! Builds the published document from the code's document: problems, headers, parameters and examples that operations
//! share become components, and each body gets an example.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use shared::error::Code;
use shared::http::openapi::TOKEN_PROBLEMS;
use utoipa::openapi::OpenApi;

use crate::example::Examples;

/// The headers of answers: the name of the component, the name of the header, and its description.
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

/// What health checks have as `status` in place of the number.
const HEALTH_WORDS: [&str; 3] = ["authentication system error", "configuration invalid", "database error"];

pub(crate) fn finish(document: &OpenApi) -> Value {
    let mut all = serde_json::to_value(document).expect("the document is JSON");
    let mut components = all["components"].take();
    finish_schemas(&mut components);
    let mut shared =
        SharedComponents { responses: Map::new(), codes: BTreeSet::new(), examples: Examples::new(&components) };
    let paths = all["paths"].as_object_mut().expect("a document has paths");
    for (path, item) in paths.iter_mut() {
        for operation in item.as_object_mut().expect("a path has methods").values_mut() {
            finish_operation(path, operation, &mut shared);
        }
    }
    components["parameters"] = Value::Object(share_parameters(paths));
    components["headers"] = HEADERS.iter().map(|(name, _, text)| (*name, header(text))).collect();
    components["responses"] = Value::Object(shared.responses);
    let examples = components["examples"].as_object_mut().expect("there are examples");
    examples.retain(|name, _| shared.codes.iter().any(|code| code.as_str() == name));
    examples.extend(shared.examples.used);
    all["components"] = components;
    all
}

/// The components that operations share.
struct SharedComponents {
    responses: Map<String, Value>,
    /// The problems that some response has as an example.
    codes: BTreeSet<Code>,
    examples: Examples,
}

fn header(text: &str) -> Value {
    json!({ "description": text, "schema": { "type": "string" } })
}

/// Adds constants, the names of problems and the problem of the health checks, and replaces references to times.
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

/// Replaces each reference to a schema by the schema.
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
    // An optional time is one schema with two types.
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

fn finish_operation(path: &str, operation: &mut Value, shared: &mut SharedComponents) {
    let id = operation["operationId"].as_str().expect("an operation has an id").to_owned();
    let has_token = operation.get("security").is_some();
    if !has_token {
        operation["security"] = json!([]);
    }
    let deprecated = operation["deprecated"] == true;
    if let Some(content) = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut) {
        content.values_mut().for_each(|media| shared.examples.add_to(media));
    }
    let responses = operation["responses"].as_object_mut().expect("an operation has responses");
    for (status, response) in responses.iter_mut() {
        if status.as_str() >= "400" {
            let schema = if path.starts_with("/health/") && status == "503" { "HealthProblem" } else { "Problem" };
            *response = refer_to_problem(schema, status, &id, response, shared);
            continue;
        }
        let mut names = vec!["RequestId", "CacheControl", "Traceparent", "PreferenceApplied"];
        names.extend(has_token.then_some("ServerTiming"));
        names.extend(deprecated.then_some("Deprecation"));
        names.extend((status == "201" && response["headers"].get("Location").is_some()).then_some("Location"));
        response["headers"] = references(&names);
        if let Some(content) = response.get_mut("content").and_then(Value::as_object_mut) {
            content.values_mut().for_each(|media| shared.examples.add_to(media));
        }
    }
}

/// Adds a response component for the problems that a description lists, and returns a reference to it.
fn refer_to_problem(
    schema: &str,
    status: &str,
    operation: &str,
    response: &Value,
    shared: &mut SharedComponents,
) -> Value {
    let listed = response["description"].as_str().unwrap_or_default().split(',').map(str::trim);
    let find = |name| Code::ALL.iter().find(|code| code.as_str() == name).copied();
    let codes: Vec<Code> = listed
        .map(|name| find(name).unwrap_or_else(|| panic!("{operation} names an unknown problem: {name}")))
        .collect();
    let name = match schema {
        "HealthProblem" => format!("Health{}", problem_name(&codes, status, operation)),
        _ => problem_name(&codes, status, operation),
    };
    let made = problem(schema, status, &codes);
    let first = shared.responses.entry(name.clone()).or_insert_with(|| made.clone());
    assert_eq!(*first, made, "two responses are called {name}");
    // Problems of health checks have another shape than the examples.
    shared.codes.extend(codes.into_iter().filter(|_| schema == "Problem"));
    json!({ "$ref": format!("#/components/responses/{name}") })
}

/// What a response is called: after its problems, or after the operation if it has many that no other operation has.
fn problem_name(codes: &[Code], status: &str, operation: &str) -> String {
    let is_refusal = |code: &Code| TOKEN_PROBLEMS.contains(code);
    let refuses_tokens = codes.iter().filter(|code| is_refusal(code)).count() == TOKEN_PROBLEMS.len();
    let own = codes.iter().filter(|code| !(refuses_tokens && is_refusal(code)));
    let mut names: Vec<String> = own.map(|code| pascal_case(code.as_str())).collect();
    names.extend(refuses_tokens.then(|| "Unauthenticated".to_owned()));
    if names.len() > 3 {
        return pascal_case(operation.trim_end_matches("_unversioned")) + status;
    }
    names.join("Or")
}

/// `task_not_found` as `TaskNotFound`.
fn pascal_case(name: &str) -> String {
    name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

fn references(names: &[&str]) -> Value {
    let reference = |name: &&str| {
        let header = HEADERS.iter().find(|(component, ..)| component == name).expect("it is listed").1;
        (header.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))
    };
    Value::Object(names.iter().map(reference).collect())
}

/// A response with one of several problems of the same status.
fn problem(schema: &str, status: &str, codes: &[Code]) -> Value {
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
    let text: Vec<String> = codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.explanation())).collect();
    json!({
        "description": text.join(" "),
        "headers": references(&headers),
        "content": { "application/problem+json": media },
    })
}

/// Makes components of the parameters that several operations have, and returns them.
fn share_parameters(paths: &mut Map<String, Value>) -> Map<String, Value> {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    let mut shared = Map::new();
    for parameter in parameters(paths) {
        *uses.entry(parameter.to_string()).or_default() += 1;
    }
    for parameter in parameters(paths).filter(|parameter| uses[&parameter.to_string()] > 1) {
        let name = pascal_case(parameter["name"].as_str().expect("a parameter has a name"));
        let reference = json!({ "$ref": format!("#/components/parameters/{name}") });
        let first = shared.entry(name.as_str()).or_insert_with(|| parameter.clone());
        assert_eq!(first, parameter, "two parameters are called {name}");
        *parameter = reference;
    }
    shared
}

/// The parameters of all operations.
fn parameters(paths: &mut Map<String, Value>) -> impl Iterator<Item = &mut Value> {
    let operations = paths.values_mut().flat_map(|item| item.as_object_mut().expect("a path has methods").values_mut());
    operations.filter_map(|operation| operation.get_mut("parameters")?.as_array_mut()).flatten()
}
