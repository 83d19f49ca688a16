//! CloudFormation's custom resource: every deploy sends an event here before it changes a function that serves, and
//! waits for the answer at a URL (docs/decisions/migrations-before-traffic.md).

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

use crate::{Answer, Event, MigrateError, perform_with};

/// The resource is always the same one: another id would make CloudFormation delete the one before.
const PHYSICAL_ID: &str = "migrations";

/// Kept back before the function's deadline, to answer with.
pub(crate) const RESERVE: Duration = Duration::from_secs(20);

/// How long it may take where nobody says when the function ends.
const WITHOUT_DEADLINE: Duration = Duration::from_secs(600);

/// The longest reason in bytes; the whole answer may have 4096.
const LONGEST_REASON: usize = 1500;

/// What CloudFormation asks for. Unlike the type of the field's library it takes any request, whatever else is missing
/// or odd: who gives a URL is answered.
#[derive(Clone, Debug)]
pub struct Asked {
    request_type: String,
    response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    physical_resource_id: String,
    /// The version of this function that the template wants to migrate with, and wanted before.
    version: Option<u64>,
    /// None if it was another function's, whose versions say nothing of this one's.
    version_before: Option<u64>,
}

impl Asked {
    /// Reads an event that has a URL for the answer.
    pub(crate) fn read(event: &Value) -> Option<Self> {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        // The ARN of a function, and the number.
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

/// What CloudFormation was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// `SUCCESS` or `FAILED`.
    pub status: &'static str,
    /// Why.
    pub reason: String,
}

/// Does what CloudFormation asks for, and tells it the outcome before the function's deadline: a panic and work that
/// takes too long are failures like any other. If the instance itself dies, Lambda delivers the event again.
///
/// # Errors
/// Only if CloudFormation could not be told: Lambda delivers the event again then, too.
pub(crate) async fn answer(
    app: &App,
    invocation: &Invocation,
    request: &Asked,
) -> Result<Told, Box<dyn std::error::Error + Send + Sync>> {
    let left = invocation.time_left(&app.clock).unwrap_or(WITHOUT_DEADLINE + RESERVE);
    let outcome = conclude(decide(app, invocation, request), left.saturating_sub(RESERVE)).await;
    let (status, reason) = match outcome {
        Ok(done) => (Status::Success, done),
        Err(reason) => {
            app.metrics.count(metrics::Event::MigrationFailures);
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
        tracing::info!(reason, request = request.request_type, "CloudFormation was told SUCCESS");
    } else {
        tracing::error!(reason, request = request.request_type, "CloudFormation was told FAILED");
    }
    Ok(Told { status: name, reason })
}

/// Brings work to an outcome, whatever it does.
async fn conclude(work: impl Future<Output = Result<String, String>>, limit: Duration) -> Result<String, String> {
    match tokio::time::timeout(limit, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(format!("the migration panicked: {}", panic_message(&*panic))),
        Err(_) => Err(MigrateError::GivenUp.to_string()),
    }
}

/// The sentence for CloudFormation: what was done, or why it was not.
async fn decide(app: &App, invocation: &Invocation, request: &Asked) -> Result<String, String> {
    match request.request_type.as_str() {
        "Create" | "Update" => {}
        "Delete" => return Ok("nothing is dropped: the database stays as it is".to_owned()),
        other => return Err(format!("the request type {other:?} is not known")),
    }
    if is_taken_back(request) {
        return Ok("a deploy is taken back, and the database stays as it is: nothing is migrated".to_owned());
    }
    if request.version.zip(running()).is_some_and(|(asked, running)| asked > running) {
        return Err("an older version of the function was asked; deploy again".to_owned());
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
    let patience = invocation.time_left(&app.clock).unwrap_or(WITHOUT_DEADLINE);
    let done = perform_with(app, invocation, &Event::Migrate, patience).await.map_err(|error| error.to_string())?;
    let Answer::Migrated(migrated) = done else { return Err("migrating gave another answer".to_owned()) };
    Ok(match (migrated.applied.as_slice(), migrated.ahead) {
        ([], true) => format!("the database is ahead, at version {}: nothing is migrated", migrated.current),
        ([], false) => format!("the database is at version {} already", migrated.current),
        (applied, _) => format!("applied {}", applied.join(", ")),
    })
}

/// Reads the secret. The rights of a role that has just been made take some seconds to be known everywhere.
async fn reload(app: &App) -> Result<(), SecretError> {
    for _ in 0..4 {
        match app.live.reload().await {
            Err(SecretError::Unreadable(error)) => {
                tracing::warn!(error, "the secret cannot be read; trying again");
                sleep(Duration::from_secs(5)).await;
            }
            result => return result,
        }
    }
    app.live.reload().await
}

/// Whether CloudFormation takes an update back: it asks for an older version of this function than it did before, or
/// than the one that runs. Neither may what failed be tried once more, nor may a rollback hang on a database that is
/// the very reason for it.
fn is_taken_back(request: &Asked) -> bool {
    let newer = request.version_before.max(running());
    request.version.zip(newer).is_some_and(|(asked, newer)| asked < newer)
}

/// The version that runs; none outside of Lambda, where versions are not compared.
#[expect(clippy::disallowed_methods, reason = "Lambda says which version runs")]
fn running() -> Option<u64> {
    std::env::var("AWS_LAMBDA_FUNCTION_VERSION").ok()?.parse().ok()
}

/// A resource that never got its id from us is deleted under the one that CloudFormation made up.
fn physical_id(request: &Asked) -> String {
    let given = (request.request_type == "Delete").then_some(&request.physical_resource_id);
    given.filter(|id| !id.is_empty()).map_or(PHYSICAL_ID, String::as_str).to_owned()
}

fn cut(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(LONGEST_REASON)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_and_endless_work_are_failures() {
        let panics = async { panic!("out of luck") };
        assert_eq!(conclude(panics, RESERVE).await, Err("the migration panicked: out of luck".to_owned()));
        let endless = std::future::pending();
        let given_up = conclude(endless, Duration::from_millis(1)).await.unwrap_err();
        assert!(given_up.contains("did not finish"), "{given_up}");
        assert_eq!(conclude(async { Ok("done".to_owned()) }, RESERVE).await, Ok("done".to_owned()));
    }

    #[test]
    fn a_reason_fits_into_the_answer() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(LONGEST_REASON);
        assert_eq!(cut(&long).len(), LONGEST_REASON);
        assert_eq!(cut(&format!("x{long}")).len(), LONGEST_REASON - 1);
    }
}
