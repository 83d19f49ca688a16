//! What a load showed.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::Load;
use super::recorder::{Latencies, Quantiles, Recorder};
use crate::Result;
use crate::data::Class;
use crate::lambda::cpu_of;
use crate::load::Operation;
use crate::stand::{Fleets, Stand};

/// The part of a processor the harness may use before its own slowness is measured.
const HARNESS_LIMIT: f64 = 0.7;

/// The figures of one load.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Step {
    /// Requests a second that were to be sent.
    pub(crate) offered: f64,
    /// Requests a second that succeeded, until the last one was answered.
    pub(crate) achieved: f64,
    /// How long requests were sent, without the warm-up.
    pub(crate) sent_for: Duration,
    pub(crate) latency: Quantiles,
    pub(crate) operations: BTreeMap<String, Quantiles>,
    /// By operation, and how many tasks the user has.
    pub(crate) classes: BTreeMap<String, BTreeMap<String, Quantiles>>,
    pub(crate) database: Quantiles,
    /// Waiting for an instance; cold starts are part of it.
    pub(crate) queued: Quantiles,
    /// How late requests were sent; it is part of every latency.
    pub(crate) late: Quantiles,
    /// Requests that met neither an idle instance nor room for another; here they wait, Lambda answers 429.
    pub(crate) throttled: u64,
    pub(crate) errors: BTreeMap<String, u64>,
    /// Instances started, by function.
    pub(crate) instances: BTreeMap<String, usize>,
    /// Processor time in milliseconds per request, by what used it.
    pub(crate) cpu_ms: BTreeMap<String, f64>,
    /// Of a processor, the part that the harness used.
    pub(crate) harness_busy: f64,
    /// The mean body of an answer.
    pub(crate) answer_bytes: f64,
    /// What functions wrote into their logs per request.
    pub(crate) log_bytes: f64,
}

impl Step {
    pub(crate) fn failed(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Whether 95 of 100 requests were answered within so many ms and none failed.
    pub(crate) fn serves(&self, p95: f64) -> bool {
        self.latency.p95 <= p95 && self.failed() == 0 && self.is_of_the_service()
    }

    /// Whether the figures are of the service, and not of the harness.
    pub(crate) fn is_of_the_service(&self) -> bool {
        self.harness_busy <= HARNESS_LIMIT
    }
}

/// What has been used so far.
pub(super) struct Used {
    cpu: BTreeMap<String, Duration>,
    log: u64,
}

pub(super) fn used(stand: &Stand, fleets: &Fleets) -> Result<Used> {
    let (server, pooler) = stand.database_cpu();
    let mut cpu = BTreeMap::from([
        ("PostgreSQL".to_owned(), server),
        ("PgBouncer".to_owned(), pooler),
        (HARNESS.to_owned(), cpu_of(Pid::this())?),
    ]);
    for (name, fleet) in fleets {
        cpu.insert((*name).to_owned(), fleet.cpu()?);
    }
    Ok(Used { cpu, log: stand.logged(fleets.keys().copied())? })
}

const HARNESS: &str = "harness";

/// Puts together what was seen in so many seconds.
pub(super) fn of(
    load: Load,
    recorder: Recorder,
    seconds: f64,
    (before, after): (&Used, &Used),
    instances: BTreeMap<String, usize>,
) -> Step {
    let latency = recorder.all.quantiles();
    let answered = crate::report::float(latency.count);
    let used = |name: &str, now: &Duration| now.saturating_sub(before.cpu.get(name).copied().unwrap_or_default());
    let each = |name: &str, now: &Duration| used(name, now).as_secs_f64() * 1000.0 / answered.max(1.0);
    let merged = |operation: Operation| {
        let classes = Class::ALL.iter().filter_map(|class| recorder.operations.get(&(operation, *class)));
        let mut all = Latencies::default();
        classes.for_each(|class| all.merge(class));
        (operation.name().to_owned(), all.quantiles())
    };
    let by_class = |operation: Operation| {
        let classes = Class::ALL.iter().filter_map(|class| {
            let latencies = recorder.operations.get(&(operation, *class))?;
            Some((class.name().to_owned(), latencies.quantiles()))
        });
        (operation.name().to_owned(), classes.collect())
    };
    Step {
        offered: load.rate,
        achieved: answered / seconds.max(load.duration.as_secs_f64()),
        sent_for: load.duration,
        operations: Operation::ALL.map(merged).into(),
        classes: Operation::ALL.map(by_class).into(),
        database: recorder.database.quantiles(),
        queued: recorder.queued.quantiles(),
        late: recorder.late.quantiles(),
        throttled: recorder.throttled,
        instances,
        harness_busy: after.cpu.get(HARNESS).map_or(0.0, |now| used(HARNESS, now).as_secs_f64() / seconds),
        cpu_ms: after.cpu.iter().map(|(name, now)| (name.clone(), each(name, now))).collect(),
        answer_bytes: crate::report::float(recorder.bytes) / answered.max(1.0),
        log_bytes: crate::report::float(after.log.saturating_sub(before.log)) / answered.max(1.0),
        errors: recorder.errors,
        latency,
    }
}
