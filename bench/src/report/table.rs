//! A run on the terminal, and in Markdown: the same tables.

use crate::budget::judge;
use crate::lambda_price;
use crate::load::Quantiles;
use crate::question::FLOOR;
use crate::results::Results;

/// Rows of text under a head.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<const N: usize>(title: impl Into<String>, head: [&'static str; N]) -> Self {
        Self { title: title.into(), head: head.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(row.to_vec());
    }

    /// In columns: text to the left, numbers to the right.
    pub(crate) fn text(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.chain([self.head[column].chars().count()]).max().unwrap_or(0)
        };
        let line = |cells: Vec<&str>| {
            let cells = cells.iter().enumerate().map(|(column, cell)| {
                let space = " ".repeat(width(column).saturating_sub(cell.chars().count()));
                if column == 0 { format!("{cell}{space}") } else { format!("{space}{cell}") }
            });
            format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
        };
        let rows = self.rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
        format!("\n{}\n\n{}{}", self.title, line(self.head.clone()), rows.collect::<String>())
    }

    pub(crate) fn markdown(&self) -> String {
        let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
        let rules: Vec<&str> = (0..self.head.len()).map(|column| if column == 0 { "---" } else { "---:" }).collect();
        let rows: String = self.rows.iter().map(|row| line(row.iter().map(String::as_str).collect())).collect();
        format!("{}{}{rows}", line(self.head.clone()), line(rules))
    }
}

/// Three digits, as far as they mean something.
pub(crate) fn short(number: f64) -> String {
    match number {
        number if number >= 100.0 => format!("{number:.0}"),
        number if number >= 10.0 => format!("{number:.1}"),
        number if number >= 1.0 => format!("{number:.2}"),
        number => format!("{number:.3}"),
    }
}

pub(crate) fn budgets(results: &Results) -> Table {
    let mut table = Table::new("Budgets", ["what", "measured", "as set", "here", ""]);
    for verdict in judge(results) {
        let said = if verdict.holds() { "ok" } else { "OVER" };
        table.row([verdict.what.clone(), verdict.found(), verdict.as_set(), verdict.budget(), said.to_owned()]);
    }
    table
}

pub(crate) fn cold(results: &Results) -> Table {
    let head = [
        "function",
        "init p50",
        "floor ×",
        "init CPU",
        "first request",
        "of that CPU",
        "of that database",
        "memory MiB",
        "binary MiB",
    ];
    let mut table = Table::new("Cold starts, in ms", head);
    let floor = results.cold(FLOOR).map_or(f64::NAN, |floor| floor.init_ms.p50);
    for cold in &results.cold {
        table.row([
            cold.function.clone(),
            short(cold.init_ms.p50),
            format!("{:.1}", cold.init_ms.p50 / floor),
            short(cold.init_cpu_ms),
            short(cold.first_ms.p50),
            short(cold.first_cpu_ms),
            short(cold.first_database_ms),
            format!("{:.1}", cold.memory_mib),
            results.binary_mib(&cold.function).map_or_else(String::new, |mib| format!("{mib:.1}")),
        ]);
    }
    table
}

pub(crate) fn warm(results: &Results) -> Table {
    let head = ["request", "p50", "p99", "database", "CPU", "floor ×", "memory MiB"];
    let mut table = Table::new("Warm requests to one instance, in ms", head);
    for warm in &results.warm {
        table.row([
            format!("{}: {}", warm.function, warm.operation),
            short(warm.ms.p50),
            told(warm.ms.p99, warm.ms.count, 0.01),
            short(warm.database_ms),
            short(warm.cpu_ms),
            format!("{:.1}", warm.cpu_ms / warm.floor_cpu_ms),
            format!("{:.1}", warm.memory_mib),
        ]);
    }
    table
}

pub(crate) fn lists(results: &Results) -> Table {
    let head = ["tasks of the user", "p50", "p95", "database p50", "database p95"];
    let mut table = Table::new("First page of 50 with its exact count, in ms", head);
    for list in &results.lists {
        let (all, database) = (list.ms, list.database_ms);
        let tasks = super::thousands(list.tasks);
        table.row([tasks, short(all.p50), short(all.p95), short(database.p50), short(database.p95)]);
    }
    table
}

pub(crate) fn compared(results: &Results) -> Table {
    let head = ["at once", "pgbench ms", "function ms", "×", "pgbench /s", "function /s"];
    let mut table = Table::new("The list's transaction by pgbench, and through the function", head);
    for compared in &results.compared {
        table.row([
            compared.concurrency.to_string(),
            short(compared.pgbench_ms),
            short(compared.function_ms),
            format!("{:.2}", compared.function_ms / compared.pgbench_ms),
            short(compared.pgbench_per_second),
            short(compared.function_per_second),
        ]);
    }
    table
}

pub(crate) fn concurrent(results: &Results) -> Table {
    let head = ["instances × at once", "lists /s", "p50", "p99", "CPU", "memory MiB"];
    let mut table = Table::new("One instance for several requests at once, and several for one each, in ms", head);
    for step in &results.concurrent {
        table.row([
            format!("{} × {}", step.instances, step.at_once),
            short(step.per_second),
            short(step.ms.p50),
            short(step.ms.p99),
            short(step.cpu_ms),
            format!("{:.1}", step.memory_mib),
        ]);
    }
    table
}

/// A quantile with fewer than ten requests beyond it is chance.
pub(crate) fn is_chance(count: u64, beyond: f64) -> bool {
    super::float(count) * beyond < 10.0
}

fn told(quantile: f64, count: u64, beyond: f64) -> String {
    if is_chance(count, beyond) { "–".to_owned() } else { short(quantile) }
}

fn quantiles(name: &str, quantiles: &Quantiles) -> [String; 6] {
    let Quantiles { count, p50, p95, p99, max, .. } = *quantiles;
    let told = |quantile: f64, beyond: f64| told(quantile, count, beyond);
    [name.to_owned(), super::thousands(count), told(p50, 0.5), told(p95, 0.05), told(p99, 0.01), short(max)]
}

pub(crate) fn crowd(results: &Results) -> Table {
    let step = results.told();
    let title = format!("{} users, in ms", super::thousands(results.users_of(step)));
    let mut table = Table::new(title, ["requests", "count", "p50", "p95", "p99", "max"]);
    table.row(quantiles("all", &step.latency));
    for (name, all) in &step.operations {
        table.row(quantiles(name, all));
    }
    for (operation, classes) in &step.classes {
        for (class, all) in classes.iter().filter(|_| ["list", "get", "create"].contains(&operation.as_str())) {
            table.row(quantiles(&format!("{operation}, users with {class}"), all));
        }
    }
    table.row(quantiles("of that: database", &step.database));
    table.row(quantiles("of that: waiting for an instance", &step.queued));
    let none = || "–".to_owned();
    let busy = "of them: all instances were busy, and no more allowed".to_owned();
    table.row([busy, super::thousands(step.throttled), none(), none(), none(), none()]);
    table.row(quantiles("of that: sent late by the harness", &step.late));
    for (error, count) in step.errors.iter().take(10) {
        table.row([format!("failed: {error}"), super::thousands(*count), none(), none(), none(), none()]);
    }
    table
}

pub(crate) fn processors(results: &Results) -> Table {
    let mut table = Table::new("Processor time per request of these users", ["who", "ms", "%"]);
    let step = results.told();
    let all: f64 = step.cpu_ms.values().sum();
    for (who, ms) in &step.cpu_ms {
        table.row([who.clone(), short(*ms), format!("{:.0}", 100.0 * ms / all.max(f64::MIN_POSITIVE))]);
    }
    table
}

pub(crate) fn ramp(results: &Results) -> Table {
    let head =
        ["offered /s", "answered /s", "p50", "p95", "p99", "failed", "throttled", "CPU ms/request", "harness busy"];
    let mut table = Table::new("The ramp, in ms", head);
    for step in &results.ramp {
        table.row([
            short(step.offered),
            short(step.achieved),
            short(step.latency.p50),
            short(step.latency.p95),
            short(step.latency.p99),
            super::thousands(step.failed()),
            super::thousands(step.throttled),
            short(step.cpu_ms.values().sum()),
            format!("{:.0} %", 100.0 * step.harness_busy),
        ]);
    }
    table
}

/// Memory sizes of Lambda, with the share of a processor that comes with each.
pub(crate) fn tuning(results: &Results) -> Table {
    let head = ["request", "128 MB", "256 MB", "512 MB", "1024 MB", "1769 MB"];
    let mut table = Table::new("ms billed, and $ per million requests, by memory size", head);
    for warm in results.warm.iter().filter(|warm| warm.function != FLOOR) {
        let network = if warm.database_ms > 0.0 { crate::plan::NETWORK_MS } else { 0.0 };
        let waiting = (warm.ms.mean - warm.cpu_ms).max(0.0) + network;
        let cells = lambda_price::SIZES.map(|mib| {
            let ms = lambda_price::billed_ms(lambda_price::run_ms(mib, warm.cpu_ms, waiting));
            format!("{} · {:.2}", short(ms), lambda_price::per_million(mib, ms))
        });
        let mut row = vec![format!("{}: {}", warm.function, warm.operation)];
        row.extend(cells);
        table.rows.push(row);
    }
    table
}

/// All of them, in the order of reading.
pub(crate) fn all(results: &Results) -> Vec<Table> {
    vec![
        cold(results),
        warm(results),
        lists(results),
        compared(results),
        concurrent(results),
        crowd(results),
        processors(results),
        ramp(results),
        tuning(results),
        budgets(results),
    ]
}
