//! Everything a run found, as it is written to `bench/results/`.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::cold::Cold;
use crate::concurrent::Concurrent;
use crate::database::{Compared, Delayed, Tables};
use crate::load::Step;
use crate::machine::Machine;
use crate::question::FLOOR;
use crate::warm::{Listing, Warm};
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
    /// How far a function could scale.
    pub(crate) instances: u16,
    pub(crate) machine: Machine,
    pub(crate) binaries: Vec<Binary>,
    pub(crate) cold: Vec<Cold>,
    pub(crate) warm: Vec<Warm>,
    /// Of hashing a password, by itself.
    pub(crate) hash_cpu_ms: f64,
    pub(crate) delayed: Vec<Delayed>,
    pub(crate) lists: Vec<Listing>,
    pub(crate) compared: Vec<Compared>,
    pub(crate) concurrent: Vec<Concurrent>,
    /// The load that the budget names.
    pub(crate) crowd: Step,
    /// From little to too much.
    pub(crate) ramp: Vec<Step>,
    pub(crate) tables: Tables,
}

/// A release binary.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Binary {
    pub(crate) function: String,
    pub(crate) bytes: u64,
}

impl Binary {
    /// The binaries of `functions` in `folder`, where cargo-lambda puts them.
    pub(crate) fn of<const N: usize>(folder: &Path, functions: [&str; N]) -> Result<Vec<Self>> {
        let binary = |function: &str| {
            let path = folder.join(function).join("bootstrap");
            let bytes = fs::metadata(&path).map_err(|error| format!("{}: {error}", path.display()))?.len();
            Ok(Self { function: function.to_owned(), bytes })
        };
        functions.into_iter().map(binary).collect()
    }
}

impl Results {
    /// How many people make as many requests.
    pub(crate) fn users_of(&self, step: &Step) -> f64 {
        step.offered * self.think_seconds
    }

    /// What a binary weighs.
    pub(crate) fn binary_mib(&self, function: &str) -> Option<f64> {
        let binary = self.binaries.iter().find(|binary| binary.function == function)?;
        Some(crate::report::mib(binary.bytes))
    }

    pub(crate) fn cold(&self, function: &str) -> Option<&Cold> {
        self.cold.iter().find(|cold| cold.function == function)
    }

    pub(crate) fn warm(&self, operation: &str) -> Option<&Warm> {
        self.warm.iter().find(|warm| warm.operation == operation)
    }

    /// The empty function of the same run.
    pub(crate) fn floor(&self) -> Option<(&Cold, &Warm)> {
        self.cold(FLOOR).zip(self.warm.iter().find(|warm| warm.function == FLOOR))
    }

    /// The load that figures by operation are told of: that of the crowd, or the hardest that was served within its
    /// budget. What requests take in a queue that only grows says nothing of what they are.
    pub(crate) fn told(&self) -> &Step {
        let p95 = budget::crowd_p95(&self.warm);
        if self.crowd.serves(p95) { &self.crowd } else { self.knee(p95).unwrap_or(&self.crowd) }
    }

    /// The hardest load of which 95 of 100 requests were answered within so many ms and none failed.
    pub(crate) fn knee(&self, p95: f64) -> Option<&Step> {
        ramp::knee(&self.ramp, p95)
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, serde_json::to_string_pretty(self)? + "\n")
            .map_err(|error| format!("{}: {error}", path.display()).into())
    }
}
