//! The result of an import.

use serde::{Deserialize, Serialize};
use shared::db::legacy::{LegacyTable, RowProblem};

/// Where a run stopped. The next run takes it as `after`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The table that the run was reading.
    pub source: LegacyTable,
    /// The id of the last row that was read; null for the start of the table.
    pub legacy_id: Option<String>,
}

/// How many rows of one table this run read, and what happened to them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Rows that were read.
    pub found: i64,
    /// Rows that this run imported.
    pub imported: i64,
    /// Rows that an earlier run imported.
    pub already: i64,
    /// Rows that were not imported, each with a problem.
    pub skipped: i64,
    /// Imported rows with a changed value, each with a problem.
    pub adjusted: i64,
}

/// The result of [`MigrateCommand::ImportLegacy`](crate::MigrateCommand::ImportLegacy).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// The rows of the table `"user"`.
    pub users: Counts,
    /// The rows of the table `task`.
    pub tasks: Counts,
    /// The first 200 problems; the table `legacy_problems` has all of them.
    pub problems: Vec<RowProblem>,
    /// How many problems are not in `problems`.
    pub more_problems: usize,
    /// Whether every row of the old tables was imported or has a problem that says why not. Null if the run stopped
    /// early, or was a dry run.
    pub verified: Option<bool>,
    /// How many accounts still have a legacy hash; at 0, `LEGACY_PASSWORD_HASHES` can be set to `off`. Null if the run
    /// stopped early.
    pub legacy_password_hashes: Option<i64>,
    /// Where the next run must continue; null if all rows were read.
    pub next: Option<Position>,
}

/// What happens to an old user whose email address belongs to a newer account that was not imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// The old user is not imported, and is reported as a problem.
    #[default]
    Report,
    /// The old user gets the email address. The newer account gets a placeholder and an audit event.
    OldAccountWins,
}
