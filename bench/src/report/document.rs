//! `docs/PERFORMANCE.md`: what stands between its marks comes from a run, the rest is written by people.

use std::fmt::Write;
use std::fs;

use super::table::{self, Table, short};
use super::{charts, folder, thousands};
use crate::load::Step;
use crate::question::LIST;
use crate::results::Results;
use crate::{Result, budget, data};

/// Rewrites the figures of the document, its charts, and the run it speaks of.
pub(crate) fn publish(results: &Results) -> Result<()> {
    let usual = results.tasks == data::TASKS && results.users == 10_000 && results.instances == crate::INSTANCES;
    if results.quick || !usual {
        return Err("only a full run with the usual data, users and instances is published".into());
    }
    let documents = local::workspace().join("docs");
    let path = documents.join("PERFORMANCE.md");
    let mut text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    for (name, content) in parts(results) {
        text = replace(&text, name, &content)?;
    }
    fs::write(&path, text)?;
    let pictures = documents.join("performance");
    fs::create_dir_all(&pictures)?;
    charts::draw(results, &pictures)?;
    results.write(&folder().join("published.json"))?;
    println!("\n  published in {}", path.display());
    Ok(())
}

fn parts(results: &Results) -> Vec<(&'static str, String)> {
    let markdown = |table: Table| table.markdown();
    let [capacity, limits] = crate::plan::tables(results);
    vec![
        ("machine", machine(results)),
        ("summary", summary(results)),
        ("budgets", markdown(table::budgets(results))),
        ("missed", missed(results)),
        ("cold", markdown(table::cold(results))),
        ("warm", markdown(table::warm(results))),
        ("lists", markdown(table::lists(results))),
        ("compared", markdown(table::compared(results))),
        ("concurrent", markdown(table::concurrent(results))),
        ("crowd", crowd(results)),
        ("processors", markdown(table::processors(results))),
        ("ramp", markdown(table::ramp(results))),
        ("tuning", markdown(table::tuning(results))),
        ("plan", markdown(capacity)),
        ("limits", markdown(limits)),
    ]
}

fn machine(results: &Results) -> String {
    let machine = &results.machine;
    format!(
        "Measured on {} with {} ({} GiB, Linux {}, PostgreSQL {}), {} processors for everything: PostgreSQL, PgBouncer, \
         functions, load generator. Version {}, {} tasks, seed {}.\n",
        results.at.get(..10).unwrap_or_default(),
        machine.processor,
        machine.memory_gib,
        machine.kernel,
        machine.postgresql,
        machine.processors,
        results.version,
        thousands(results.tasks),
        results.seed,
    )
}

fn summary(results: &Results) -> String {
    let mut text = String::new();
    let p95 = budget::crowd_p95(&results.warm);
    let mut say = |what: &str, step: &Step| {
        let _ = writeln!(
            text,
            "- {what}, {} users with {:.0} s to think: {} requests a second for {} s, p50 {} ms, p95 {} ms, p99 {} ms, \
             {} of {} failed.",
            thousands(results.users_of(step)),
            results.think_seconds,
            short(step.achieved),
            step.sent_for.as_secs(),
            short(step.latency.p50),
            short(step.latency.p95),
            short(step.latency.p99),
            thousands(step.failed()),
            thousands(step.latency.count + step.failed()),
        );
    };
    say("The crowd", &results.crowd);
    if let Some(knee) = results.knee(p95) {
        say(&format!("The hardest load that is served within {} ms", short(p95)), knee);
    }
    if let (Some(tasks), Some((floor, _))) = (results.cold("tasks"), results.floor()) {
        let _ = writeln!(
            text,
            "- Cold start of tasks: {} ms to the first poll (an empty function: {} ms), {} ms more to the first answer.",
            short(tasks.init_ms.p50),
            short(floor.init_ms.p50),
            short(tasks.first_ms.p50),
        );
    }
    if let (Some(list), Some(get)) = (results.warm(LIST), results.warm("get")) {
        let _ = writeln!(
            text,
            "- Warm: a list of 50 {} ms with {} ms of processor, one task {} ms with {} ms.",
            short(list.ms.p50),
            short(list.cpu_ms),
            short(get.ms.p50),
            short(get.cpu_ms),
        );
    }
    let tables = results.tables;
    let _ = writeln!(
        text,
        "- Under the crowd {:.0} % of the updates of tasks were HOT and {:.1} % of pages came from memory; afterwards \
         {:.2} % of rows waited for vacuum. A task takes {:.0} bytes with its indexes.",
        100.0 * tables.hot_updates,
        100.0 * tables.in_memory,
        100.0 * tables.dead_rows,
        tables.bytes_per_task,
    );
    text
}

/// What would not hold if the machine were as fast as where the budgets were set.
fn missed(results: &Results) -> String {
    let missed: Vec<_> = budget::judge(results).into_iter().filter(|verdict| !verdict.holds_as_set()).collect();
    let lines = missed.iter().map(|verdict| {
        let here = if verdict.holds() { "" } else { ", missed as well" };
        let (found, set, limit) = (verdict.found_as_set(), verdict.as_set(), verdict.budget());
        format!("- {}: {found} where {set} is asked for (here {}, of {limit}{here})\n", verdict.what, verdict.found())
    });
    if missed.is_empty() { "Nothing.\n".to_owned() } else { lines.collect() }
}

fn crowd(results: &Results) -> String {
    let step = results.told();
    let (users, rate) = (thousands(results.users_of(step)), short(step.offered));
    let table = table::crowd(results).markdown();
    format!("{users} users, {rate} requests a second for {} s, in ms:\n\n{table}", step.sent_for.as_secs())
}

/// Puts `content` between the marks of `name`.
fn replace(text: &str, name: &str, content: &str) -> Result<String> {
    let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let missing = || format!("docs/PERFORMANCE.md has no marks {} and {end}", start.trim());
    let (before, rest) = text.split_once(&start).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    Ok(format!("{before}{start}\n{content}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::{folder, parts, replace};
    use crate::results::Results;

    #[test]
    fn the_document_says_what_the_published_run_found() {
        let run = Results::read(&folder().join("published.json")).unwrap();
        let text = std::fs::read_to_string(local::workspace().join("docs/PERFORMANCE.md")).unwrap();
        for (name, content) in parts(&run) {
            assert!(
                replace(&text, name, &content).unwrap() == text,
                "{name}: run `cargo xtask bench --from` with `--publish`"
            );
        }
    }

    #[test]
    fn only_what_stands_between_the_marks_changes() {
        let text = "before\n<!-- a -->\nold\n<!-- /a -->\nafter";
        assert_eq!(replace(text, "a", "new").unwrap(), "before\n<!-- a -->\n\nnew\n<!-- /a -->\nafter");
    }

    #[test]
    fn missing_marks_are_named() {
        let error = replace("text", "a", "new").unwrap_err().to_string();
        assert!(error.contains("<!-- a -->"), "{error}");
    }
}
