//! The log lines that the real binary writes for requests: with metrics in a stack, without them elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Lambda, TRACE, TestDatabase, built, http_event, settings};

const TIME: Duration = Duration::from_secs(20);

async fn start_function(change: impl FnOnce(&mut BTreeMap<String, String>)) -> (Lambda, TestDatabase) {
    let database = TestDatabase::new().await;
    let mut settings = settings();
    settings.insert("DATABASE_URL".to_owned(), database.url());
    settings.insert("LOG_LEVEL".to_owned(), "info".to_owned());
    change(&mut settings);
    (Lambda::start(&built("auth"), "3", &settings).await, database)
}

/// The answer to a request.
async fn call(function: &mut Lambda, method: &str, path: &str, body: Value) -> Value {
    let event = http_event(method, path, None, Some(&body));
    function.invoke(event, TIME).await.expect("it lives").expect("it answers")
}

fn lines(function: &Lambda) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
    function.log().lines().map(parse).collect()
}

/// The metrics that a line declares, with their dimensions.
fn declared_metrics(line: &Value) -> (BTreeSet<&str>, Value) {
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(directive["Namespace"], "TodoBackend");
    assert!(line["_aws"]["Timestamp"].as_u64().is_some_and(|time| time > 1_700_000_000_000));
    let metrics = directive["Metrics"].as_array().expect("metrics");
    for dimension in directive["Dimensions"][0].as_array().expect("dimensions") {
        assert!(line[dimension.as_str().expect("a name")].is_string(), "{line}");
    }
    for metric in metrics {
        assert!(line[metric["Name"].as_str().expect("a name")].is_number(), "{line}");
    }
    (metrics.iter().filter_map(|metric| metric["Name"].as_str()).collect(), directive["Dimensions"].clone())
}

#[tokio::test]
async fn in_a_stack_each_request_is_one_line_with_its_metrics() {
    let (mut auth, _database) = start_function(|settings| {
        settings.insert("STACK_NAME".to_owned(), "todo-test".to_owned());
    })
    .await;
    let person = json!({ "email": "ada.log@example.com", "password": "correct horse battery log" });
    let made = call(&mut auth, "POST", "/api/v1/auth/signup", person).await;
    assert_eq!(made["statusCode"], 201, "{made}");
    let wrong = json!({ "email": "ada.log@example.com", "password": "another horse battery log" });
    let refused = call(&mut auth, "POST", "/api/v1/auth/signin", wrong).await;
    assert_eq!(refused["statusCode"], 401, "{refused}");

    let lines = lines(&auth);
    let requests: Vec<&Value> = lines.iter().filter(|line| line["message"] == "request").collect();
    assert_eq!(requests.len(), 2, "{lines:?}");
    for (line, answer) in requests.iter().zip([&made, &refused]) {
        let keys = line.as_object().expect("an object").keys().map(String::as_str);
        // On a busy machine any statement may be slow.
        let keys: BTreeSet<&str> = keys.filter(|key| !key.starts_with("slow_statement")).collect();
        let mut expected = BTreeSet::from([
            "_aws",
            "DatabaseLatency",
            "Function",
            "gateway_request_id",
            "Latency",
            "Requests",
            "ServerErrors",
            "Stack",
            "cold_start",
            "level",
            "message",
            "method",
            "request_id",
            "route",
            "status",
            "trace_id",
        ]);
        if line["status"] == 401 {
            expected.insert("code");
        } else {
            expected.insert("ColdStarts");
        }
        assert_eq!(keys, expected, "and nothing else");
        assert_eq!(
            (&line["Stack"], &line["Function"], &line["level"]),
            (&json!("todo-test"), &json!("auth"), &json!("INFO"))
        );
        assert_eq!(line["request_id"], answer["headers"]["x-request-id"]);
        assert_eq!((&line["trace_id"], &line["method"]), (&json!(TRACE), &json!("POST")));
        assert_eq!((&line["Requests"], &line["ServerErrors"]), (&json!(1), &json!(0)));
        let (names, dimensions) = declared_metrics(line);
        assert!(["Requests", "ServerErrors", "Latency", "DatabaseLatency"].iter().all(|name| names.contains(name)));
        assert_eq!(dimensions, json!([["Stack", "Function"]]));
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().map(Vec::len), Some(names.len()));
        assert!(answer["headers"].get("server-timing").is_none(), "times are for callers with a token");
        assert!(line["DatabaseLatency"].as_f64() > Some(0.0), "{line}");
        assert!(line["Latency"].as_f64() >= line["DatabaseLatency"].as_f64());
    }
    let [first, second] = [requests[0], requests[1]];
    assert_eq!((&first["route"], &first["status"]), (&json!("/api/v1/auth/signup"), &json!(201)));
    assert_eq!((&first["cold_start"], &first["ColdStarts"]), (&json!("true"), &json!(1)));
    assert_eq!((&second["cold_start"], &second["code"]), (&json!("false"), &json!("invalid_credentials")));

    let find = |name: &str| lines.iter().find(|line| line.get(name).is_some()).expect("the event is counted");
    let code = find("Errors");
    assert_eq!((&code["Stack"], &code["Code"]), (&json!("todo-test"), &json!("invalid_credentials")));
    assert_eq!(declared_metrics(code), (BTreeSet::from(["Errors"]), json!([["Stack", "Code"]])));
    assert_eq!(declared_metrics(find("SignInFailures")), (BTreeSet::from(["SignInFailures"]), json!([["Stack"]])));
    for text in ["ada.log", "horse battery"] {
        assert!(!auth.log().contains(text), "{}", auth.log());
    }
}

#[tokio::test]
async fn a_server_error_is_logged_as_an_error_with_its_cause() {
    let (mut auth, _database) = start_function(|settings| {
        settings.insert("STACK_NAME".to_owned(), "todo-test".to_owned());
        // The port is closed.
        settings.insert("DATABASE_URL".to_owned(), "postgresql://me:pass-word-9@127.0.0.1:1/todo".to_owned());
    })
    .await;
    let person = json!({ "email": "ada.log@example.com", "password": "correct horse battery log" });
    let answer = call(&mut auth, "POST", "/api/v1/auth/signin", person).await;
    assert_eq!(answer["statusCode"], 503, "{answer}");
    let lines = lines(&auth);
    let line = lines.iter().find(|line| line["message"] == "request").expect("a line");
    assert_eq!((&line["level"], &line["ServerErrors"]), (&json!("ERROR"), &json!(1)));
    assert_eq!((&line["code"], &line["status"]), (&json!("database_unavailable"), &json!(503)));
    assert!(line["cause"].as_str().is_some_and(|cause| cause.contains("the database is unavailable")), "{line}");
    assert!(!answer["body"].as_str().unwrap_or_default().contains("refused"), "clients do not get the cause: {answer}");
    assert!(lines.iter().any(|line| line["DatabaseErrors"] == 1));
    let version =
        lines.iter().find(|line| line.get("VersionErrors").is_some()).expect("the error is counted for the version");
    assert_eq!((&version["Function"], &version["Version"]), (&json!("auth"), &json!("3")));
    assert_eq!(
        declared_metrics(version),
        (BTreeSet::from(["VersionErrors"]), json!([["Stack", "Function", "Version"]]))
    );
    assert!(!auth.log().contains("pass-word-9"));
}

#[tokio::test]
async fn the_line_names_a_slow_statement() {
    let (mut auth, database) = start_function(|settings| {
        settings.insert("STACK_NAME".to_owned(), "todo-test".to_owned());
    })
    .await;
    let slow =
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.12); RETURN NEW; END';
        CREATE TRIGGER slow BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION slow()";
    database.connect().await.batch_execute(slow).await.unwrap();
    let person = json!({ "email": "ada.log@example.com", "password": "correct horse battery log" });
    let made = call(&mut auth, "POST", "/api/v1/auth/signup", person).await;
    assert_eq!(made["statusCode"], 201, "{made}");
    let lines = lines(&auth);
    let line = lines.iter().find(|line| line["message"] == "request").expect("a line");
    assert_eq!(line["slow_statement"], "users.insert_with_session", "{line}");
    assert!(line["slow_statement_ms"].as_f64().is_some_and(|time| time >= 120.0), "{line}");
    assert!(
        declared_metrics(line).0.iter().all(|metric| !metric.starts_with("slow")),
        "it is a field and not a metric: {line}"
    );
}

#[tokio::test]
async fn outside_of_a_stack_the_line_has_no_metrics() {
    let (mut auth, _database) = start_function(|_| {}).await;
    let answer = call(&mut auth, "GET", "/health/auth", Value::Null).await;
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let lines = lines(&auth);
    let line = lines.iter().find(|line| line["message"] == "request").expect("a line");
    assert_eq!((&line["route"], &line["status"]), (&json!("/health/auth"), &json!(200)));
    assert!(line["total_ms"].is_number() && line["db_ms"].is_number() && line["cold_start"] == true, "{line}");
    assert_eq!(line["trace_id"], TRACE);
    assert!(lines.iter().all(|line| line.get("_aws").is_none()));
}
