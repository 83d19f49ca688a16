//! The binaries of `sam build` under a Lambda Runtime API: each `bootstrap` starts with the settings of a deployment and
//! answers events like those of API Gateway and of operators.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use shared::config::Function;
use testkit::{Lambda, TestDatabase, http_event, settings};

/// The time limit of functions with HTTP.
const TIME: Duration = Duration::from_secs(20);

/// The time limit of functions without HTTP.
const LONG: Duration = Duration::from_secs(900);

struct Stack {
    settings: BTreeMap<String, String>,
}

impl Stack {
    /// Starts the function whose code SAM put into `folder`.
    async fn start(&self, folder: &str) -> Lambda {
        Lambda::start(&bootstrap(folder), "1", &self.settings).await
    }
}

/// The program that SAM put into `folder`.
fn bootstrap(folder: &str) -> PathBuf {
    let bootstrap = local::workspace().join(".aws-sam/build").join(folder).join("bootstrap");
    assert!(bootstrap.exists(), "{} is missing; cargo xtask package builds it", bootstrap.display());
    bootstrap
}

#[test]
fn no_binary_is_larger_than_its_row_allows() {
    for row in Function::ALL.map(Function::spec) {
        let folder = format!("{}{}Function", row.name[..1].to_uppercase(), &row.name[1..]);
        let bytes = std::fs::metadata(bootstrap(&folder)).expect("it was built").len();
        let most = row.largest_binary;
        assert!(bytes <= most * 1024 * 1024, "{folder} has {bytes} bytes; the limit is {most} MiB");
    }
}

/// The status and the JSON of an answer to a request.
async fn call(
    function: &mut Lambda,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<Value>,
) -> (u64, Value) {
    let event = http_event(method, path, token, body.as_ref());
    let answer = function.invoke(event, TIME).await.expect("it lives").unwrap_or_else(|error| panic!("{error}"));
    let body = answer["body"].as_str().map(|text| serde_json::from_str(text).unwrap_or(json!(text)));
    (answer["statusCode"].as_u64().expect("a status"), body.unwrap_or_default())
}

#[tokio::test]
async fn every_built_function_answers() {
    let database = TestDatabase::new().await;
    let mut settings = settings();
    settings.insert("DATABASE_URL".to_owned(), database.url());
    settings.insert("DATABASE_URL_UNPOOLED".to_owned(), database.url());
    settings.insert("STACK_NAME".to_owned(), "todo-test".to_owned());
    let stack = Stack { settings };

    let mut health = stack.start("HealthFunction").await;
    assert_eq!(call(&mut health, "GET", "/health", None, None).await, (200, json!({ "status": "healthy" })));
    let (status, _) = call(&mut health, "GET", "/health/db", None, None).await;
    assert_eq!(status, 200);
    assert_eq!(call(&mut health, "GET", "/nope", None, None).await.1["code"], "route_not_found");

    let mut docs = stack.start("DocsFunction").await;
    assert_eq!(call(&mut docs, "GET", "/api/openapi.json", None, None).await.1["openapi"], "3.1.0");

    let mut auth = stack.start("AuthFunction").await;
    let person = json!({ "email": "ada@example.com", "password": "correct horse battery" });
    let (status, account) = call(&mut auth, "POST", "/api/v1/auth/signup", None, Some(person)).await;
    assert_eq!(status, 201, "{account}");
    let token = account["data"]["access_token"].as_str().expect("a token");

    let mut tasks = stack.start("TasksFunction").await;
    let task = json!({ "title": "Built", "priority": "urgent_important" });
    let (status, made) = call(&mut tasks, "POST", "/api/v1/tasks", Some(token), Some(task)).await;
    assert_eq!((status, &made["data"]["title"]), (201, &json!("Built")), "{made}");
    let (status, list) = call(&mut tasks, "GET", "/api/tasks", Some(token), None).await;
    assert_eq!((status, &list["data"]["total_count"]), (200, &json!(1)), "{list}");

    let mut users = stack.start("UsersFunction").await;
    let (status, refused) = call(&mut users, "GET", "/api/v1/users", Some(token), None).await;
    assert_eq!((status, &refused["code"]), (403, &json!("admin_required")), "{refused}");

    let mut migrate = stack.start("MigrateFunction").await;
    let status = migrate.invoke(json!({ "action": "status" }), LONG).await.expect("it lives").expect("it answers");
    assert_eq!((&status["pending"], &status["current"]), (&json!([]), &status["latest"]));

    let mut maintenance = stack.start("MaintenanceFunction").await;
    let purged = maintenance.invoke(json!({ "action": "purge" }), LONG).await.expect("it lives").expect("it answers");
    assert_eq!(purged["done"], true, "{purged}");

    for (name, function) in [("tasks", &tasks), ("auth", &auth)] {
        let log = function.log();
        assert!(
            log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()),
            "{name} logs lines of JSON: {log}"
        );
        assert!(log.contains("\"_aws\"") && !log.contains("correct horse"), "{log}");
    }
}
