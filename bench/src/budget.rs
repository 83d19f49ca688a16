//! What may not be exceeded. Times and processor time are judged beside the floor of the same run: on a machine
//! where the empty function is slower than where the budgets were set, they stretch by as much.

use crate::data::Class;
use crate::results::Results;

/// 95 of 100 requests of 10,000 users, in milliseconds.
pub(crate) const CROWD_P95: f64 = 50.0;

/// The empty function where the budgets were set: to the first poll, and processor time of a request, in ms.
const FLOOR_INIT: f64 = 2.2;
const FLOOR_CPU: f64 = 0.07;

/// Of tasks: from the start of the process to the first poll, beyond the floor, in ms.
const INIT_BEYOND_FLOOR: f64 = 6.0;

/// Processor time of a warm request in ms, also as a multiple of the floor.
const CPU: [(&str, f64); 2] = [("get", 0.30), ("list 50", 0.45)];

/// Peak memory in MiB.
const MEMORY: [(&str, f64); 2] = [("tasks", 16.0), ("auth", 48.0)];

/// The database time of a first page with its exact count, in ms.
const LISTS: [(Class, f64); 3] = [(Class::Hundred, 0.5), (Class::TenThousand, 3.0), (Class::FiftyThousand, 10.0)];

/// A warm list of fifty, as its caller sees it, in multiples of the same transaction by pgbench.
const LIST_TO_PGBENCH: f64 = 2.0;

/// What a binary may weigh: unpacked, in MiB.
const BINARY: f64 = 20.0;

/// A budget and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) what: String,
    pub(crate) measured: f64,
    pub(crate) limit: f64,
    pub(crate) unit: &'static str,
}

impl Verdict {
    pub(crate) fn holds(&self) -> bool {
        self.measured <= self.limit
    }
}

/// Judges a run.
pub(crate) fn judge(results: &Results) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let mut add = |what: String, measured: f64, limit: f64, unit: &'static str| {
        verdicts.push(Verdict { what, measured, limit, unit });
    };
    for delayed in &results.delayed {
        // Verifying the password comes between reading the account and opening the session.
        let trips = if delayed.operation == "sign in" { 2 } else { 1 };
        let (trips, count) = (f64::from(trips), crate::report::float(delayed.round_trips));
        add(format!("round trips, {}", delayed.operation), count, trips, "");
    }
    let (floor_init, floor_cpu) =
        results.floor().map_or((FLOOR_INIT, FLOOR_CPU), |(cold, warm)| (cold.init_ms.p50, warm.cpu_ms));
    let slower_init = (floor_init / FLOOR_INIT).max(1.0);
    let slower = (floor_cpu / FLOOR_CPU).max(1.0);
    if let Some(tasks) = results.cold("tasks") {
        let limit = floor_init + INIT_BEYOND_FLOOR * slower_init;
        add("init of tasks".to_owned(), tasks.init_ms.p50, limit, "ms");
    }
    for (operation, limit) in CPU {
        if let Some(warm) = results.warm(operation) {
            add(format!("processor time, {operation}"), warm.cpu_ms, limit * slower, "ms");
        }
    }
    for (function, limit) in MEMORY {
        let peaks = results.warm.iter().filter(|warm| warm.function == function).map(|warm| warm.memory_mib);
        if let Some(peak) = peaks.max_by(f64::total_cmp) {
            add(format!("peak memory of {function}"), peak, limit, "MiB");
        }
    }
    for (class, limit) in LISTS {
        if let Some(listing) = results.lists.iter().find(|listing| listing.tasks == class.tasks()) {
            add(
                format!("database time, first page of {}", class.name()),
                listing.database_ms.p50,
                limit * slower,
                "ms",
            );
        }
    }
    if let Some(compared) = results.compared.first() {
        let limit = compared.pgbench_ms * LIST_TO_PGBENCH;
        add("list against pgbench, one at a time".to_owned(), compared.function_ms, limit, "ms");
    }
    let users = crate::report::thousands(results.users);
    add(format!("95 of 100 requests of {users} users"), results.crowd.latency.p95, CROWD_P95 * slower, "ms");
    add(format!("failed requests of {users} users"), crate::report::float(results.crowd.failed()), 0.0, "");
    for binary in &results.binaries {
        let mib = crate::report::float(binary.bytes) / (1024.0 * 1024.0);
        add(format!("size of {}", binary.function), mib, BINARY, "MiB");
    }
    verdicts
}
