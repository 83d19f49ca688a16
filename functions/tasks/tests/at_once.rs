//! One instance that serves several requests at the same time, as Lambda Managed Instances require.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use shared::clock::Clock;
use shared::config::Function;
use testkit::{Api, Lambda, built, http_event, settings};

const TIME: Duration = Duration::from_secs(20);

fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().expect("a body")).expect("it is JSON")
}

#[tokio::test]
async fn an_instance_serves_as_many_concurrent_requests_as_lambda_configures() {
    let api = Api::start(Function::Tasks, tasks::routes).await;
    // The binary uses the clock of the machine.
    api.clock.advance(Clock::system().now().duration_since(api.now()));
    let (ada, eve) = (api.person("ada@example.com").await, api.person("eve@example.com").await);
    let task = ada.post("/api/v1/tasks", json!({ "title": "x", "priority": "urgent_important" })).await.data(201);
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().expect("an id"));

    let mut settings = settings();
    settings.insert("DATABASE_URL".to_owned(), api.database.url());
    // In a stack, where all requests write their lines through one buffer.
    settings.insert("STACK_NAME".to_owned(), "todo-test".to_owned());
    settings.insert("AWS_LAMBDA_MAX_CONCURRENCY".to_owned(), "4".to_owned());
    let function = Lambda::start(&built("tasks"), "1", &settings).await;

    // Open the connections first, before the lock time-out starts to run.
    let list = || http_event("GET", "/api/v1/tasks", Some(&eve.token), None);
    let lists: Vec<_> = (0..4).map(|_| function.send(list(), TIME)).collect();
    for listed in lists {
        assert_eq!(body(&listed.await.expect("it lives").expect("it answers"))["success"], true);
    }

    // Another transaction has locked the task, so three changes wait. The instance must still serve a fourth request.
    let holder = api.database.connect().await;
    let user = ada.id;
    let hold =
        format!("BEGIN; SET LOCAL ROLE todo_tasks; SET LOCAL app.user_id = '{user}'; SELECT FROM tasks FOR UPDATE");
    holder.batch_execute(&hold).await.expect("the task can be locked");
    let changes: Vec<_> = ["one", "two", "three"]
        .iter()
        .map(|title| {
            function.send(http_event("PATCH", &path, Some(&ada.token), Some(&json!({ "title": title }))), TIME)
        })
        .collect();
    let listed = function.send(list(), TIME).await.expect("it lives").expect("it answers");
    assert_eq!(body(&listed)["data"]["total_count"], 0, "{listed}");

    holder.batch_execute("COMMIT").await.expect("the lock can be released");
    for change in changes {
        let changed = change.await.expect("it lives").expect("it answers");
        let changed = body(&changed);
        assert_eq!((&changed["success"], &changed["data"]["user_id"]), (&json!(true), &json!(user.to_string())));
    }
    let log = function.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let ids: BTreeSet<_> = lines.iter().filter_map(|line| line["request_id"].as_str()).collect();
    assert_eq!((lines.len(), ids.len()), (8, 8), "a line for each request, none inside another:\n{log}");
}
