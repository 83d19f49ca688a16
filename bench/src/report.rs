//! The tables of a run, for the terminal and as a Markdown page.

use std::fs;
use std::path::{Path, PathBuf};

use crate::latency::{Percentiles, float};
use crate::results::Results;
use crate::{Result, budget, charts};

/// The folder of all results: a folder for each run, and `published`.
pub(crate) fn folder() -> PathBuf {
    local::workspace().join("bench/results")
}

/// Writes a run into a folder: `results.json`, `README.md`, and the charts.
pub(crate) fn write(results: &Results, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    results.write(&folder.join("results.json"))?;
    fs::write(folder.join("README.md"), page(results))?;
    for (name, svg) in charts::draw_all(results) {
        fs::write(folder.join(name), svg)?;
    }
    println!("  results and charts: {}", folder.display());
    Ok(())
}

fn page(results: &Results) -> String {
    let Results { machine, version, tasks, users, instances, seed, .. } = results;
    let (date, tasks, users) = (&results.at[..10], thousands(float(*tasks)), thousands(float(*users)));
    let charts = charts::draw_all(results).map(|(name, _)| format!("![{name}]({name})\n"));
    format!(
        "# Measurements\n\n\
         `cargo xtask bench` writes this page. [docs/PERFORMANCE.md](../../../docs/PERFORMANCE.md) explains it.\n\n\
         Measured on {date}, with everything on one machine: {machine}. Version {version}, {tasks} tasks, {users} users, \
         at most {instances} instances of a function, seed {seed}.\n{}\n## Charts\n\n{}",
        tables(results).concat(),
        charts.concat(),
    )
}

/// All tables in Markdown, the budgets last.
pub(crate) fn tables(results: &Results) -> Vec<String> {
    let step = results.reported();
    let cold = results.cold.iter().map(|cold| {
        let request = [cold.first_ms.p50, cold.first_cpu_ms, cold.first_database_ms];
        let sizes = [cold.memory_mib, cold.binary_mib];
        let init = [cold.init_ms.p50, cold.init_cpu_ms];
        [cold.function.clone(), cells(&init), cells(&request), cells(&sizes)].join(" | ")
    });
    let warm = results.warm.iter().map(|warm| {
        let costs = [warm.database_ms, warm.cpu_ms, warm.cpu_ms / warm.floor_cpu_ms, warm.memory_mib];
        format!("{}: {} | {} | {}", warm.function, warm.operation, percentiles(&warm.ms), cells(&costs))
    });
    let lists = results.lists.iter().map(|list| {
        let times = [list.ms.p50, list.ms.p95, list.database_ms.p50, list.database_ms.p95];
        format!("{} | {}", thousands(float(list.tasks)), cells(&times))
    });

    let row = |name: &str, all: &Percentiles| {
        format!("{name} | {} | {} | {}", thousands(float(all.count)), percentiles(all), short(all.max))
    };
    let count = |name: &str, count: u64| format!("{name} | {} | – | – | – | –", thousands(float(count)));
    let mut load = vec![row("all", &step.latency)];
    load.extend(step.operations.iter().map(|(name, all)| row(name, all)));
    load.push(row("of that: database", &step.database));
    load.push(row("of that: waiting for an instance", &step.queued));
    load.push(row("of that: sent late by the harness", &step.late));
    load.push(count("found all instances busy", step.throttled));
    load.extend(step.errors.iter().take(10).map(|(error, failed)| count(&format!("failed: {error}"), *failed)));
    let (users, rate) = (thousands(results.users_of(step)), short(step.offered));
    let load_title = format!("{users} users, {rate} requests per second for {} s, in ms", step.seconds);

    let total: f64 = step.cpu_ms.values().sum();
    let processors = step.cpu_ms.iter();
    let processors = processors.map(|(program, ms)| format!("{program} | {}", cells(&[*ms, 100.0 * ms / total])));
    let ramp = results.ramp.iter().map(|step| {
        let times = [step.offered, step.achieved, step.latency.p50, step.latency.p95, step.latency.p99];
        let counts = [step.seconds, step.failed(), step.throttled].map(|count| thousands(float(count)));
        let cpu = [step.cpu_ms.values().sum(), 100.0 * step.harness_busy];
        format!("{} | {} | {}", cells(&times), counts.join(" | "), cells(&cpu))
    });
    let budgets = budget::check_all(results).into_iter().map(|check| {
        let kept = if check.is_met() { "ok" } else { "MISSED" };
        let [set, here] = [check.set, check.here].map(|budget| check.text(budget));
        [check.what.as_str(), &check.measured_text(), &set, &here, kept].join(" | ")
    });
    vec![
        table(
            "Cold starts, in ms and MiB",
            "function | init p50 | init CPU | first request p50 | its CPU | its database | memory | binary",
            cold,
        ),
        table(
            "Warm requests, one at a time, in ms",
            "request | p50 | p95 | p99 | database | CPU | CPU, × floor | peak memory, MiB",
            warm,
        ),
        table(
            "First page of 50 tasks with its exact count, in ms",
            "tasks of the user | p50 | p95 | database p50 | database p95",
            lists,
        ),
        table(&load_title, "requests | count | p50 | p95 | p99 | max", load.into_iter()),
        table("Processor time per request of these users", "program | ms | %", processors),
        table(
            "The ramp, in ms",
            "offered /s | answered /s | p50 | p95 | p99 | seconds | failed | all busy | CPU/request | harness, %",
            ramp,
        ),
        table("Budgets", "what | measured | as set | on this machine | ", budgets),
    ]
}

/// Formats a Markdown table that is also readable on a terminal. The cells of a row are separated by ` | `.
fn table(title: &str, head: &str, rows: impl Iterator<Item = String>) -> String {
    let rows: Vec<String> = std::iter::once(head.to_owned()).chain(rows).collect();
    let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.split(" | ").map(str::trim).collect()).collect();
    let width = |column: usize| rows.iter().filter_map(|row| Some(row.get(column)?.chars().count())).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(|column| width(column).max(3)).collect();
    let line = |row: &[&str]| {
        let cells = row[1..].iter().zip(&widths[1..]).map(|(cell, width)| format!(" {cell:>width$} |"));
        format!("| {:width$} |{}\n", row[0], cells.collect::<String>(), width = widths[0])
    };
    let mut lines: Vec<String> = rows.iter().map(|row| line(row)).collect();
    let rules = widths[1..].iter().map(|width| format!(" {}: |", "-".repeat(width - 1)));
    lines.insert(1, format!("| {} |{}\n", "-".repeat(widths[0]), rules.collect::<String>()));
    format!("\n## {title}\n\n{}", lines.concat())
}

/// Formats numbers as cells. Zero means that nothing was measured.
fn cells(numbers: &[f64]) -> String {
    let cell = |number: &f64| if *number > 0.0 { short(*number) } else { "–".to_owned() };
    numbers.iter().map(cell).collect::<Vec<_>>().join(" | ")
}

/// Formats percentiles as cells. Omits those with fewer than ten requests beyond them, which are left to chance.
fn percentiles(all: &Percentiles) -> String {
    let text = |value: f64, requests: u64| if all.count < requests { "–".to_owned() } else { short(value) };
    [text(all.p50, 20), text(all.p95, 200), text(all.p99, 1000)].join(" | ")
}

/// Formats a number with three digits, or with all digits before the point.
pub(crate) fn short(number: f64) -> String {
    match number {
        100.0.. => format!("{number:.0}"),
        10.0.. => format!("{number:.1}"),
        1.0.. => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

/// Formats a whole number with commas.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_page_matches_the_published_results() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/published");
        let results = Results::read(&folder.join("results.json")).unwrap();
        let published = fs::read_to_string(folder.join("README.md")).unwrap();
        assert!(page(&results) == published, "cargo xtask bench --from bench/results/published/results.json writes it");
    }

    #[test]
    fn numbers_have_three_digits_or_commas() {
        assert_eq!([0.0123, 1.234, 12.34, 1234.0].map(short), ["0.012", "1.23", "12.3", "1234"]);
        assert_eq!([0.0, 999.0, 1_250_000.0].map(thousands), ["0", "999", "1,250,000"]);
    }
}
