//! From what one machine showed to what a day's requests need: instances, processors, connections, dollars, and
//! what breaks first.

mod deployed;
mod need;
mod simulation;

use crate::report::{Table, short, thousands};
use crate::results::Results;

pub(crate) use need::NETWORK_MS;
use need::{BURST, Need, need};

/// Requests a day.
const DAYS: [f64; 3] = [1e4, 1e6, 1e8];

const HEAD: [&str; 4] = ["requests a day", "10 thousand", "1 million", "100 million"];

/// A row for what `cell` says of each day.
fn row(table: &mut Table, needs: &[Need], name: &str, cell: impl Fn(&Need) -> String) {
    let cells: Vec<String> = needs.iter().map(cell).collect();
    if let [a, b, c] = cells.as_slice() {
        table.row([name.to_owned(), a.clone(), b.clone(), c.clone()]);
    }
}

/// What is needed, and what is used of each limit.
pub(crate) fn tables(results: &Results) -> [Table; 2] {
    let needs: Vec<Need> = DAYS.iter().filter_map(|per_day| need(results, *per_day)).collect();
    [capacity(&needs), limits(&needs)]
}

fn capacity(needs: &[Need]) -> Table {
    let mut table = Table::new("Capacity plan", HEAD);
    let mut row = |name: &str, cell: &dyn Fn(&Need) -> String| row(&mut table, needs, name, cell);
    row("requests /s, busiest minute", &|need| short(need.peak));
    row("busy instances then, Little's law", &|need| short(need.instances));
    for (number, function) in deployed::FUNCTIONS.iter().enumerate() {
        let name = function.name;
        row(&format!("{name}: busy instances, 99.9 % of moments, simulated"), &|need| {
            need.simulated.get(number).map_or_else(String::new, |(_, scaled)| short(scaled.busy))
        });
        row(&format!("{name}: cold starts per 1,000 requests of the busiest hour, simulated"), &|need| {
            need.simulated.get(number).map_or_else(String::new, |(_, scaled)| short(scaled.cold_per_mille))
        });
    }
    row("busy database processors", &|need| short(need.processors));
    row("Neon compute, CU", &|need| {
        if need.compute.is_finite() { short(need.compute) } else { "more than one".to_owned() }
    });
    row("waiting for a database processor, ms, formula", &|need| short(need.waited.formula));
    row("the same, simulated: mean", &|need| short(need.waited.mean));
    row("the same, simulated: 99 %", &|need| short(need.waited.p99));
    row("poolers", &|need| short(need.poolers));
    row("waiting for one's thread, ms, formula", &|need| short(need.waited_for_pooler.formula));
    row("the same, simulated: mean", &|need| short(need.waited_for_pooler.mean));
    row("busy server connections", &|need| short(need.connections));
    row("new data, GB a month", &|need| short(need.growth_gb));
    let costs = needs.first().map(|need| need.dollars.keys().copied().collect::<Vec<_>>()).unwrap_or_default();
    for what in costs {
        row(&format!("{what}, $ a month"), &|need| dollars(need.dollars.get(what).copied().unwrap_or_default()));
    }
    row("sum, $ a month", &|need| dollars(need.dollars.values().sum()));
    table
}

fn limits(needs: &[Need]) -> Table {
    let mut table = Table::new("What is used of each limit in the busiest minute, in %", HEAD);
    let names = needs.first().map(|need| need.limits.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (number, name) in names.unwrap_or_default().into_iter().enumerate() {
        row(&mut table, needs, name, |need| short(100.0 * need.limits.get(number).map_or(0.0, |(_, used)| *used)));
    }
    row(&mut table, needs, "what breaks first", |need| {
        let first = need.limits.iter().max_by(|(_, one), (_, other)| one.total_cmp(other));
        let over = need.limits.iter().filter(|(_, used)| *used > 1.0).count();
        first.map_or_else(
            String::new,
            |(name, _)| if over == 0 { format!("nothing; next: {name}") } else { (*name).to_owned() },
        )
    });
    table
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "dollars are small and positive")]
fn dollars(dollars: f64) -> String {
    if dollars < 10.0 { format!("{dollars:.2}") } else { thousands(dollars.round() as u64) }
}
