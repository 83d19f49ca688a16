//! Everything that a run measured, as it is kept in `results.json`.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::database::{Compared, Delayed};
use crate::load::Step;
use crate::single::{Cold, Listing, Warm};
use crate::{Result, budget, ramp};

/// A run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Results {
    /// When it ended, in RFC 3339.
    pub(crate) at: String,
    /// The commit, as `git describe` names it.
    pub(crate) version: String,
    pub(crate) quick: bool,
    pub(crate) seed: u64,
    pub(crate) tasks: u64,
    pub(crate) users: u64,
    /// Between two requests of a user, on average.
    pub(crate) think_seconds: f64,
    /// How many instances a function could have.
    pub(crate) instances: u16,
    pub(crate) machine: String,
    pub(crate) cold: Vec<Cold>,
    pub(crate) warm: Vec<Warm>,
    /// Hashing a password alone.
    pub(crate) hash_cpu_ms: f64,
    pub(crate) delayed: Vec<Delayed>,
    pub(crate) lists: Vec<Listing>,
    pub(crate) compared: Compared,
    /// The load of all users.
    pub(crate) main: Step,
    /// All loads, the main one among them, lowest first.
    pub(crate) ramp: Vec<Step>,
}

impl Results {
    /// How many users send the requests of a step.
    pub(crate) fn users_of(&self, step: &Step) -> f64 {
        step.offered * self.think_seconds
    }

    pub(crate) fn cold(&self, function: &str) -> Option<&Cold> {
        self.cold.iter().find(|cold| cold.function == function)
    }

    pub(crate) fn warm(&self, operation: &str) -> Option<&Warm> {
        self.warm.iter().find(|warm| warm.operation == operation)
    }

    /// The highest load of which 95 of 100 requests were answered within so many milliseconds and none failed.
    pub(crate) fn highest(&self, p95: f64) -> Option<&Step> {
        ramp::highest(&self.ramp, p95)
    }

    /// The load by which operations are reported: that of all users, or the highest that was served in time. In an
    /// overload, requests mostly wait, which says little about them.
    pub(crate) fn reported(&self) -> &Step {
        let p95 = budget::users_p95(&self.warm);
        if self.main.meets(p95) { &self.main } else { self.highest(p95).unwrap_or(&self.main) }
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        Ok(fs::write(path, serde_json::to_string_pretty(self)? + "\n")?)
    }
}
