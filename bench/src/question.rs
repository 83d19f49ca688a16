//! Requests that can be sent again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::Result;
use crate::lambda::{Answer, Call, Fleet};
use crate::load::{Latencies, database_time};
use crate::stand::{PASSWORD, Visitor};

/// The least a function can be.
pub(crate) const FLOOR: &str = "floor";

pub(crate) const LIST: &str = "list 50";

/// A request.
pub(crate) struct Question {
    pub(crate) function: &'static str,
    pub(crate) name: &'static str,
    method: &'static str,
    path: String,
    token: Option<String>,
    /// Sent in turn, so that a change changes something each time.
    bodies: Vec<String>,
    turn: AtomicUsize,
    status: u16,
}

/// How long an answer took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    pub(crate) all: Duration,
    /// Of that, waiting for an instance, which may have had to start.
    pub(crate) queued: Duration,
    /// Of that, the database, as the function says.
    pub(crate) database: Duration,
}

impl Question {
    pub(crate) fn new(
        function: &'static str,
        name: &'static str,
        method: &'static str,
        path: &str,
        token: Option<&str>,
    ) -> Self {
        let (path, token) = (path.to_owned(), token.map(ToOwned::to_owned));
        Self { function, name, method, path, token, bodies: Vec::new(), turn: AtomicUsize::new(0), status: 200 }
    }

    fn with(self, status: u16, bodies: &[Value]) -> Self {
        Self { bodies: bodies.iter().map(Value::to_string).collect(), status, ..self }
    }

    fn event(&self) -> Result<Bytes> {
        let Self { method, path, token, bodies, .. } = self;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let body = bodies.get(turn % bodies.len().max(1)).map(String::as_str);
        Call { method, path, query: "", token: token.as_deref(), body, address: "198.51.100.7" }.event()
    }

    /// Sends it once.
    pub(crate) async fn ask(&self, fleet: &Fleet) -> Result<Took> {
        let event = self.event()?;
        let started = Instant::now();
        let invoked = fleet.invoke(event).await?;
        let all = started.elapsed();
        let answer = Answer::read(&invoked.payload)?;
        if answer.status_code != self.status {
            let (status, body) = (answer.status_code, answer.body.unwrap_or_default());
            return Err(format!("{} {} answers {status}: {body}", self.function, self.name).into());
        }
        let database = answer.headers.get("server-timing").map_or(Duration::ZERO, |header| database_time(header));
        Ok(Took { all, queued: invoked.queued, database })
    }
}

/// The floor's only question.
pub(crate) fn nothing() -> Question {
    Question::new(FLOOR, "nothing", "GET", "/", None)
}

/// What is asked of warm instances, the first of each function also of cold ones.
pub(crate) fn questions(visitor: &Visitor) -> Vec<Question> {
    let token = Some(visitor.access.as_str());
    let task = format!("/api/v1/tasks/{}", visitor.account.task(7));
    let create = json!({
        "title": "call the dentist", "priority": "urgent_important", "due_datetime": "2027-02-15T17:00:00Z",
        "description": "and ask about the invoice of last month",
    });
    let completed = [true, false].map(|completed| json!({ "completed": completed }));
    let titles = ["call back", "call the office"].map(|title| json!({ "title": title }));
    let refresh = json!({ "refresh_token": visitor.refresh });
    let sign_in = json!({ "email": visitor.account.email(), "password": PASSWORD });
    vec![
        nothing(),
        Question::new("health", "health", "GET", "/health", None),
        Question::new("tasks", "get", "GET", &task, token),
        Question::new("tasks", LIST, "GET", "/api/v1/tasks", token),
        Question::new("tasks", "create", "POST", "/api/v1/tasks", token).with(201, &[create]),
        Question::new("tasks", "complete", "PATCH", &format!("{task}/complete"), token).with(200, &completed),
        Question::new("tasks", "update", "PATCH", &task, token).with(200, &titles),
        Question::new("auth", "me", "GET", "/api/v1/auth/me", token),
        Question::new("auth", "refresh", "POST", "/api/v1/auth/refresh", None).with(200, &[refresh]),
        Question::new("auth", "sign in", "POST", "/api/v1/auth/signin", None).with(200, &[sign_in]),
    ]
}

/// The question that most people ask most often.
pub(crate) fn list(visitor: &Visitor) -> Question {
    Question::new("tasks", LIST, "GET", "/api/v1/tasks", Some(&visitor.access))
}

/// So many callers ask the same for a while, each as soon as it has its answer. The first answer of each is not
/// counted; `warmed` is called when all of them have come.
pub(crate) async fn saturate<T>(
    fleet: &Arc<Fleet>,
    question: Question,
    callers: usize,
    duration: Duration,
    warmed: impl FnOnce() -> Result<T>,
) -> Result<(Latencies, T)> {
    let question = Arc::new(question);
    futures_util::future::try_join_all((0..callers).map(|_| question.ask(fleet))).await?;
    let before = warmed()?;
    let started = Instant::now();
    let callers = (0..callers).map(|_| {
        let (fleet, question) = (Arc::clone(fleet), Arc::clone(&question));
        tokio::spawn(async move {
            let mut took = Vec::new();
            while started.elapsed() < duration {
                took.push(question.ask(&fleet).await?.all);
            }
            Result::Ok(took)
        })
    });
    let mut all = Latencies::default();
    for caller in futures_util::future::join_all(callers).await {
        caller??.into_iter().for_each(|took| all.add(took));
    }
    Ok((all, before))
}
