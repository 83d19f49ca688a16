//! API Gateway sends every operation to its function, and nothing else can invoke the functions.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::{of_type, part, properties, with_http};

/// The function that serves a path locally.
fn local_function(path: &str) -> String {
    static ROUTER: LazyLock<matchit::Router<String>> = LazyLock::new(|| {
        let manifest = std::fs::read_to_string(local::workspace().join("Cargo.toml")).expect("it is committed");
        let manifest: toml::Table = manifest.parse().expect("the manifest is TOML");
        let routes = &manifest["workspace"]["metadata"]["lambda"]["watch"]["router"];
        let mut router = matchit::Router::new();
        for (path, function) in routes.as_table().expect("a table") {
            router.insert(path.clone(), function.as_str().expect("a name").to_owned()).expect("no contradictions");
        }
        router
    });
    ROUTER.at(path).expect("it has a local route").value.clone()
}

/// The path of every operation of `openapi.json`, and its method.
fn operations() -> Vec<(String, String)> {
    let document = std::fs::read_to_string(local::workspace().join("functions/docs/openapi.json"));
    let document: Value = serde_json::from_str(&document.expect("it is committed")).expect("it is JSON");
    let paths = document["paths"].as_object().expect("paths").iter();
    let methods = |(path, item): (&String, &Value)| {
        let path = path.clone();
        item.as_object().expect("methods").keys().map(move |method| (path.clone(), method.clone())).collect::<Vec<_>>()
    };
    paths.flat_map(methods).collect()
}

/// Whether a path matches the pattern of a route: `{name}` is one segment, `{proxy+}` any number of them, also none after a
/// slash.
fn fits(pattern: &str, path: &str) -> bool {
    if let Some(start) = pattern.strip_suffix("{proxy+}") {
        return path.starts_with(start);
    }
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len() && pattern.iter().zip(path).all(|(part, given)| *part == given || part.starts_with('{'))
}

/// The function that API Gateway sends a request to. A route with the exact method wins, then the most specific path.
/// Without a match, the request goes to `$default`.
fn deployed_function(method: &str, path: &str) -> String {
    const ANY: &str = "x-amazon-apigateway-any-method";
    let fitting = paths()
        .iter()
        .filter(|(pattern, item)| fits(pattern, path) && (item.get(method).is_some() || item.get(ANY).is_some()));
    let specific = |pattern: &str| (!pattern.ends_with("+}"), pattern.len());
    let route = fitting.max_by_key(|(pattern, item)| (item.get(method).is_some(), specific(pattern)));
    let item = route.map_or(&paths()["$default"], |(_, item)| item);
    function_of(item.get(method).unwrap_or(&item[ANY]))
}

/// The function that a route invokes.
fn function_of(route: &Value) -> String {
    let integration = &route["x-amazon-apigateway-integration"];
    assert_eq!(integration["payloadFormatVersion"], "2.0", "{route}");
    assert_eq!(integration["type"], "aws_proxy");
    let uri = integration["uri"]["Fn::Sub"].as_str().expect("a URI");
    let alias = uri.split("${").last().and_then(|rest| rest.split('}').next()).expect("an alias");
    with_http().find(|name| part(name, "FunctionAliaslive") == alias).expect("one of ours").to_owned()
}

fn paths() -> &'static serde_json::Map<String, Value> {
    properties("Api")["Body"]["paths"].as_object().expect("the API has routes")
}

#[test]
fn each_operation_reaches_its_function_with_any_method_and_a_trailing_slash() {
    for (path, method) in operations() {
        let path = path.replace("{id}", "0198").replace("{file}", "docs.js");
        let function = local_function(&path);
        for method in [method.as_str(), "head", "options", "trace"] {
            for path in [path.clone(), format!("{path}/")] {
                assert_eq!(deployed_function(method, &path), function, "{method} {path}");
                assert_eq!(local_function(&path), function, "{path} locally");
            }
        }
    }
    for path in ["/", "/nope", "/api", "/api/v2/tasks", "/healthy"] {
        assert_eq!(deployed_function("get", path), "health", "{path}: a path without a route gets 404 from health");
    }
    assert_eq!(paths()["$default"]["x-amazon-apigateway-any-method"]["isDefaultRoute"], true);
}

#[test]
fn every_route_serves_an_operation() {
    for pattern in paths().keys().filter(|pattern| *pattern != "$default") {
        let served = operations().iter().any(|(path, _)| fits(pattern, path) || fits(pattern, &format!("{path}/")));
        assert!(served, "no operation is served at {pattern}");
    }
}

#[test]
fn api_gateway_may_invoke_each_route_and_nothing_else() {
    let mut allowed = BTreeSet::new();
    for (name, permission) in of_type("AWS::Lambda::Permission") {
        assert_eq!(permission["Action"], "lambda:InvokeFunction", "{name}");
        assert_eq!(permission["Principal"], "apigateway.amazonaws.com", "{name}");
        let source = permission["SourceArn"]["Fn::Sub"].as_array().expect("a template and its values");
        assert_eq!(source[1]["__ApiId__"], json!({ "Ref": "Api" }), "{name}");
        let alias = permission["FunctionName"]["Ref"].as_str().expect("an alias").to_owned();
        assert!(alias.ends_with("FunctionAliaslive"), "{name} is for {alias}, which is no alias");
        let route = source[0].as_str().and_then(|arn| arn.split("${__Stage__}").last()).expect("a route").to_owned();
        allowed.insert((alias, route));
    }
    let routes = paths().iter().filter(|(path, _)| *path != "$default").flat_map(|(path, item)| {
        let path: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "*" } else { part }).collect();
        let path = path.join("/");
        let route = move |(method, route): (&String, &Value)| {
            let method = if method.starts_with("x-") { "*".to_owned() } else { method.to_uppercase() };
            (part(&function_of(route), "FunctionAliaslive"), format!("/{method}{path}"))
        };
        item.as_object().expect("methods").iter().map(route).collect::<Vec<_>>()
    });
    let unmatched = ("HealthFunctionAliaslive".to_owned(), "/*".to_owned());
    assert_eq!(allowed, routes.chain([unmatched]).collect());
}

#[test]
fn signing_in_and_up_have_lower_limits_than_the_rest() {
    let stage = properties("ApiApiGatewayDefaultStage");
    assert_eq!((&stage["StageName"], &stage["AutoDeploy"]), (&json!("$default"), &json!(true)));
    let rate = |settings: &Value| settings["ThrottlingRateLimit"].as_u64().expect("a rate");
    let burst = |settings: &Value| settings["ThrottlingBurstLimit"].as_u64().expect("a burst");
    let (all, routes) = (&stage["DefaultRouteSettings"], stage["RouteSettings"].as_object().expect("settings"));
    for (route, settings) in routes {
        assert!(rate(settings) < rate(all) && burst(settings) < burst(all), "{route}");
        let (method, path) = route.split_once(' ').expect("a method and a path");
        // A deploy fails if the route does not exist.
        assert!(paths()[path].get(method.to_lowercase()).is_some(), "there is no {route}");
    }
    for (path, method) in operations() {
        let hashes = method == "post" && ["/signup", "/signin", "/login"].iter().any(|end| path.ends_with(end));
        for route in
            [format!("{} {path}", method.to_uppercase()), format!("{} {path}/{{proxy+}}", method.to_uppercase())]
        {
            assert_eq!(hashes, routes.contains_key(&route), "{route}");
        }
    }
}

#[test]
fn access_logs_are_json_without_paths_headers_and_bodies() {
    let settings = &properties("ApiApiGatewayDefaultStage")["AccessLogSettings"];
    assert_eq!(settings["DestinationArn"], json!({ "Fn::GetAtt": ["AccessLogs", "Arn"] }));
    let format = settings["Format"]["Fn::Sub"].as_str().expect("a format");
    let line: Value = serde_json::from_str(format).expect("it is JSON");
    for field in ["stack", "request_id", "route", "status", "total_ms", "integration_ms", "integration_status"] {
        assert!(line[field].is_string(), "{field} is missing");
    }
    for secret in ["$context.path", "$context.authorizer", "header", "body", "querystring"] {
        assert!(!format.contains(secret), "{secret} may contain secrets or personal data");
    }
}

#[test]
fn api_gateway_leaves_cors_to_the_functions() {
    let body = properties("Api")["Body"].as_object().expect("a document");
    assert!(!body.contains_key("x-amazon-apigateway-cors"), "its rules would apply to every path");
}
