//! Invokes a function's binary, which runs in its own process, through Lambda's Runtime API.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use local::lambda::{Bytes, Invocation, RuntimeApi};
use local::service::{Service, StopSignal};
use serde_json::Value;
use shared::clock::Clock;
use shared::ids::Ids;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::log_recorder;

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

/// The X-Ray trace id of every invocation.
pub const TRACE: &str = "1-67891233-abcdef012345678912345678";

/// The program `name`, which cargo built into the folder of this test's profile.
///
/// # Panics
/// If it is not built.
#[must_use]
pub fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its path");
    let folder = test.ancestors().nth(2).expect("tests are in target/<profile>/deps");
    let program = folder.join(name);
    assert!(program.exists(), "{} is not built; cargo xtask test builds it", program.display());
    program
}

impl Lambda {
    /// Starts `program` as version `version` of a function with only these settings.
    ///
    /// # Panics
    /// If it cannot be started.
    pub async fn start(program: &Path, version: &str, settings: &BTreeMap<String, String>) -> Self {
        log_recorder::record_settings(settings.values());
        let at_once = settings.get("AWS_LAMBDA_MAX_CONCURRENCY").map_or(1, |text| text.parse().expect("a number"));
        let (events, receiver) = mpsc::channel(at_once);
        let receiver = Arc::new(Mutex::new(receiver));
        let next = move || {
            let receiver = Arc::clone(&receiver);
            async move { receiver.lock().await.recv().await }
        };
        let runtime = RuntimeApi::start(next).await.expect("a port is free");
        let folder = tempfile::tempdir().expect("a temporary folder can be created");
        let log = folder.path().join("log");
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut command = Command::new(program);
        // Without the developer's environment and `.env` file.
        command.env_clear().current_dir(folder.path()).envs(settings).envs(runtime.environment(&name, version, "256"));
        let service = Service::start(&name, &mut command, StopSignal::Terminate, Some(&log));
        let service = service.unwrap_or_else(|error| panic!("{error}"));
        Self { service, _runtime: runtime, events, log, clock: Clock::system(), _folder: folder }
    }

    /// Invokes the function with `time` until its deadline. Returns `None` if the process ends without a response.
    ///
    /// # Panics
    /// If it neither responds nor ends within twice that time.
    pub async fn invoke(&mut self, event: Value, time: Duration) -> Option<Outcome> {
        let mut response = std::pin::pin!(self.send(event, time));
        let until = tokio::time::Instant::now() + 2 * time;
        loop {
            tokio::select! {
                outcome = &mut response => {
                    let late = tokio::time::Instant::now() + time > until;
                    assert!(!late, "responded after its deadline");
                    return outcome.ok();
                }
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
            }
            if self.service.exit_status().is_some() {
                return None;
            }
            assert!(tokio::time::Instant::now() < until, "no response:\n{}", self.log());
        }
    }

    /// Queues an event immediately. The future resolves to its outcome, or to an error if the instance stops first.
    ///
    /// # Panics
    /// If more invocations are queued than the function serves at once.
    pub fn send(
        &self,
        event: Value,
        time: Duration,
    ) -> impl Future<Output = Result<Outcome, oneshot::error::RecvError>> + use<> {
        log_recorder::record_request(&event);
        let (outcome, receiver) = oneshot::channel();
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
            let outcome = receiver.await?.map(json).map_err(json);
            let body = outcome.as_ref().ok().and_then(|outcome| outcome["body"].as_str());
            log_recorder::record_response(&HeaderMap::new(), body.unwrap_or_default().as_bytes());
            Ok(outcome)
        }
    }

    /// Kills the process, as if it ran out of memory.
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
        log_recorder::record_log_file(&self.log);
    }
}
