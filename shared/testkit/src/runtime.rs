//! The Lambda service as a binary sees it: the Runtime API, one invocation at a time unless its settings ask for
//! more, a deadline, and a version.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path as Parameter, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use local::service::{Service, Stop};
use serde_json::Value;
use shared::clock::Clock;
use shared::ids::Ids;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::witness;

/// A binary that serves invocations in a process of its own.
#[derive(Debug)]
pub struct Lambda {
    service: Service,
    server: JoinHandle<()>,
    events: mpsc::Sender<Invoked>,
    log: PathBuf,
    clock: Clock,
    _folder: tempfile::TempDir,
}

/// What the function made of an event: its answer, or the error it reported.
pub type Outcome = Result<Value, Value>;

#[derive(Debug)]
struct Invoked {
    id: String,
    event: Value,
    deadline: i64,
    trace: String,
    outcome: oneshot::Sender<Outcome>,
}

#[derive(Debug)]
struct Shared {
    events: tokio::sync::Mutex<mpsc::Receiver<Invoked>>,
    running: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
}

/// The trace of every invocation.
pub const TRACE: &str = "1-67891233-abcdef012345678912345678";

/// The program `name` as cargo built it beside this test.
///
/// # Panics
/// If it is not there.
#[must_use]
pub fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its path");
    let folder = test.ancestors().nth(2).expect("tests lie in target/<profile>/deps");
    let program = folder.join(name);
    assert!(program.exists(), "{} is not built; cargo xtask test builds it", program.display());
    program
}

impl Lambda {
    /// Starts `program` as version `version` of a function with just these settings.
    ///
    /// # Panics
    /// If it cannot be started.
    pub async fn start(program: &Path, version: &str, settings: &BTreeMap<String, String>) -> Self {
        witness::settings(settings.values());
        let at_once = settings.get("AWS_LAMBDA_MAX_CONCURRENCY").map_or(1, |text| text.parse().expect("a number"));
        let (events, receiver) = mpsc::channel(at_once);
        let shared = Arc::new(Shared { events: tokio::sync::Mutex::new(receiver), running: Mutex::default() });
        let runtime = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(respond))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(fail))
            .with_state(shared);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound").to_string();
        let server = tokio::spawn(async move {
            axum::serve(listener, runtime).await.expect("the runtime API serves");
        });
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let log = folder.path().join("log");
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut command = Command::new(program);
        // Nothing of the developer's own, neither from the environment nor from a file.
        command.env_clear().current_dir(folder.path()).envs(settings).envs([
            ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", name.as_str()),
            ("AWS_LAMBDA_FUNCTION_VERSION", version),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/test"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "test"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ]);
        let service = Service::start(&name, &mut command, Stop::Terminate, Some(&log));
        let service = service.unwrap_or_else(|error| panic!("{error}"));
        Self { service, server, events, log, clock: Clock::system(), _folder: folder }
    }

    /// Invokes it, with so much time until its deadline. None if it ended without an answer.
    ///
    /// # Panics
    /// If it neither answers nor ends in twice its time.
    pub async fn invoke(&mut self, event: Value, time: Duration) -> Option<Outcome> {
        let mut answered = std::pin::pin!(self.send(event, time));
        let until = tokio::time::Instant::now() + 2 * time;
        loop {
            tokio::select! {
                outcome = &mut answered => {
                    let late = tokio::time::Instant::now() + time > until;
                    assert!(!late, "answered after its deadline");
                    return outcome.ok();
                }
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
            }
            if self.service.ended().is_some() {
                return None;
            }
            assert!(tokio::time::Instant::now() < until, "no answer:\n{}", self.log());
        }
    }

    /// Sends an event, whose outcome comes when there is one; an error if there will be none.
    ///
    /// # Panics
    /// If more are on their way than the function serves at once.
    pub fn send(
        &self,
        event: Value,
        time: Duration,
    ) -> impl Future<Output = Result<Outcome, oneshot::error::RecvError>> + use<> {
        witness::request(&event);
        let (outcome, answered) = oneshot::channel();
        let deadline = self.clock.now().as_millisecond() + i64::try_from(time.as_millis()).expect("it is short");
        let (id, trace) = (
            Ids::new(self.clock.clone()).next().to_string(),
            format!("Root={TRACE};Parent=1234567890abcdef;Sampled=1"),
        );
        let invoked = Invoked { id, event, deadline, trace, outcome };
        self.events.try_send(invoked).expect("no more at once than the function serves");
        async move {
            let outcome = answered.await?;
            let body = outcome.as_ref().ok().and_then(|outcome| outcome["body"].as_str());
            witness::answer(&HeaderMap::new(), body.unwrap_or_default().as_bytes());
            Ok(outcome)
        }
    }

    /// Ends it as running out of memory would.
    pub fn kill(&mut self) {
        self.service.kill();
    }

    /// Everything it wrote.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.server.abort();
        self.service.kill();
        witness::keep(&self.log);
    }
}

/// Hands out the next event, as soon as there is one.
async fn next(State(shared): State<Arc<Shared>>) -> axum::response::Response {
    let Some(invoked) = shared.events.lock().await.recv().await else { return StatusCode::GONE.into_response() };
    let headers = [
        ("lambda-runtime-aws-request-id", invoked.id.clone()),
        ("lambda-runtime-deadline-ms", invoked.deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-central-1:123456789012:function:test:live".to_owned(),
        ),
        ("lambda-runtime-trace-id", invoked.trace),
        ("content-type", "application/json".to_owned()),
    ];
    shared.running.lock().unwrap_or_else(PoisonError::into_inner).insert(invoked.id, invoked.outcome);
    (headers, invoked.event.to_string()).into_response()
}

async fn respond(state: State<Arc<Shared>>, id: Parameter<String>, body: String) -> StatusCode {
    finish(&state, &id, Ok(serde_json::from_str(&body).unwrap_or(Value::Null)))
}

async fn fail(state: State<Arc<Shared>>, id: Parameter<String>, body: String) -> StatusCode {
    finish(&state, &id, Err(serde_json::from_str(&body).unwrap_or(Value::Null)))
}

fn finish(shared: &Shared, id: &str, outcome: Outcome) -> StatusCode {
    match shared.running.lock().unwrap_or_else(PoisonError::into_inner).remove(id) {
        Some(sender) => {
            // Who asked may have gone.
            let _ = sender.send(outcome);
            StatusCode::ACCEPTED
        }
        None => StatusCode::BAD_REQUEST,
    }
}
