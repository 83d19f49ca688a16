//! Invokes a function's binary, which runs in its own process, through Lambda's Runtime API.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use local::lambda::{Bytes, Invocation, RuntimeApi};
use local::service::{Service, Stop};
use serde_json::Value;
use shared::clock::Clock;
use shared::ids::Ids;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::witness;

/// A running instance of a function, in its own process.
#[derive(Debug)]
pub struct Lambda {
    service: Service,
    _runtime: RuntimeApi,
    events: mpsc::Sender<Invocation>,
    log: PathBuf,
    clock: Clock,
    _folder: tempfile::TempDir,
}

/// The response of the function, or the error that it reported.
pub type Outcome = Result<Value, Value>;

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
        let receiver = Arc::new(Mutex::new(receiver));
        let next = move || {
            let receiver = Arc::clone(&receiver);
            async move { receiver.lock().await.recv().await }
        };
        let runtime = RuntimeApi::start(next).await.expect("a port is free");
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let log = folder.path().join("log");
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut command = Command::new(program);
        // No environment and no `.env` file of the developer.
        command.env_clear().current_dir(folder.path()).envs(settings).envs(runtime.environment(&name, version, "256"));
        let service = Service::start(&name, &mut command, Stop::Terminate, Some(&log));
        let service = service.unwrap_or_else(|error| panic!("{error}"));
        Self { service, _runtime: runtime, events, log, clock: Clock::system(), _folder: folder }
    }

    /// Invokes the function with `time` until its deadline. `None` if the process ended without an answer.
    ///
    /// # Panics
    /// If it neither answers nor ends within twice that time.
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

    /// Queues an event at once; the future resolves to its outcome, or to an error if the instance is stopped first.
    ///
    /// # Panics
    /// If more invocations are queued than the function serves at once.
    pub fn send(
        &self,
        event: Value,
        time: Duration,
    ) -> impl Future<Output = Result<Outcome, oneshot::error::RecvError>> + use<> {
        witness::request(&event);
        let (outcome, answered) = oneshot::channel();
        let deadline = self.clock.now().as_millisecond() + i64::try_from(time.as_millis()).expect("it is short");
        let invocation = Invocation {
            id: Ids::new(self.clock.clone()).next().to_string(),
            event: event.to_string().into(),
            deadline,
            trace: format!("Root={TRACE};Parent=1234567890abcdef;Sampled=1"),
            outcome,
        };
        self.events.try_send(invocation).expect("no more at once than the function serves");
        async move {
            let json = |body: Bytes| serde_json::from_slice(&body).unwrap_or(Value::Null);
            let outcome = answered.await?.map(json).map_err(json);
            let body = outcome.as_ref().ok().and_then(|outcome| outcome["body"].as_str());
            witness::answer(&HeaderMap::new(), body.unwrap_or_default().as_bytes());
            Ok(outcome)
        }
    }

    /// Kills the process, as running out of memory would.
    pub fn kill(&mut self) {
        self.service.kill();
    }

    /// Everything that the process wrote to its output so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.service.kill();
        witness::keep(&self.log);
    }
}
