//! Everything that a run measured, as it is stored in `results.json`.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::database::{Comparison, DelayedOperation};
use crate::load::Step;
use crate::single::{ColdStarts, ListTimes, WarmRequests};
use crate::{Result, budget, ramp};

/// The results of a run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Results {
    /// When the run ended, in RFC 3339.
    pub(crate) at: String,
    /// The commit, as `git describe` names it.
    pub(crate) version: String,
    pub(crate) quick: bool,
    pub(crate) seed: u64,
    pub(crate) tasks: u64,
    pub(crate) users: u64,
    /// The mean time between two requests of a user.
    pub(crate) think_seconds: f64,
    /// The maximum number of instances of a function.
    pub(crate) instances: u16,
    pub(crate) machine: String,
    pub(crate) cold: Vec<ColdStarts>,
    pub(crate) warm: Vec<WarmRequests>,
    /// The processor time of hashing a password.
    pub(crate) hash_cpu_ms: f64,
    pub(crate) delayed: Vec<DelayedOperation>,
    pub(crate) lists: Vec<ListTimes>,
    pub(crate) compared: Comparison,
    /// The load of all users.
    pub(crate) main: Step,
    /// All loads including the main one, lowest first.
    pub(crate) ramp: Vec<Step>,
}

impl Results {
    /// How many users send the requests of a step.
    pub(crate) fn users_of(&self, step: &Step) -> f64 {
        step.offered * self.think_seconds
    }

    pub(crate) fn cold(&self, function: &str) -> Option<&ColdStarts> {
        self.cold.iter().find(|cold| cold.function == function)
    }

    pub(crate) fn warm(&self, operation: &str) -> Option<&WarmRequests> {
        self.warm.iter().find(|warm| warm.operation == operation)
    }

    /// The highest load of which 95 of 100 requests were answered within `p95` milliseconds and none failed.
    pub(crate) fn highest(&self, p95: f64) -> Option<&Step> {
        ramp::highest(&self.ramp, p95)
    }

    /// The load whose operations are reported: that of all users, or else the highest that was served in time. In an
    /// overload, latencies are mostly waiting time.
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
