//! The migrate function: applies, undoes and compares migrations, and imports the data of the old backend.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod check;
mod cloudformation;
mod embedded;
mod import;
mod lock_retry;
mod rollback;
mod run;
mod status;

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use shared::App;
use shared::config::SettingProblems;
use shared::db::{DbError, cancel, connect_direct, migrations};
use shared::error::describe_error;
use shared::lambda::Invocation;
use shared::metrics;
use tokio::time::timeout;
use tokio_postgres::Client;

pub use check::CheckReport;
pub use cloudformation::{CustomResourceRequest, CustomResourceResponse};
pub use import::{Counts, ImportReport, OnConflict, Position};
pub use rollback::RollbackReport;
pub use run::MigrateReport;
pub use status::StatusReport;

/// A command of an operator, for example `{"action": "migrate"}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum MigrateCommand {
    /// Lists the migrations that are applied and those that are not.
    Status,
    /// Applies the missing migrations: all of them, or none if one fails.
    Migrate,
    /// Undoes migrations, newest first, until `to` is the newest.
    Rollback {
        /// The version to go back to; 0 undoes all migrations.
        to: i32,
    },
    /// Compares the applied migrations with those of this binary.
    Check,
    /// Imports users and tasks of the old backend. Run it again to import rows that were added later.
    ImportLegacy {
        /// Reports what would be imported, and changes nothing.
        #[serde(default)]
        dry_run: bool,
        /// Where an earlier run stopped; null to start at the first row.
        #[serde(default)]
        after: Option<Position>,
        /// Which account keeps an email address that an old user and a newer account both have.
        #[serde(default)]
        on_conflict: OnConflict,
    },
}

/// An event that invokes this function.
#[derive(Clone, Debug)]
pub enum MigrateRequest {
    /// From CloudFormation, which gets the result at the URL in its request.
    CloudFormation(Box<CustomResourceRequest>),
    /// From an operator.
    Command(MigrateCommand),
}

impl<'de> Deserialize<'de> for MigrateRequest {
    /// Recognises a request from CloudFormation by its URL for the response, so that a malformed command gets an error
    /// about commands.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        match CustomResourceRequest::read(&value) {
            Some(request) => Ok(Self::CloudFormation(Box::new(request))),
            None => serde_json::from_value(value).map(Self::Command).map_err(serde::de::Error::custom),
        }
    }
}

/// The result of an invocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum MigrateResponse {
    /// Of a request from CloudFormation.
    CustomResource(CustomResourceResponse),
    /// Of [`MigrateCommand::Status`].
    Status(StatusReport),
    /// Of [`MigrateCommand::Migrate`].
    Migrate(MigrateReport),
    /// Of [`MigrateCommand::Rollback`].
    Rollback(RollbackReport),
    /// Of [`MigrateCommand::Check`].
    Check(CheckReport),
    /// Of [`MigrateCommand::ImportLegacy`].
    Import(Box<ImportReport>),
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Settings(#[from] SettingProblems),
    /// The function has too little time left; the work was cancelled and rolled back.
    #[error("the work did not finish in the function's time, and was cancelled")]
    TimedOut,
    /// Another migration of this database is running.
    #[error("another migration holds the lock and did not finish in time; run this again when it has finished")]
    Locked,
    /// Another import into this database is running.
    #[error("another import is running and did not finish within a minute; run this again when it has finished")]
    ImportLocked,
    /// A query failed.
    #[error("{}", describe_error(.0))]
    Database(#[from] DbError),
    /// A migration failed; no migration of this run was applied.
    #[error("a migration failed, and nothing was changed: {}", describe_error(.0))]
    Failed(#[from] refinery::Error),
    /// The database has no tables of the old backend.
    #[error(
        "there are no tables of the old backend: \"user\" with id and email and either hashed_password or the table account(user_id, provider_id, password), and task with id, user_id and title"
    )]
    NoLegacyTables,
    /// The tables of the old backend have columns that cannot be read.
    #[error("the tables of the old backend cannot be read: {0}")]
    LegacyUnreadable(String),
    /// The target version of a rollback is negative or newer than the database.
    #[error("cannot go back to version {to}: the database is at {current}")]
    InvalidTarget {
        /// The target version.
        to: i32,
        /// The newest applied version.
        current: i32,
    },
    /// A newer binary applied this migration, and only that binary can undo it.
    #[error("this version does not know migration {0}; roll back with the version that applied it")]
    UnknownMigration(i32),
}

/// A hash over all migrations: 16 hexadecimal digits that change when a migration changes.
#[must_use]
pub fn fingerprint() -> String {
    let known = embedded::known();
    let all = known.iter().fold(0_u64, |all, migration| all.rotate_left(7) ^ migration.checksum());
    format!("{all:016x}")
}

/// How long a command waits for another migration to finish. A deploy waits until its deadline.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest time that a migration retries while its tables are in use.
const TABLE_LOCK_TIMEOUT: Duration = Duration::from_secs(120);

/// The longest time that one statement of a migration may take.
const MAX_STATEMENT_TIME: Duration = Duration::from_secs(600);

/// The time before the function's deadline that is reserved for cancelling the work and sending the response.
const RESERVE: Duration = Duration::from_secs(cloudformation::RESERVE.as_secs() + 5);

/// How long cancelling the work, and then resetting the session, may take.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);

/// Handles a request.
///
/// # Errors
/// With a sentence for the operator; for CloudFormation, only if the response could not be delivered.
pub async fn handle(
    app: App,
    invocation: Invocation,
    request: MigrateRequest,
) -> Result<MigrateResponse, Box<dyn std::error::Error + Send + Sync>> {
    match request {
        MigrateRequest::CloudFormation(request) => {
            cloudformation::answer(&app, &invocation, &request).await.map(MigrateResponse::CustomResource)
        }
        MigrateRequest::Command(command) => {
            // The secret may name another database by now, and a migration must not drop columns in the previous one.
            app.live.reload().await?;
            let result = perform(&app, &invocation, &command).await;
            if result.is_err() && command == MigrateCommand::Migrate {
                app.metrics.count(metrics::MetricEvent::MigrationFailures);
            }
            Ok(result?)
        }
    }
}

/// Runs `command` on the database of the settings. Of two concurrent runs, one waits for the other, and both succeed.
///
/// # Errors
/// See [`MigrateError`].
pub async fn perform(
    app: &App,
    invocation: &Invocation,
    command: &MigrateCommand,
) -> Result<MigrateResponse, MigrateError> {
    perform_with(app, invocation, command, LOCK_TIMEOUT).await
}

/// As [`perform`], but waits at most `lock_timeout` for another migration.
async fn perform_with(
    app: &App,
    invocation: &Invocation,
    command: &MigrateCommand,
    lock_timeout: Duration,
) -> Result<MigrateResponse, MigrateError> {
    let problems = app.live.problems();
    if !problems.is_empty() {
        return Err(SettingProblems::clone(&problems).into());
    }
    let mut client = connect_direct(&*app.live).await?;
    let work = async {
        migrations::prepare(&client).await?;
        perform_on(&mut client, app, invocation, command, lock_timeout).await
    };
    // An import watches its deadline itself, between two batches.
    let bounded = !matches!(command, MigrateCommand::ImportLegacy { .. });
    let left = invocation.time_left(&app.clock).filter(|_| bounded);
    let result = match left.map(|left| left.saturating_sub(RESERVE)) {
        None => work.await,
        Some(limit) => {
            if let Ok(result) = timeout(limit, work).await {
                result
            } else {
                // The server does not notice that the client stopped waiting, and would keep its locks.
                let _ = timeout(CANCEL_TIMEOUT, cancel(&*app.live, &client)).await;
                Err(MigrateError::TimedOut)
            }
        }
    };
    // A pooler keeps the session of a closed connection, and with it the advisory lock.
    if !matches!(timeout(CANCEL_TIMEOUT, migrations::reset_session(&client)).await, Ok(Ok(()))) {
        tracing::warn!("the database session could not be reset; its locks are held until its connection closes");
    }
    result
}

async fn perform_on(
    client: &mut Client,
    app: &App,
    invocation: &Invocation,
    command: &MigrateCommand,
    lock_timeout: Duration,
) -> Result<MigrateResponse, MigrateError> {
    match command {
        MigrateCommand::Status => status::read(client).await.map(MigrateResponse::Status),
        MigrateCommand::Check => check::compare(client).await.map(MigrateResponse::Check),
        MigrateCommand::Migrate => {
            lock(client, app, invocation, lock_timeout).await?;
            run::migrate(client, table_lock_timeout(app, invocation)).await.map(MigrateResponse::Migrate)
        }
        MigrateCommand::Rollback { to } => {
            lock(client, app, invocation, lock_timeout).await?;
            rollback::rollback(client, *to, table_lock_timeout(app, invocation)).await.map(MigrateResponse::Rollback)
        }
        MigrateCommand::ImportLegacy { dry_run, after, on_conflict } => {
            migrations::lock_import(client, LOCK_TIMEOUT)
                .await
                .map_err(map_lock_timeout(MigrateError::ImportLocked))?;
            let (dry_run, on_conflict, deadline) = (*dry_run, *on_conflict, invocation.deadline);
            let options = import::Options { dry_run, on_conflict, after: after.clone(), deadline };
            import::run(client, &app.clock, &options).await.map(|imported| MigrateResponse::Import(Box::new(imported)))
        }
    }
}

/// Takes the lock and sets the statement timeout, so that no statement runs on after the function has ended.
async fn lock(client: &Client, app: &App, invocation: &Invocation, lock_timeout: Duration) -> Result<(), MigrateError> {
    let left = || time_left(app, invocation);
    migrations::lock(client, left().min(lock_timeout)).await.map_err(map_lock_timeout(MigrateError::Locked))?;
    migrations::set_timeouts(client, left().min(MAX_STATEMENT_TIME)).await?;
    Ok(())
}

/// How long locks and statements may take from now: a second less than the work, so that PostgreSQL reports what
/// blocked it before the work is cancelled.
fn time_left(app: &App, invocation: &Invocation) -> Duration {
    let reserve = RESERVE + Duration::from_secs(1);
    invocation.time_left(&app.clock).map_or(MAX_STATEMENT_TIME, |left| left.saturating_sub(reserve))
}

/// How long a migration retries while its tables are in use, within the time left.
fn table_lock_timeout(app: &App, invocation: &Invocation) -> Duration {
    time_left(app, invocation).min(TABLE_LOCK_TIMEOUT)
}

/// Turns a lock timeout into `timed_out`.
fn map_lock_timeout(timed_out: MigrateError) -> impl FnOnce(DbError) -> MigrateError {
    |error| match error {
        DbError::TimedOut(_) => timed_out,
        other => other.into(),
    }
}
