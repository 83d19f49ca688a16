//! A CloudFormation custom resource that migrates: each deploy sends a request here before it updates the functions
//! that serve traffic, and waits for the response at a URL (docs/decisions/migrations-before-traffic.md).

mod respond;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::cloudformation::{
    CloudFormationCustomResourceResponse as Response, CloudFormationCustomResourceResponseStatus as Status,
};
use futures_util::FutureExt;
use serde::Serialize;
use serde_json::Value;
use shared::App;
use shared::config::SecretError;
use shared::error::panic_message;
use shared::lambda::Invocation;
use shared::metrics;
use tokio::time::sleep;

use crate::{MigrateCommand, MigrateError, MigrateResponse, perform_with};

/// The id of the resource never changes: after a change, CloudFormation would delete the previous resource.
const PHYSICAL_ID: &str = "migrations";

/// The time before the function's deadline that is reserved for sending the response.
pub(crate) const RESERVE: Duration = Duration::from_secs(20);

/// How long the work may take outside of Lambda, where there is no deadline.
const DEFAULT_TIME: Duration = Duration::from_secs(600);

/// The longest reason in bytes. CloudFormation accepts 4096 bytes for the whole response.
const MAX_REASON: usize = 1500;

/// A request from CloudFormation. Unlike the type of `aws_lambda_events`, it accepts any request that has a URL for the
/// response, whatever else is missing or malformed, because without a response CloudFormation waits until it times out.
#[derive(Clone, Debug)]
pub struct CustomResourceRequest {
    request_type: String,
    response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    physical_resource_id: String,
    /// The version of this function in the template that is being deployed.
    version: Option<u64>,
    /// The version in the previous template; `None` if that was another function, whose versions cannot be compared.
    version_before: Option<u64>,
}

impl CustomResourceRequest {
    /// Reads an event; `None` if it has no URL for the response.
    pub(crate) fn read(event: &Value) -> Option<Self> {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        // The ARN of the function and the number of the version, separated by a colon.
        let version = |properties: &str| {
            let (function, number) = event[properties]["FunctionVersion"].as_str()?.rsplit_once(':')?;
            Some((function, number.parse().ok()?))
        };
        let (now, before) = (version("ResourceProperties"), version("OldResourceProperties"));
        let before = before.filter(|(function, _)| now.is_some_and(|(other, _)| other == *function));
        Some(Self {
            response_url: event["ResponseURL"].as_str()?.to_owned(),
            request_type: text("RequestType"),
            stack_id: text("StackId"),
            request_id: text("RequestId"),
            logical_resource_id: text("LogicalResourceId"),
            physical_resource_id: text("PhysicalResourceId"),
            version: now.map(|(_, number)| number),
            version_before: before.map(|(_, number)| number),
        })
    }
}

/// The response that was sent to CloudFormation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CustomResourceResponse {
    /// `SUCCESS` or `FAILED`.
    pub status: &'static str,
    /// What was done, or why it failed.
    pub reason: String,
}

/// Handles a request and sends the response before the function's deadline. A panic and a timeout are reported as
/// failures. If the instance itself dies, Lambda delivers the event again.
///
/// # Errors
/// Only if the response could not be sent; then Lambda delivers the event again, too.
pub(crate) async fn answer(
    app: &App,
    invocation: &Invocation,
    request: &CustomResourceRequest,
) -> Result<CustomResourceResponse, Box<dyn std::error::Error + Send + Sync>> {
    let left = invocation.time_left(&app.clock).unwrap_or(DEFAULT_TIME + RESERVE);
    let outcome = run_to_end(migrate(app, invocation, request), left.saturating_sub(RESERVE)).await;
    let (status, reason) = match outcome {
        Ok(done) => (Status::Success, done),
        Err(reason) => {
            app.metrics.count(metrics::MetricEvent::MigrationFailures);
            (Status::Failed, reason)
        }
    };
    let name = if status == Status::Success { "SUCCESS" } else { "FAILED" };
    let mut response = Response::default();
    response.status = status;
    response.reason = Some(cut(&reason).to_owned());
    response.physical_resource_id = physical_id(request);
    response.stack_id.clone_from(&request.stack_id);
    response.request_id.clone_from(&request.request_id);
    response.logical_resource_id.clone_from(&request.logical_resource_id);
    let left = invocation.time_left(&app.clock).unwrap_or(RESERVE);
    respond::put(&request.response_url, &response, left.saturating_sub(Duration::from_secs(1))).await?;
    if name == "SUCCESS" {
        tracing::info!(reason, request = request.request_type, "CloudFormation received SUCCESS");
    } else {
        tracing::error!(reason, request = request.request_type, "CloudFormation received FAILED");
    }
    Ok(CustomResourceResponse { status: name, reason })
}

/// Runs `work`, and turns a panic or a timeout into an error.
async fn run_to_end(work: impl Future<Output = Result<String, String>>, limit: Duration) -> Result<String, String> {
    match tokio::time::timeout(limit, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(format!("the migration panicked: {}", panic_message(&*panic))),
        Err(_) => Err(MigrateError::TimedOut.to_string()),
    }
}

/// Migrates if the request asks for it. Returns what was done, or why it failed.
async fn migrate(app: &App, invocation: &Invocation, request: &CustomResourceRequest) -> Result<String, String> {
    match request.request_type.as_str() {
        "Create" | "Update" => {}
        "Delete" => return Ok("nothing is dropped: the database stays as it is".to_owned()),
        other => return Err(format!("the request type {other:?} is not known")),
    }
    if is_rollback(request) {
        return Ok("a deploy is rolled back, and the database stays as it is: nothing is migrated".to_owned());
    }
    if request.version.zip(running()).is_some_and(|(requested, running)| requested > running) {
        return Err("an older version of this function received the request; deploy again".to_owned());
    }
    match reload(app).await {
        Ok(()) => {}
        Err(SecretError::NoValue) if request.request_type == "Create" => {
            let done =
                "nothing is migrated: the secrets of the new stack have no values yet; fill them and deploy again";
            return Ok(done.to_owned());
        }
        Err(error) => return Err(error.to_string()),
    }
    let lock_timeout = invocation.time_left(&app.clock).unwrap_or(DEFAULT_TIME);
    let done = perform_with(app, invocation, &MigrateCommand::Migrate, lock_timeout)
        .await
        .map_err(|error| error.to_string())?;
    let MigrateResponse::Migrate(migrated) = done else {
        return Err("the migration returned the result of another command".to_owned());
    };
    Ok(match (migrated.applied.as_slice(), migrated.ahead) {
        ([], true) => format!("the database is ahead, at version {}: nothing is migrated", migrated.current),
        ([], false) => format!("the database is at version {} already", migrated.current),
        (applied, _) => format!("applied {}", applied.join(", ")),
    })
}

/// Reads the secret again, with up to four retries: the permissions of a new IAM role take some seconds to take effect.
async fn reload(app: &App) -> Result<(), SecretError> {
    for _ in 0..4 {
        match app.live.reload().await {
            Err(SecretError::Unreadable(error)) => {
                tracing::warn!(error, "the secret cannot be read; it is read again in 5 s");
                sleep(Duration::from_secs(5)).await;
            }
            result => return result,
        }
    }
    app.live.reload().await
}

/// Whether CloudFormation rolls an update back: the request names an older version of this function than the former
/// request or than the running version. A rollback must not retry the migration that failed, and must not depend on the
/// database that may have caused it.
fn is_rollback(request: &CustomResourceRequest) -> bool {
    let newer = request.version_before.max(running());
    request.version.zip(newer).is_some_and(|(requested, newer)| requested < newer)
}

/// The running version; `None` outside of Lambda, where versions are not compared.
#[expect(clippy::disallowed_methods, reason = "Lambda sets the running version")]
fn running() -> Option<u64> {
    std::env::var("AWS_LAMBDA_FUNCTION_VERSION").ok()?.parse().ok()
}

/// The id for the response. A response to a deletion repeats the id in the request, which CloudFormation invents if
/// creating failed.
fn physical_id(request: &CustomResourceRequest) -> String {
    let given = (request.request_type == "Delete").then_some(&request.physical_resource_id);
    given.filter(|id| !id.is_empty()).map_or(PHYSICAL_ID, String::as_str).to_owned()
}

/// The start of the reason, at most [`MAX_REASON`] bytes.
fn cut(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(MAX_REASON)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_and_endless_work_are_failures() {
        let panics = async { panic!("out of luck") };
        assert_eq!(run_to_end(panics, RESERVE).await, Err("the migration panicked: out of luck".to_owned()));
        let endless = std::future::pending();
        let given_up = run_to_end(endless, Duration::from_millis(1)).await.unwrap_err();
        assert!(given_up.contains("did not finish"), "{given_up}");
        assert_eq!(run_to_end(async { Ok("done".to_owned()) }, RESERVE).await, Ok("done".to_owned()));
    }

    #[test]
    fn a_reason_fits_into_the_response() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(MAX_REASON);
        assert_eq!(cut(&long).len(), MAX_REASON);
        assert_eq!(cut(&format!("x{long}")).len(), MAX_REASON - 1);
    }
}
