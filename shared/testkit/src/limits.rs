//! Tests the limit of each operation in `openapi.json`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use axum::Router;
use http::Method;
use secrecy::ExposeSecret;
use serde_json::Value;
use shared::App;
use shared::config::Function;
use shared::tokens::{RefreshToken, derive_refresh_token};

use crate::{Api, Person, TestResponse};

/// Calls every operation that `openapi.json` lists under `tag`, with limits of one request an hour. The second call must
/// be 429 if the operation has a limit; without a limit it must take no permit. `writes` lists the buckets of each
/// operation that is not a `GET`; a `GET` has none.
pub async fn check_limits(function: Function, routes: fn() -> Router<App>, tag: &str, writes: &[(&str, &[&str])]) {
    let mut writes: BTreeMap<&str, &[&str]> = writes.iter().copied().collect();
    let mut apis: BTreeMap<Option<&str>, Api> = BTreeMap::new();
    for operation in operations(tag) {
        let buckets = writes.remove(operation.id.as_str());
        assert!(buckets.is_some() || operation.method == Method::GET, "add {} to the table of limits", operation.id);
        let buckets = buckets.unwrap_or_default();
        let documents_429 = operation.document["responses"].get("429").is_some();
        assert_eq!(documents_429, !buckets.is_empty(), "{} and openapi.json disagree about 429", operation.id);
        let limited_buckets = if buckets.is_empty() { vec![None] } else { buckets.iter().copied().map(Some).collect() };
        for limited_bucket in limited_buckets {
            let api = match apis.entry(limited_bucket) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert(start(function, routes, limited_bucket).await),
            };
            operation.check(api, limited_bucket, buckets).await;
        }
    }
    assert!(writes.is_empty(), "openapi.json has no such operations: {writes:?}");
}

/// Starts the function with its default limits, except for one permit an hour in the bucket `limited_bucket`.
async fn start(function: Function, routes: fn() -> Router<App>, limited_bucket: Option<&str>) -> Api {
    Api::start_with(function, routes, |settings| {
        settings.remove("RATE_LIMITS");
        settings.extend(limited_bucket.map(|bucket| (setting_of(bucket), "1, 1/h".to_owned())));
    })
    .await
}

struct Operation {
    id: String,
    method: Method,
    path: String,
    document: Value,
    /// The example of the body in the document; null if the operation has no body.
    body: Value,
}

fn operations(tag: &str) -> Vec<Operation> {
    let text = std::fs::read_to_string(local::workspace().join("functions/docs/openapi.json"));
    let document: Value = serde_json::from_str(&text.expect("it is committed")).expect("it is JSON");
    let paths = document["paths"].as_object().expect("there are paths");
    // A body refers to the example with the name of its schema.
    let example = |operation: &Value| {
        let schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
        let name = schema.and_then(|reference| reference.rsplit('/').next()).unwrap_or_default();
        document["components"]["examples"][name]["value"].clone()
    };
    let all = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().into_iter().flatten().map(move |(method, document)| Operation {
            id: document["operationId"].as_str().expect("an operation has an id").to_owned(),
            method: method.to_uppercase().parse().expect("a method"),
            path: path.replace("{id}", "01980000-0000-7000-8000-000000000000"),
            body: example(document),
            document: document.clone(),
        })
    });
    all.filter(|operation| operation.document["tags"][0] == tag).collect()
}

impl Operation {
    /// Calls the operation twice, as an administrator whom no earlier operation has signed out.
    async fn check(&self, api: &Api, limited_bucket: Option<&str>, buckets: &[&str]) {
        let root = api.person(&format!("{}@example.com", self.id)).await;
        let owner = api.database.connect().await;
        let prepare = "DELETE FROM rate_limits; DELETE FROM sign_in_failures;
                       SET ROLE todo_admin; UPDATE users SET role = 'admin'; RESET ROLE";
        owner.batch_execute(prepare).await.expect("the owner has these rights");

        let first = self.call(api, &root).await;
        assert!(first.status != 429 && first.status.as_u16() < 500, "{}: {}", self.id, first.text());
        let sql = "SELECT DISTINCT bucket FROM rate_limits ORDER BY bucket";
        let rows = owner.query_typed(sql, &[]).await.expect("the owner may read it");
        let taken: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(taken, buckets, "the buckets of {}", self.id);

        let second = self.call(api, &root).await;
        let Some(bucket) = limited_bucket else {
            assert!(second.status != 429 && second.status.as_u16() < 500, "{}: {}", self.id, second.text());
            return;
        };
        second.problem(429, "rate_limited");
        let seconds = second.header("retry-after");
        assert_eq!(seconds, "3600", "{}", self.id);
        assert_eq!(second.header("ratelimit"), format!("\"{bucket}\";r=0;t={seconds}"), "{}", self.id);
        assert_eq!(second.header("ratelimit-policy"), format!("\"{bucket}\";q=1;w=3600"), "{}", self.id);
    }

    /// Sends the document's example as the body.
    async fn call(&self, api: &Api, root: &Person<'_>) -> TestResponse {
        let call = root.call(self.method.clone(), &self.path);
        let mut body = self.body.clone();
        if let Some(example) = body.get_mut("refresh_token") {
            let token = RefreshToken { session: root.session, generation: 0 };
            let token = derive_refresh_token(&api.app.settings().refresh_keys, token).expect("there is an active key");
            *example = token.expose_secret().into();
        }
        if body.is_null() { call.send().await } else { call.json(body).send().await }
    }
}

/// The setting with the limit of a bucket.
fn setting_of(bucket: &str) -> String {
    // Password confirmations have the limit of sign-ins.
    let name = if bucket == "password" { "sign_in_account" } else { bucket };
    format!("RATE_LIMIT_{}", name.to_uppercase())
}
