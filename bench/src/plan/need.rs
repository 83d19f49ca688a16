//! From what a request costs to what a day of them needs.

use std::collections::BTreeMap;

use super::deployed::{
    ACCOUNT_RATE, COMPUTES, FUNCTIONS, Function, HEADER_BYTES, LOGS, NEON_TRANSFER, OTHER_LOG_BYTES, POOLER_CLIENTS,
    SCALES, SIGN_IN_RATE, STAGE_RATE, STORAGE, api_gateway, cu_hour, egress, server_connections,
};
use super::simulation::{Scaled, Service, Waited, queue, scale};
use crate::lambda_price;
use crate::load::Operation;
use crate::results::Results;

/// Of a day's requests, the part that comes in the busiest hour.
pub(super) const BUSIEST_HOUR: f64 = 0.10;

/// The busiest minute against the average of the busiest hour.
pub(super) const BURST: f64 = 2.0;

/// Between a function and the pooler of the same region, in ms.
pub(crate) const NETWORK_MS: f64 = 1.0;

/// Processors are to be no busier than this in the busiest minute.
const BUSY: f64 = 0.6;

/// What a day's requests need.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    /// Requests per second in the busiest minute.
    pub(crate) peak: f64,
    /// Busy instances in the busiest minute by Little's law, of all functions.
    pub(crate) instances: f64,
    /// The same in 999 of 1,000 moments of the busiest hour, and cold starts in 1,000 requests, by function.
    pub(crate) simulated: Vec<(&'static str, Scaled)>,
    /// Processors of the database that are busy.
    pub(crate) processors: f64,
    /// The compute to rent, in CU; none is large enough if it is infinite.
    pub(crate) compute: f64,
    /// Waiting for a processor of the database.
    pub(crate) waited: Waited,
    /// Poolers, none of which is busier than its part.
    pub(crate) poolers: f64,
    /// Waiting for the one thread of one of them.
    pub(crate) waited_for_pooler: Waited,
    /// Connections of the pooler to the server that are busy.
    pub(crate) connections: f64,
    /// GB that a month of new tasks adds.
    pub(crate) growth_gb: f64,
    /// Dollars in the twelfth month, by what costs them.
    pub(crate) dollars: BTreeMap<&'static str, f64>,
    /// What is used of each limit, as a part of it.
    pub(crate) limits: Vec<(&'static str, f64)>,
}

/// What an operation costs in its function.
#[derive(Clone, Copy, Debug)]
struct Cost {
    function: Function,
    /// Of all requests.
    share: f64,
    cpu_ms: f64,
    /// Everything but its own computing: mostly the database.
    waiting_ms: f64,
    database_ms: f64,
}

/// What the mix costs.
struct Mix<'a> {
    results: &'a Results,
    costs: Vec<Cost>,
    database_cpu_ms: f64,
    pooler_cpu_ms: f64,
    /// How widely database times spread: the standard deviation of their logarithm.
    spread: f64,
}

impl<'a> Mix<'a> {
    fn of(results: &'a Results) -> Option<Self> {
        let costs = Operation::ALL.into_iter().map(|operation| {
            let name = if operation == Operation::List { crate::question::LIST } else { operation.name() };
            // Deleting costs what updating does.
            let warm = results.warm(name).or_else(|| results.warm(Operation::Update.name()))?;
            Some(Cost {
                function: *FUNCTIONS.iter().find(|function| function.name == operation.function())?,
                share: f64::from(operation.share()) / 100.0,
                cpu_ms: warm.cpu_ms,
                waiting_ms: (warm.ms.mean - warm.cpu_ms).max(0.0) + NETWORK_MS,
                database_ms: warm.database_ms,
            })
        });
        let cpu = |who: &str| results.told().cpu_ms.get(who).copied();
        let database = results.told().database;
        Some(Self {
            results,
            costs: costs.collect::<Option<_>>()?,
            database_cpu_ms: cpu("PostgreSQL")?,
            pooler_cpu_ms: cpu("PgBouncer")?,
            // 95 of 100 lie within 1.645 standard deviations above the median.
            spread: ((database.p95 / database.p50).ln() / 1.645).clamp(0.3, 1.5),
        })
    }

    fn of_function(&self, function: &str) -> impl Iterator<Item = &Cost> {
        self.costs.iter().filter(move |cost| cost.function.name == function)
    }

    /// How long a cold start takes on top, in ms: Lambda initialises with a whole processor, and answers the first
    /// request with the function's share of one.
    fn cold_ms(&self, function: Function) -> f64 {
        let cold = self.results.cold(function.name);
        cold.map_or(0.0, |cold| {
            let waiting = cold.init_ms.mean + (cold.first_ms.mean - cold.first_cpu_ms).max(0.0);
            lambda_price::run_ms(function.memory, cold.first_cpu_ms, waiting + NETWORK_MS)
        })
    }
}

/// The plan for so many requests a day; none if the run lacks what it rests on.
pub(crate) fn need(results: &Results, per_day: f64) -> Option<Need> {
    let mix = Mix::of(results)?;
    let hour = per_day * BUSIEST_HOUR / 3600.0;
    let peak = hour * BURST;

    // The database: the smallest compute that is busy for no more than its part.
    let processors = peak * mix.database_cpu_ms / 1000.0;
    let fits = |processors: f64| COMPUTES.into_iter().find(|compute| processors <= BUSY * compute);
    let compute = fits(processors).unwrap_or(f64::INFINITY);
    let servers = if compute.is_finite() { compute.max(1.0) } else { (processors / BUSY).ceil() };
    // A quarter of a processor takes four times as long.
    let slower = 1.0 / compute.min(1.0);
    let waited = queue(peak, servers, Service::new(mix.database_cpu_ms * slower, mix.spread), results.seed);
    // A pooler has one thread; where that is not enough, another takes its part.
    let thread = peak * mix.pooler_cpu_ms / 1000.0 / BUSY;
    let poolers = thread.ceil().max(1.0);
    let waited_for_pooler = queue(peak / poolers, 1.0, Service::new(mix.pooler_cpu_ms, mix.spread), results.seed);
    let longer = mix.database_cpu_ms * (slower - 1.0) + waited.mean + waited_for_pooler.mean;
    let database_ms: f64 = mix.costs.iter().map(|cost| cost.share * cost.database_ms).sum::<f64>() + longer;

    // The functions.
    let run_ms = |cost: &Cost| lambda_price::run_ms(cost.function.memory, cost.cpu_ms, cost.waiting_ms + longer);
    let held: f64 = mix.costs.iter().map(|cost| cost.share * run_ms(cost)).sum();
    let simulated: Vec<_> = FUNCTIONS
        .iter()
        .map(|function| {
            let times: Vec<(f64, f64)> =
                mix.of_function(function.name).map(|cost| (cost.share, run_ms(cost))).collect();
            let share: f64 = times.iter().map(|(share, _)| share).sum();
            (function.name, scale(hour * share, &times, mix.cold_ms(*function), results.seed))
        })
        .collect();
    let gb_seconds: f64 = mix
        .costs
        .iter()
        .map(|cost| cost.share * lambda_price::billed_ms(run_ms(cost)) / 1000.0 * cost.function.memory / 1024.0)
        .sum();

    let (month, millions) = (per_day * 30.0, per_day * 30.0 / 1e6);
    let gigabytes = |bytes: f64| month * bytes / 1e9;
    let answers = gigabytes(results.told().answer_bytes);
    let growth_gb = gigabytes(results.tables.bytes_per_task * f64::from(Operation::Create.share()) / 100.0);
    // It scales down between peaks to what the average needs, and never sleeps; the largest sizes stay as they are.
    let average = fits(per_day / 86_400.0 * mix.database_cpu_ms / 1000.0).unwrap_or(servers);
    let rented = if compute <= SCALES { 0.75 * average + 0.25 * compute } else { compute.min(servers) };
    let dollars = BTreeMap::from([
        ("API Gateway", api_gateway(millions)),
        ("Lambda", millions * lambda_price::REQUESTS + month * gb_seconds * lambda_price::GB_SECOND),
        ("logs", gigabytes(results.told().log_bytes + OTHER_LOG_BYTES) * LOGS),
        ("traffic out of AWS", egress(answers + gigabytes(HEADER_BYTES))),
        ("Neon, compute", rented * 730.0 * cu_hour(compute.min(servers))),
        ("Neon, storage of a year", 12.0 * growth_gb * STORAGE),
        ("Neon, traffic", (answers - 100.0).max(0.0) * NEON_TRANSFER),
    ]);

    let connections = peak * database_ms / 1000.0;
    let alive: f64 = simulated.iter().map(|(_, scaled)| scaled.alive).sum();
    let sign_ins = peak * f64::from(Operation::SignIn.share()) / 100.0;
    let mut limits = vec![
        ("API Gateway: the stage's 1,000 a second", peak / STAGE_RATE),
        ("API Gateway: 50 sign-ins a second", sign_ins / SIGN_IN_RATE),
        ("API Gateway: the account's 10,000 a second", peak / ACCOUNT_RATE),
    ];
    let scaled = simulated.iter().map(|(_, scaled)| scaled);
    limits.extend(
        FUNCTIONS.iter().zip(scaled).map(|(function, scaled)| (function.limit, scaled.busy / function.reserved)),
    );
    limits.extend([
        ("pooler: 10,000 clients", alive / POOLER_CLIENTS),
        ("pooler: its one thread", thread),
        ("database: connections of the compute", connections / server_connections(compute.min(servers))),
        ("database: processors of the largest that scales", processors / (BUSY * SCALES)),
        ("database: processors of the largest", processors / (BUSY * COMPUTES[COMPUTES.len() - 1])),
    ]);
    Some(Need {
        peak,
        instances: peak * held / 1000.0,
        simulated,
        processors,
        compute,
        waited,
        poolers,
        waited_for_pooler,
        connections,
        growth_gb,
        dollars,
        limits,
    })
}
