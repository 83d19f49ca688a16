//! What an import answers.

use serde::{Deserialize, Serialize};
use shared::db::legacy::{LegacyTable, RowProblem};

/// Where a run stopped, to be sent with the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The table.
    pub source: LegacyTable,
    /// The last row that was looked at; null for the start of the table.
    pub legacy_id: Option<String>,
}

/// What became of the rows of one table, in this run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Rows that were looked at.
    pub found: i64,
    /// KnownRows over now.
    pub imported: i64,
    /// KnownRows over before.
    pub already: i64,
    /// Left out, each with a problem.
    pub skipped: i64,
    /// Of those taken over: with a change, each with a problem.
    pub adjusted: i64,
}

/// What was taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Rows of `"user"`.
    pub users: Counts,
    /// Rows of `task`.
    pub tasks: Counts,
    /// The first problems; the table `legacy_problems` has all of them.
    pub problems: Vec<RowProblem>,
    /// How many problems there are beyond those.
    pub more_problems: usize,
    /// Whether every row of the old tables is accounted for: taken over, or left out with a problem. None if
    /// there was no time for it, or nothing was written.
    pub verified: Option<bool>,
    /// How many accounts have a password hash of the old backend, now: when there are none left,
    /// `LEGACY_PASSWORD_HASHES` can be switched off. None before the end.
    pub legacy_password_hashes: Option<i64>,
    /// Where to go on; none at the end.
    pub next: Option<Position>,
}

impl Imported {
    pub(super) fn empty() -> Self {
        Self {
            users: Counts::default(),
            tasks: Counts::default(),
            problems: Vec::new(),
            more_problems: 0,
            verified: None,
            legacy_password_hashes: None,
            next: None,
        }
    }
}

/// What happens to an old user whose address a newer account has, which is not of the old backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// The old user is left out, and reported.
    #[default]
    Report,
    /// The old user gets the address. The newer account gets a placeholder, and an event that says so.
    OldAccountWins,
}
