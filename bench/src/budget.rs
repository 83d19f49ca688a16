//! The budgets, and whether a run meets them.
//!
//! They were set for a machine on which the empty function takes 0.07 ms of processor time per request. On a slower
//! machine, the budgets of processor and database time grow in proportion, at most twofold, and fewer users are
//! required. Database time is compared with pgbench.

use crate::latency::float;
use crate::operation::{Operation, WARM};
use crate::report::short;
use crate::results::Results;
use crate::single::WarmRequests;

/// 95 of 100 requests of the users must be answered within this, in milliseconds.
pub(crate) const USERS_P95: f64 = 50.0;

/// How many users must be served at the same time.
const USERS: f64 = 10_000.0;

/// The processor time of the empty function on the machine for which the budgets were set, in milliseconds.
const FLOOR_CPU: f64 = 0.07;

/// Budgets are not extended beyond this factor.
const SLOWEST: f64 = 2.0;

/// Latency with 25 ms between function and database, in milliseconds: less than two round trips.
const DELAYED: [(&str, f64); 2] = [("get", 50.0), ("list", 50.0)];

/// The init time of tasks minus that of the empty function, in milliseconds.
const INIT_BEYOND_FLOOR: f64 = 6.0;

/// Processor time of a warm request, in milliseconds.
const CPU: [(&str, f64); 2] = [("get", 0.30), ("list", 0.45)];

/// Processor time of a sign-in, in multiples of hashing a password in this program, which is compiled for less speed.
const SIGN_IN: f64 = 1.2;

/// Peak memory in MiB.
const MEMORY: [(&str, f64); 2] = [("tasks", 16.0), ("auth", 48.0)];

/// Database time of a first page with its exact count, in milliseconds, by tasks of the user.
const LISTS: [(u64, f64); 3] = [(100, 0.5), (10_000, 3.0), (50_000, 10.0)];

/// The first page of a user with 100 tasks may take this multiple of the same transaction by pgbench, where that is
/// more. It extends the budget no further than [`SLOWEST`].
const PAGE_TO_PGBENCH: f64 = 1.3;

/// A warm list in multiples of the same transaction by pgbench. Runs of one build find 1.6 to 2.1.
const LIST_TO_PGBENCH: f64 = 2.5;

/// A budget and the measurement that it limits.
#[derive(Clone, Debug)]
pub(crate) struct BudgetCheck {
    pub(crate) what: String,
    /// `None` if the run did not measure it; then the budget is missed.
    pub(crate) measured: Option<f64>,
    /// The budget as it was set.
    pub(crate) set: f64,
    /// The budget for this machine.
    pub(crate) here: f64,
    /// Whether the budget is a minimum instead of a maximum.
    is_minimum: bool,
    unit: &'static str,
}

impl BudgetCheck {
    pub(crate) fn is_met(&self) -> bool {
        self.measured
            .is_some_and(|measured| if self.is_minimum { measured >= self.here } else { measured <= self.here })
    }

    /// Formats a budget with its sign and unit.
    pub(crate) fn text(&self, budget: f64) -> String {
        let sign = if self.is_minimum { "≥" } else { "≤" };
        format!("{sign} {} {}", short(budget), self.unit).trim_end().to_owned()
    }

    pub(crate) fn measured_text(&self) -> String {
        self.measured.map_or_else(|| "not measured".to_owned(), short)
    }
}

/// How much slower this machine is than the one for which the budgets were set, by the processor time of the floor.
pub(crate) fn slowness(warm: &[WarmRequests]) -> f64 {
    let mut floors: Vec<f64> = warm.iter().map(|warm| warm.floor_cpu_ms).collect();
    floors.sort_by(f64::total_cmp);
    floors.get(floors.len() / 2).map_or(1.0, |floor| slowness_by(*floor))
}

fn slowness_by(floor_cpu_ms: f64) -> f64 {
    (floor_cpu_ms / FLOOR_CPU).clamp(1.0, SLOWEST)
}

/// The limit for 95 of 100 requests of the users on this machine, in milliseconds.
pub(crate) fn users_p95(warm: &[WarmRequests]) -> f64 {
    USERS_P95 * slowness(warm)
}

/// Compares a run with the budgets.
pub(crate) fn check_all(results: &Results) -> Vec<BudgetCheck> {
    let mut checks = Vec::new();
    let mut add = |what: String, measured: Option<f64>, set: f64, factor: f64, unit: &'static str| {
        checks.push(BudgetCheck { what, measured, set, here: set * factor, is_minimum: false, unit });
    };
    let delayed = |operation: &str| results.delayed.iter().find(|delayed| delayed.operation == operation);
    for operation in WARM.into_iter().filter(|operation| ["tasks", "auth"].contains(&operation.function())) {
        // A sign-in verifies the password between two statements; everything else waits for the database once.
        let trips = if operation == Operation::SignIn { 2.0 } else { 1.0 };
        let delayed = delayed(operation.name());
        let measured = delayed.map(|delayed| float(delayed.round_trips)).filter(|trips| *trips > 0.0);
        add(format!("round trips, {}", operation.name()), measured, trips, 1.0, "");
    }
    for (operation, limit) in DELAYED {
        let measured = delayed(operation).map(|delayed| delayed.ms);
        add(format!("{operation}, with 25 ms to the database"), measured, limit, 1.0, "ms");
    }
    let inits = results.cold("tasks").zip(results.cold("floor"));
    let beyond = inits.map(|(tasks, floor)| tasks.init_ms.p50 - floor.init_ms.p50);
    add("init of tasks beyond the floor".to_owned(), beyond, INIT_BEYOND_FLOOR, 1.0, "ms");
    for (operation, limit) in CPU {
        let warm = results.warm(operation);
        // Use the floor that was measured alternately with this operation.
        let factor = warm.map_or(1.0, |warm| slowness_by(warm.floor_cpu_ms));
        add(format!("processor time, {operation}"), warm.map(|warm| warm.cpu_ms), limit, factor, "ms");
    }
    let sign_in = results.warm("sign in").map(|warm| warm.cpu_ms / results.hash_cpu_ms);
    add("processor time, sign in, against hashing alone".to_owned(), sign_in, SIGN_IN, 1.0, "×");
    for (function, limit) in MEMORY {
        let peaks = results.warm.iter().filter(|warm| warm.function == function).map(|warm| warm.memory_mib);
        add(format!("peak memory of {function}"), peaks.max_by(f64::total_cmp), limit, 1.0, "MiB");
    }
    let slowness = slowness(&results.warm);
    for (tasks, limit) in LISTS {
        let listing = results.lists.iter().find(|listing| listing.tasks == tasks);
        let measured = listing.map(|listing| listing.database_ms.p50).filter(|database| *database > 0.0);
        let pgbench = if tasks == 100 { PAGE_TO_PGBENCH * results.compared.pgbench_ms / limit } else { 0.0 };
        let factor = slowness.max(pgbench).min(SLOWEST);
        add(format!("database time, first page of {tasks} tasks"), measured, limit, factor, "ms");
    }
    let ratio = results.compared.function_ms / results.compared.pgbench_ms;
    add("list against pgbench".to_owned(), Some(ratio), LIST_TO_PGBENCH, 1.0, "×");

    let p95 = users_p95(&results.warm);
    let here = (USERS / slowness).floor();
    let highest = results.highest(p95);
    let served = highest.map_or(0.0, |step| results.users_of(step));
    // If even the highest load that was sent was served but is below the budget, the limit is unknown.
    let sent = results.ramp.iter().map(|step| results.users_of(step)).fold(0.0, f64::max);
    let seconds = highest.map_or_else(String::new, |step| format!(", for {} s", step.seconds));
    checks.push(BudgetCheck {
        what: format!("users without a failure, 95 of 100 requests within {} ms{seconds}", short(p95)),
        measured: (served < sent || served >= here).then_some(served),
        set: USERS,
        here,
        is_minimum: true,
        unit: "",
    });
    checks
}
