//! What may not be exceeded. Times and processor time are judged beside the floor of the same run: on a machine
//! where the empty function is slower than where the budgets were set, those of processor and database stretch by as
//! much, up to twice. Such a machine has less to give, so there the crowd is smaller by as much. What the database takes
//! has a floor of its own, pgbench.

use crate::data::Class;
use crate::question::FLOOR;
use crate::report::{float, short};
use crate::results::Results;
use crate::warm::Warm;

/// 95 of 100 requests of 10,000 users, in milliseconds.
pub(crate) const CROWD_P95: f64 = 50.0;

/// The empty function where the budgets were set: processor time of a request, in ms.
const FLOOR_CPU: f64 = 0.07;

/// How often a request waits for the database. Verifying a password comes between reading the account and opening
/// the session.
const ROUND_TRIPS: [(&str, f64); 8] = [
    ("get", 1.0),
    (crate::question::LIST, 1.0),
    ("create", 1.0),
    ("complete", 1.0),
    ("update", 1.0),
    ("me", 1.0),
    ("refresh", 1.0),
    ("sign in", 2.0),
];

/// Through a line that takes 25 ms longer, in ms: one round trip is less than two delays.
const DELAYED: [(&str, f64); 2] = [("get", 50.0), (crate::question::LIST, 50.0)];

/// Of tasks: from the start of the process to the first poll, beyond the floor, in ms.
const INIT_BEYOND_FLOOR: f64 = 6.0;

/// Processor time of a warm request in ms.
const CPU: [(&str, f64); 2] = [("get", 0.30), (crate::question::LIST, 0.45)];

/// Peak memory in MiB.
const MEMORY: [(&str, f64); 2] = [("tasks", 16.0), ("auth", 48.0)];

/// The database time of a first page with its exact count, in ms.
const LISTS: [(Class, f64); 3] = [(Class::Hundred, 0.5), (Class::TenThousand, 3.0), (Class::FiftyThousand, 10.0)];

/// The same for a user with 100 tasks, in multiples of the same transaction by pgbench: where that takes long, so does
/// everybody's. It stretches the budget no further than a slow machine does.
const PAGE_TO_PGBENCH: f64 = 1.3;

/// A warm list of fifty, as its caller sees it, in multiples of the same transaction by pgbench. Runs of one build find
/// 1.6 to 2.1.
const LIST_TO_PGBENCH: f64 = 2.5;

/// Processor time of a sign-in, in hashes of a password by the harness, which is compiled for less speed than auth.
const SIGN_IN: f64 = 1.2;

/// The most that a slow machine is allowed for: beyond, its figures say little.
const SLOWEST: f64 = 2.0;

/// How many users are served at once, where the budgets were set.
const USERS: f64 = 10_000.0;

/// A budget and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) what: String,
    /// None if the run did not measure it.
    pub(crate) measured: Option<f64>,
    /// The same, as it is judged where the budgets were set.
    pub(crate) measured_as_set: Option<f64>,
    /// Where the budgets were set.
    pub(crate) set: Limit,
    /// On this machine.
    pub(crate) limit: Limit,
    pub(crate) unit: &'static str,
}

/// How far a figure may go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    Most(f64),
    Least(f64),
}

impl Limit {
    fn allows(self, measured: f64) -> bool {
        match self {
            Self::Most(limit) => measured <= limit,
            Self::Least(limit) => measured >= limit,
        }
    }

    fn text(self, unit: &str) -> String {
        let (word, limit) = match self {
            Self::Most(limit) => ("≤", limit),
            Self::Least(limit) => ("≥", limit),
        };
        format!("{word} {} {unit}", short(limit)).trim_end().to_owned()
    }
}

impl Verdict {
    /// On this machine.
    pub(crate) fn holds(&self) -> bool {
        self.measured.is_some_and(|measured| self.limit.allows(measured))
    }

    /// Even if the machine were as fast as where the budgets were set.
    pub(crate) fn holds_as_set(&self) -> bool {
        self.measured_as_set.is_some_and(|measured| self.set.allows(measured))
    }

    /// The budget on this machine, in words.
    pub(crate) fn budget(&self) -> String {
        self.limit.text(self.unit)
    }

    /// The budget where it was set, in words.
    pub(crate) fn as_set(&self) -> String {
        self.set.text(self.unit)
    }

    /// What was measured, or that nothing was.
    pub(crate) fn found(&self) -> String {
        told(self.measured)
    }

    /// The same, as it is judged where the budgets were set.
    pub(crate) fn found_as_set(&self) -> String {
        told(self.measured_as_set)
    }
}

fn told(measured: Option<f64>) -> String {
    measured.map_or_else(|| "not measured".to_owned(), short)
}

/// How much slower this machine is than the one where the budgets were set, by the floor's processor time.
pub(crate) fn slowness(warm: &[Warm]) -> f64 {
    let mut floors: Vec<f64> = warm.iter().map(|warm| warm.floor_cpu_ms).collect();
    floors.sort_by(f64::total_cmp);
    floors.get(floors.len() / 2).map_or(1.0, |floor| slower(*floor))
}

/// The same, by one figure of the floor.
fn slower(floor_cpu_ms: f64) -> f64 {
    (floor_cpu_ms / FLOOR_CPU).clamp(1.0, SLOWEST)
}

/// What 95 of 100 requests of the crowd may take on this machine, in ms.
pub(crate) fn crowd_p95(warm: &[Warm]) -> f64 {
    CROWD_P95 * slowness(warm)
}

/// Judges a run. What it did not measure does not hold.
pub(crate) fn judge(results: &Results) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let mut add = |what: String, measured: Option<f64>, limit: f64, stretch: f64, unit: &'static str| {
        let (set, limit) = (Limit::Most(limit), Limit::Most(limit * stretch));
        verdicts.push(Verdict { what, measured, measured_as_set: measured, set, limit, unit });
    };
    for (operation, trips) in ROUND_TRIPS {
        let delayed = results.delayed.iter().find(|delayed| delayed.operation == operation);
        let trips_seen = delayed.map(|delayed| float(delayed.round_trips)).filter(|trips| *trips > 0.0);
        add(format!("round trips, {operation}"), trips_seen, trips, 1.0, "");
    }
    for (operation, limit) in DELAYED {
        let delayed = results.delayed.iter().find(|delayed| delayed.operation == operation);
        add(format!("{operation}, with 25 ms to the database"), delayed.map(|delayed| delayed.ms), limit, 1.0, "ms");
    }
    let inits = results.cold("tasks").zip(results.cold(FLOOR));
    let beyond = inits.map(|(tasks, floor)| tasks.init_ms.p50 - floor.init_ms.p50);
    add("init of tasks, beyond the floor's".to_owned(), beyond, INIT_BEYOND_FLOOR, 1.0, "ms");
    for (operation, limit) in CPU {
        let warm = results.warm(operation);
        // Beside its own floor, which was asked in turn.
        let stretch = warm.map_or(1.0, |warm| slower(warm.floor_cpu_ms));
        add(format!("processor time, {operation}"), warm.map(|warm| warm.cpu_ms), limit, stretch, "ms");
    }
    let sign_in = results.warm("sign in").map(|warm| warm.cpu_ms / results.hash_cpu_ms);
    add("processor time, sign in, against hashing alone".to_owned(), sign_in, SIGN_IN, 1.0, "×");
    for (function, limit) in MEMORY {
        let peaks = results.warm.iter().filter(|warm| warm.function == function).map(|warm| warm.memory_mib);
        add(format!("peak memory of {function}"), peaks.max_by(f64::total_cmp), limit, 1.0, "MiB");
    }
    let slowness = slowness(&results.warm);
    let compared = results.compared.first();
    for (class, limit) in LISTS {
        let listing = results.lists.iter().find(|listing| listing.tasks == class.tasks());
        let database = listing.map(|listing| listing.database_ms.p50).filter(|database| *database > 0.0);
        let by_pgbench = compared.filter(|_| class == Class::Hundred).map_or(0.0, |compared| compared.pgbench_ms);
        let stretch = slowness.max(PAGE_TO_PGBENCH * by_pgbench / limit).min(SLOWEST);
        add(format!("database time, first page of {}", class.name()), database, limit, stretch, "ms");
    }
    let ratio = compared.map(|compared| compared.function_ms / compared.pgbench_ms);
    add("list against pgbench, one at a time".to_owned(), ratio, LIST_TO_PGBENCH, 1.0, "×");
    let asked = (USERS / slowness).floor();
    // Where fewer were sent than are asked for, and all of them served, nobody knows of more.
    let hardest = results.ramp.iter().map(|step| results.users_of(step)).fold(0.0, f64::max);
    let users = |p95: f64, asked: f64| {
        let users = results.knee(p95).map_or(0.0, |step| results.users_of(step));
        (users < hardest || users >= asked).then_some(users)
    };
    let p95 = crowd_p95(&results.warm);
    let tried = results.knee(p95).map_or_else(String::new, |knee| format!(", for {} s", knee.sent_for.as_secs()));
    verdicts.push(Verdict {
        what: format!("users, none of whom fails and 95 of 100 wait no longer than {} ms{tried}", short(p95)),
        measured: users(p95, asked),
        measured_as_set: users(CROWD_P95, USERS),
        set: Limit::Least(USERS),
        limit: Limit::Least(asked),
        unit: "",
    });
    verdicts
}
