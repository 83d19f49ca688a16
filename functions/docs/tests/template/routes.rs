//! Every operation reaches its function, and nothing else reaches any.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::{Value, json};
use shared::config::Function;
use testkit::Api;

use crate::{HTTP, of_type, part, properties};

/// The path of `openapi.json` and its method, with the function that serves it locally.
fn operations() -> BTreeMap<(String, String), String> {
    let read = |path: &str| std::fs::read_to_string(local::workspace().join(path)).expect("it is committed");
    let manifest: toml::Table = read("Cargo.toml").parse().expect("the manifest is TOML");
    let mut router = matchit::Router::new();
    for (path, function) in manifest["workspace"]["metadata"]["lambda"]["watch"]["router"].as_table().expect("a table")
    {
        router.insert(path.clone(), function.as_str().expect("a name").to_owned()).expect("no contradictions");
    }
    let document: Value = serde_json::from_str(&read("functions/docs/openapi.json")).expect("it is JSON");
    let mut operations = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let function = router.at(&path.replace(['{', '}'], "")).expect("it has a local route").value;
        for method in item.as_object().expect("methods").keys() {
            operations.insert((path.clone(), method.clone()), function.clone());
        }
    }
    operations
}

fn paths() -> &'static serde_json::Map<String, Value> {
    properties("Api")["Body"]["paths"].as_object().expect("the API has routes")
}

#[test]
fn each_operation_is_routed_to_its_function_and_no_other_route_exists() {
    let mut routes = BTreeMap::new();
    for (path, item) in paths() {
        for (method, route) in item.as_object().expect("methods") {
            let integration = &route["x-amazon-apigateway-integration"];
            assert_eq!(integration["payloadFormatVersion"], "2.0", "{method} {path}");
            assert_eq!(integration["type"], "aws_proxy");
            let uri = integration["uri"]["Fn::Sub"].as_str().expect("a URI");
            let alias = uri.split("${").last().and_then(|rest| rest.split('}').next()).expect("an alias");
            let function = HTTP.iter().find(|name| part(name, "FunctionAliaslive") == alias).expect("one of ours");
            routes.insert((path.clone(), method.clone()), (*function).to_owned());
        }
    }
    let unmatched = ("$default".to_owned(), "x-amazon-apigateway-any-method".to_owned());
    assert_eq!(routes.remove(&unmatched).as_deref(), Some("health"), "what fits no route gets our 404");
    assert_eq!(paths()["$default"]["x-amazon-apigateway-any-method"]["isDefaultRoute"], true);
    assert_eq!(routes, operations());
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
    let expected = operations().into_iter().map(|((path, method), function)| {
        let path: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "*" } else { part }).collect();
        (part(&function, "FunctionAliaslive"), format!("/{}{}", method.to_uppercase(), path.join("/")))
    });
    let unmatched = ("HealthFunctionAliaslive".to_owned(), "/*".to_owned());
    assert_eq!(allowed, expected.chain([unmatched]).collect());
}

#[test]
fn signing_in_and_up_is_throttled_harder_than_the_rest() {
    let stage = properties("ApiApiGatewayDefaultStage");
    assert_eq!((&stage["StageName"], &stage["AutoDeploy"]), (&json!("$default"), &json!(true)));
    let rate = |settings: &Value| settings["ThrottlingRateLimit"].as_u64().expect("a rate");
    let burst = |settings: &Value| settings["ThrottlingBurstLimit"].as_u64().expect("a burst");
    let (all, routes) = (&stage["DefaultRouteSettings"], stage["RouteSettings"].as_object().expect("settings"));
    for (route, settings) in routes {
        assert!(rate(settings) < rate(all) && burst(settings) < burst(all), "{route}");
        let (method, path) = route.split_once(' ').expect("a method and a path");
        // A deploy fails over a route that does not exist.
        assert!(operations().contains_key(&(path.to_owned(), method.to_lowercase())), "there is no {route}");
    }
    for ((path, method), _) in operations() {
        let hashes = method == "post" && ["/signup", "/signin", "/login"].iter().any(|end| path.ends_with(end));
        let route = format!("{} {path}", method.to_uppercase());
        assert_eq!(hashes, routes.contains_key(&route), "{route}");
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
        assert!(!format.contains(secret), "{secret} may hold what nobody is to read");
    }
}

#[tokio::test]
async fn api_gateway_and_the_functions_agree_about_cors() {
    let cors = &properties("Api")["Body"]["x-amazon-apigateway-cors"];
    assert_eq!(cors["allowOrigins"], json!({ "Ref": "AllowedOrigins" }));
    let api = Api::start(Function::Health, health::routes).await;
    let origin = "http://localhost:3000";
    let preflight = api.call(Method::OPTIONS, "/health").header("origin", origin);
    let preflight = preflight.header("access-control-request-method", "GET").send().await;
    let answer = api.call(Method::GET, "/health").header("origin", origin).send().await;
    let list = |value: &Value| {
        let names = value.as_array().expect("a list").iter().filter_map(Value::as_str);
        names.map(str::to_lowercase).collect::<BTreeSet<_>>()
    };
    let split = |text: &str| text.split(',').map(|name| name.trim().to_lowercase()).collect::<BTreeSet<_>>();
    assert_eq!(list(&cors["allowMethods"]), split(preflight.header("access-control-allow-methods")));
    assert_eq!(list(&cors["allowHeaders"]), split(preflight.header("access-control-allow-headers")));
    assert_eq!(list(&cors["exposeHeaders"]), split(answer.header("access-control-expose-headers")));
    assert_eq!(cors["maxAge"].to_string(), preflight.header("access-control-max-age"));
    assert_eq!(cors["allowCredentials"].to_string(), preflight.header("access-control-allow-credentials"));
}
