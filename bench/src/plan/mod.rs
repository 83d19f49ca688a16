//! From what one machine showed to what a day's requests need: instances, processors, connections, dollars.

mod simulation;

use std::collections::BTreeMap;

use crate::lambda_price;
use crate::load::Operation;
use crate::report::{Table, short, thousands};
use crate::results::Results;

use simulation::{Service, queue, scale};

/// Requests a day.
const DAYS: [f64; 3] = [1e4, 1e6, 1e8];

/// Of a day's requests, the part that comes in the busiest hour.
const BUSIEST_HOUR: f64 = 0.10;

/// The busiest minute against the average of the busiest hour.
const BURST: f64 = 2.0;

/// Between a function and the pooler of the same region, in ms.
const NETWORK_MS: f64 = 1.0;

/// Processors are to be no busier than this in the busiest minute.
const BUSY: f64 = 0.6;

/// The memory of the functions in MiB, as in the template.
const MEMORY: [(&str, f64); 2] = [("tasks", 512.0), ("auth", 1024.0)];

/// Sizes of a Neon compute, in CU: a processor and 4 GB each.
const COMPUTES: [f64; 10] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 24.0, 32.0, 56.0];

/// Dollars, us-east-1, autumn 2026: API Gateway per million, logs per GB, Neon per CU-hour and GB-month.
const API_GATEWAY: f64 = 1.0;
const LOGS_PER_GB: f64 = 0.50;
const LOG_KB: f64 = 1.9;
const CU_HOUR: f64 = 0.106;

/// What a day's requests need.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    /// Requests per second in the busiest minute.
    pub(crate) peak: f64,
    /// Instances by Little's law, and for 999 of 1,000 moments by simulation.
    pub(crate) instances: f64,
    pub(crate) instances_simulated: f64,
    /// Cold starts of 1,000 requests in the busiest hour, by simulation.
    pub(crate) cold_per_mille: f64,
    /// Processors of the database that are busy, and the compute to rent.
    pub(crate) processors: f64,
    pub(crate) compute: f64,
    /// Waiting for a processor of the database in ms, mean by formula, mean and 99 % by simulation.
    pub(crate) wait_formula: f64,
    pub(crate) wait_simulated: f64,
    pub(crate) wait_p99: f64,
    /// Connections of the pooler to the server that are busy.
    pub(crate) connections: f64,
    /// Of the pooler's one thread.
    pub(crate) pooler: f64,
    /// GB that a month of new tasks adds.
    pub(crate) growth_gb: f64,
    /// Dollars a month, by what costs them.
    pub(crate) dollars: BTreeMap<&'static str, f64>,
}

/// What a request of the mix costs on average.
#[derive(Clone, Copy, Debug)]
struct Request {
    /// In an instance, in ms: computing at the function's memory, and waiting.
    held_ms: f64,
    gb_seconds: f64,
    database_cpu_ms: f64,
    pooler_cpu_ms: f64,
    /// The transaction on its server connection, in ms.
    connection_ms: f64,
}

impl Request {
    fn of(results: &Results) -> Option<Self> {
        let (mut held_ms, mut gb_seconds, mut database) = (0.0, 0.0, 0.0);
        for operation in Operation::ALL {
            let name = if operation == Operation::List { "list 50" } else { operation.name() };
            // Deleting costs what updating does.
            let warm = results.warm(name).or_else(|| results.warm("update"))?;
            let share = f64::from(operation.share()) / 100.0;
            let mib = MEMORY.iter().find(|(function, _)| *function == operation.function())?.1;
            let waiting = (warm.ms.p50 - warm.cpu_ms).max(0.0) + NETWORK_MS;
            let billed = lambda_price::billed_ms(mib, warm.cpu_ms, waiting);
            held_ms += share * billed;
            gb_seconds += share * billed / 1000.0 * mib / 1024.0;
            database += share * warm.database_ms;
        }
        let cpu = |who: &str| results.crowd.cpu_ms.get(who).copied();
        Some(Self {
            held_ms,
            gb_seconds,
            database_cpu_ms: cpu("PostgreSQL")?,
            pooler_cpu_ms: cpu("PgBouncer")?,
            connection_ms: database,
        })
    }
}

/// The plan for each of the days.
pub(crate) fn plan(results: &Results) -> Vec<Need> {
    let Some(request) = Request::of(results) else { return Vec::new() };
    DAYS.iter().map(|per_day| need(request, *per_day, results.seed)).collect()
}

fn need(request: Request, per_day: f64, seed: u64) -> Need {
    let hour = per_day * BUSIEST_HOUR / 3600.0;
    let peak = hour * BURST;
    let processors = peak * request.database_cpu_ms / 1000.0;
    let compute = COMPUTES.into_iter().find(|compute| processors <= BUSY * compute).unwrap_or(f64::INFINITY);
    // A quarter of a processor takes four times as long.
    let servers = if compute.is_finite() { compute.max(1.0) } else { (processors / BUSY).ceil() };
    let service = Service::of_mean(request.database_cpu_ms / compute.min(1.0));
    let waited = queue(peak, servers, service, seed);
    let scaled = scale(hour, Service::of_mean(request.held_ms), seed);
    let month = per_day * 30.0;
    let millions = month / 1e6;
    let average = per_day / 86_400.0 * request.database_cpu_ms / 1000.0;
    // The compute scales down between peaks, to the size that the average needs, and sleeps never.
    let awake = COMPUTES.into_iter().find(|compute| average <= BUSY * compute).unwrap_or(f64::INFINITY);
    let dollars = BTreeMap::from([
        ("API Gateway", millions * API_GATEWAY),
        ("Lambda", millions * lambda_price::REQUESTS + month * request.gb_seconds * lambda_price::GB_SECOND),
        ("logs", month * LOG_KB / 1e6 * LOGS_PER_GB),
        (
            "Neon compute",
            (0.75 * awake + 0.25 * compute).min(if compute.is_finite() { 1e9 } else { servers }) * 730.0 * CU_HOUR,
        ),
    ]);
    Need {
        peak,
        instances: peak * request.held_ms / 1000.0,
        instances_simulated: scaled.busy,
        cold_per_mille: scaled.cold_per_mille,
        processors,
        compute,
        wait_formula: waited.formula,
        wait_simulated: waited.mean,
        wait_p99: waited.p99,
        connections: peak * (request.connection_ms + waited.mean) / 1000.0,
        pooler: peak * request.pooler_cpu_ms / 1000.0,
        growth_gb: month * f64::from(Operation::Create.share()) / 100.0 * BYTES_PER_TASK / 1e9,
        dollars,
    }
}

/// A task with its share of six indexes, as the data of a run shows it.
const BYTES_PER_TASK: f64 = 600.0;

/// The plan as a table: a row per need, a column per day.
pub(crate) fn table(results: &Results) -> Table {
    let needs = plan(results);
    let head = ["requests a day", "10 thousand", "1 million", "100 million"];
    let mut table = Table::new("Capacity plan", head);
    let mut row = |name: &str, cell: &dyn Fn(&Need) -> String| {
        let cells: Vec<String> = needs.iter().map(cell).collect();
        if let [a, b, c] = cells.as_slice() {
            table.row([name.to_owned(), a.clone(), b.clone(), c.clone()]);
        }
    };
    row("requests /s, busiest minute", &|need| short(need.peak));
    row("busy instances, Little's law", &|need| short(need.instances));
    row("busy instances, 99.9 % of moments, simulated", &|need| short(need.instances_simulated));
    row("cold starts per 1,000 requests, simulated", &|need| short(need.cold_per_mille));
    row("busy database processors", &|need| short(need.processors));
    row("Neon compute, CU", &|need| {
        if need.compute.is_finite() { short(need.compute) } else { "more than one".to_owned() }
    });
    row("waiting for a database processor, ms, formula", &|need| short(need.wait_formula));
    row("the same, simulated: mean", &|need| short(need.wait_simulated));
    row("the same, simulated: 99 %", &|need| short(need.wait_p99));
    row("busy server connections", &|need| short(need.connections));
    row("the pooler's thread, % busy", &|need| short(100.0 * need.pooler));
    row("new data, GB a month", &|need| short(need.growth_gb));
    for what in ["API Gateway", "Lambda", "logs", "Neon compute"] {
        row(&format!("{what}, $ a month"), &|need| thousands_of(need.dollars.get(what).copied().unwrap_or_default()));
    }
    row("sum, $ a month", &|need| thousands_of(need.dollars.values().sum()));
    table
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "dollars are small and positive")]
fn thousands_of(dollars: f64) -> String {
    if dollars < 10.0 { format!("{dollars:.2}") } else { thousands(dollars.round() as u64) }
}
