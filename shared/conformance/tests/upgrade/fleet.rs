//! Instances of two versions, and users whose requests go to them in turn.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Lambda, http_event};
use tokio::sync::{Mutex, RwLock};

/// Instances of each function and version.
const INSTANCES: usize = 2;

/// The time that API Gateway waits for an answer.
const TIME: Duration = Duration::from_secs(29);

/// The version of a binary: before or after the deploy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Before,
    After,
}

type Instance = (Version, Arc<Mutex<Lambda>>);

/// The instances that get requests.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    auth: RwLock<Vec<Instance>>,
    tasks: RwLock<Vec<Instance>>,
    turn: AtomicUsize,
    answers: AtomicU64,
}

impl Fleet {
    /// Starts instances of a version and sends requests to them.
    pub(crate) async fn join(&self, version: Version, [auth, tasks]: [&Path; 2], settings: &BTreeMap<String, String>) {
        for (place, program) in [(&self.auth, auth), (&self.tasks, tasks)] {
            for _ in 0..INSTANCES {
                let started = Lambda::start(program, "1", settings).await;
                place.write().await.push((version, Arc::new(Mutex::new(started))));
            }
        }
    }

    /// Sends no more requests to the instances of a version; requests that are running finish.
    pub(crate) async fn leave(&self, version: Version) {
        for place in [&self.auth, &self.tasks] {
            place.write().await.retain(|(other, _)| *other != version);
        }
    }

    /// A line about the phase that ends now. Fails if there were too few requests.
    pub(crate) fn phase(&self, name: &str) -> String {
        let answers = self.answers.swap(0, Ordering::Relaxed);
        assert!(answers > 50, "{name}: only {answers} answers are no load");
        format!("{name}: {answers} requests, no error")
    }

    /// Sends a request and returns the body. Any answer that is not a success fails the test.
    async fn call(&self, method: &str, path: &str, token: Option<&str>, body: Option<Value>) -> Value {
        let place = if path.contains("/auth/") { &self.auth } else { &self.tasks };
        let instance = {
            let all = place.read().await;
            Arc::clone(&all[self.turn.fetch_add(1, Ordering::Relaxed) % all.len()].1)
        };
        let answer = instance.lock().await.invoke(http_event(method, path, token, body.as_ref()), TIME).await;
        let answer = answer.expect("the instance lives").unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let status = answer["statusCode"].as_u64().unwrap_or_default();
        assert!((200..300).contains(&status), "{method} {path}: {answer}");
        self.answers.fetch_add(1, Ordering::Relaxed);
        answer["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default()
    }
}

/// One user, who signs up and then works until `stop`.
pub(crate) async fn work(fleet: Arc<Fleet>, number: usize, stop: Arc<AtomicBool>) {
    let credentials = json!({ "email": format!("user{number}@example.com"), "password": "correct horse battery" });
    let mut session = fleet.call("POST", "/api/v1/auth/signup", None, Some(credentials.clone())).await["data"].clone();
    let text = |value: &Value, field: &str| value[field].as_str().expect("it is there").to_owned();
    let mut rounds = 0;
    while !stop.load(Ordering::Relaxed) {
        let token = text(&session, "access_token");
        let token = Some(token.as_str());
        let task = json!({ "title": "Under way", "priority": "urgent_important" });
        let made = fleet.call("POST", "/api/v1/tasks", token, Some(task)).await;
        let path = format!("/api/v1/tasks/{}", text(&made["data"], "id"));
        let changed = fleet.call("PATCH", &path, token, Some(json!({ "title": "Nearly done" }))).await;
        assert_eq!(changed["data"]["title"], "Nearly done");
        fleet.call("PATCH", &format!("{path}/complete"), token, Some(json!({ "completed": true }))).await;
        let list = fleet.call("GET", "/api/tasks?completed=true&limit=1", token, None).await;
        assert_eq!(list["data"]["tasks"][0]["id"], made["data"]["id"], "the write is seen by the next request");
        fleet.call("GET", "/api/v1/auth/me", token, None).await;
        if rounds % 3 == 0 {
            fleet.call("DELETE", &path, token, None).await;
        }
        let refresh = json!({ "refresh_token": session["refresh_token"] });
        session = fleet.call("POST", "/api/v1/auth/refresh", None, Some(refresh)).await["data"].clone();
        rounds += 1;
        if rounds % 10 == 0 {
            fleet.call("POST", "/api/v1/auth/signout", Some(&text(&session, "access_token")), None).await;
            session = fleet.call("POST", "/api/v1/auth/signin", None, Some(credentials.clone())).await["data"].clone();
        }
    }
}
