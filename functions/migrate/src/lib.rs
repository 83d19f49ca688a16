//! Migrations: what can be asked of this function.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod check;
mod cloudformation;
mod embedded;
mod import;
mod patience;
mod rollback;
mod run;
mod status;

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use shared::App;
use shared::config::Problems;
use shared::db::{DbError, cancel, connect_direct, migrations};
use shared::error::line;
use shared::lambda::Invocation;
use shared::metrics;
use tokio::time::timeout;
use tokio_postgres::Client;

use import::Import;

pub use check::Checked;
pub use cloudformation::{Asked, Told};
pub use import::{Counts, Imported, OnConflict, Position};
pub use rollback::RolledBack;
pub use run::Migrated;
pub use status::Status;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// Say which migrations are applied and which are not.
    Status,
    /// Apply what is missing, all or nothing.
    Migrate,
    /// Undo migrations, newest first, until `to` is the newest.
    Rollback {
        /// The version to go back to; 0 undoes all.
        to: i32,
    },
    /// Compare what was applied with what this binary knows.
    Check,
    /// Take over users and tasks of the old backend; run it again to pick up what came later.
    ImportLegacy {
        /// Only look.
        #[serde(default)]
        dry_run: bool,
        /// Where an earlier run stopped.
        #[serde(default)]
        after: Option<Position>,
        /// Who keeps an address that an old user and a newer account both have.
        #[serde(default)]
        on_conflict: OnConflict,
    },
}

/// Whatever can arrive.
#[derive(Clone, Debug)]
pub enum Arrived {
    /// From CloudFormation, which hears the outcome elsewhere.
    CloudFormation(Box<Asked>),
    /// From an operator.
    Invocation(Event),
}

impl<'de> Deserialize<'de> for Arrived {
    /// Told apart by the URL for the answer, so that the errors of either are its own.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        match Asked::read(&value) {
            Some(asked) => Ok(Self::CloudFormation(Box::new(asked))),
            None => serde_json::from_value(value).map(Self::Invocation).map_err(serde::de::Error::custom),
        }
    }
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To CloudFormation.
    Told(Told),
    /// To [`Event::Status`].
    Status(Status),
    /// To [`Event::Migrate`].
    Migrated(Migrated),
    /// To [`Event::Rollback`].
    RolledBack(RolledBack),
    /// To [`Event::Check`].
    Checked(Checked),
    /// To [`Event::ImportLegacy`].
    Imported(Box<Imported>),
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] Problems),
    /// There was not enough time; what was begun was undone.
    #[error("the work did not finish in the function's time, and was given up")]
    GivenUp,
    /// Somebody else migrates this database.
    #[error("another migration holds the lock, and did not finish while this one waited")]
    Locked,
    /// Somebody else imports into this database.
    #[error("another import is running; it did not finish within a minute")]
    ImportLocked,
    /// The database refused.
    #[error("{}", line(.0))]
    Database(#[from] DbError),
    /// A migration failed; none of this run was applied.
    #[error("a migration failed, and nothing was changed: {}", line(.0))]
    Failed(#[from] refinery::Error),
    /// There is nothing to take over.
    #[error(
        "there are no tables of the old backend: \"user\" with id and email and either hashed_password or the table account(user_id, provider_id, password), and task with id, user_id and title"
    )]
    NoLegacy,
    /// What is there cannot be read as it is.
    #[error("the tables of the old backend cannot be read: {0}")]
    LegacyUnreadable(String),
    /// There is nothing to go back to.
    #[error("cannot go back to version {to}: the database is at {current}")]
    NotBack {
        /// Where to go.
        to: i32,
        /// Where the database is.
        current: i32,
    },
    /// A newer binary applied this migration; only it can undo it.
    #[error("migration {0} is not known to this version and can only be undone by the one that applied it")]
    NoDown(i32),
}

/// Changes with the content of any migration.
#[must_use]
pub fn fingerprint() -> String {
    let known = embedded::known();
    let all = known.iter().fold(0_u64, |all, one| all.rotate_left(7) ^ one.checksum());
    format!("{all:016x}")
}

/// How long an operator waits for another migration to finish; a deploy waits as long as it can.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long tables may be in use before a migration is given up.
const TABLE_PATIENCE: Duration = Duration::from_secs(120);

/// The longest that one statement of a migration may take.
const LONGEST: Duration = Duration::from_secs(600);

/// Kept back before the function's deadline, to give up in, and to say so.
const RESERVE: Duration = Duration::from_secs(cloudformation::RESERVE.as_secs() + 5);

/// How long giving up may take.
const GIVING_UP: Duration = Duration::from_secs(2);

/// Answers an event.
///
/// # Errors
/// With a sentence for the operator.
pub async fn handle(
    app: App,
    invocation: Invocation,
    arrived: Arrived,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    match arrived {
        Arrived::CloudFormation(request) => cloudformation::answer(&app, &invocation, &request).await.map(Answer::Told),
        Arrived::Invocation(event) => {
            // What drops a column does not do it where the database was a while ago.
            app.live.reload().await?;
            let answer = perform(&app, &invocation, &event).await;
            if answer.is_err() && event == Event::Migrate {
                app.metrics.count(metrics::Event::MigrationFailures);
            }
            Ok(answer?)
        }
    }
}

/// Does what `event` says with the database of the settings. Two at once: one waits, both answer.
///
/// # Errors
/// As [`MigrateError`].
pub async fn perform(app: &App, invocation: &Invocation, event: &Event) -> Result<Answer, MigrateError> {
    perform_with(app, invocation, event, PATIENCE).await
}

/// As [`perform`], waiting so long for another migration.
async fn perform_with(
    app: &App,
    invocation: &Invocation,
    event: &Event,
    patience: Duration,
) -> Result<Answer, MigrateError> {
    let problems = app.live.problems();
    if !problems.is_empty() {
        return Err(Problems::clone(&problems).into());
    }
    let mut client = connect_direct(&app.live).await?;
    let work = async {
        migrations::prepare(&client).await?;
        perform_on(&mut client, app, invocation, event, patience).await
    };
    // An import stops by itself, between two batches.
    let bounded = !matches!(event, Event::ImportLegacy { .. });
    let left = invocation.time_left(&app.clock).filter(|_| bounded);
    let answer = match left.map(|left| left.saturating_sub(RESERVE)) {
        None => work.await,
        Some(limit) => {
            if let Ok(answer) = timeout(limit, work).await {
                answer
            } else {
                // The server does not notice by itself, and would go on holding its locks.
                let _ = timeout(GIVING_UP, cancel(&app.live, &client)).await;
                Err(MigrateError::GivenUp)
            }
        }
    };
    // Closing the connection would do, were it not for poolers.
    if !matches!(timeout(GIVING_UP, migrations::release(&client)).await, Ok(Ok(()))) {
        tracing::warn!("the session could not be reset; it ends with its connection");
    }
    answer
}

async fn perform_on(
    client: &mut Client,
    app: &App,
    invocation: &Invocation,
    event: &Event,
    patience: Duration,
) -> Result<Answer, MigrateError> {
    match event {
        Event::Status => status::read(client).await.map(Answer::Status),
        Event::Check => check::compare(client).await.map(Answer::Checked),
        Event::Migrate => {
            lock(client, app, invocation, patience).await?;
            run::migrate(client, table_patience(app, invocation)).await.map(Answer::Migrated)
        }
        Event::Rollback { to } => {
            lock(client, app, invocation, patience).await?;
            rollback::back_to(client, *to, table_patience(app, invocation)).await.map(Answer::RolledBack)
        }
        Event::ImportLegacy { dry_run, after, on_conflict } => {
            migrations::lock_import(client, PATIENCE).await.map_err(locked(MigrateError::ImportLocked))?;
            let (dry_run, on_conflict, deadline) = (*dry_run, *on_conflict, invocation.deadline);
            let import = Import { dry_run, on_conflict, after: after.clone(), deadline };
            import::run(client, &app.clock, &import).await.map(|imported| Answer::Imported(Box::new(imported)))
        }
    }
}

/// Takes the lock, and bounds what comes: no statement goes on after the function has ended.
async fn lock(client: &Client, app: &App, invocation: &Invocation, patience: Duration) -> Result<(), MigrateError> {
    let left = || time_left(app, invocation);
    migrations::lock(client, left().min(patience)).await.map_err(locked(MigrateError::Locked))?;
    migrations::bound(client, left().min(LONGEST)).await?;
    Ok(())
}

/// How long locks and statements may take from now: a little less than the work, so that they say what was in the way.
fn time_left(app: &App, invocation: &Invocation) -> Duration {
    let reserve = RESERVE + Duration::from_secs(1);
    invocation.time_left(&app.clock).map_or(LONGEST, |left| left.saturating_sub(reserve))
}

/// How long tables that are in use are tried for.
fn table_patience(app: &App, invocation: &Invocation) -> Duration {
    time_left(app, invocation).min(TABLE_PATIENCE)
}

/// Says who holds a lock that was waited for in vain.
fn locked(by: MigrateError) -> impl FnOnce(DbError) -> MigrateError {
    |error| match error {
        DbError::TimedOut(_) => by,
        other => other.into(),
    }
}
