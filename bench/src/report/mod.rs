//! What a run says: tables, JSON, charts, and the document.

mod charts;
mod document;
mod table;

use std::fmt::Display;
use std::fs;
use std::path::PathBuf;

use crate::Result;
use crate::results::Results;

pub(crate) use document::publish;
pub(crate) use table::{Table, short};

/// Where runs are kept.
fn folder() -> PathBuf {
    local::workspace().join("bench/results")
}

/// Every table, in the order of reading.
pub(crate) fn tables(results: &Results) -> Vec<Table> {
    let mut tables = table::all(results);
    let last = tables.len() - 1;
    tables.splice(last..last, crate::plan::tables(results));
    tables
}

/// Writes a run down, with its charts beside it.
pub(crate) fn keep(results: &Results) -> Result<()> {
    let folder = folder();
    let charts = folder.join("charts");
    fs::create_dir_all(&charts)?;
    let file = folder.join(format!("{}.json", results.at.chars().take(19).collect::<String>().replace(':', "")));
    results.write(&file)?;
    charts::draw(results, &charts)?;
    println!("\n  kept in {}, charts in {}", file.display(), charts.display());
    Ok(())
}

/// A number with commas.
pub(crate) fn thousands(number: impl Display) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Counts as numbers to calculate with; those that are counted here are exact.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn float(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}

/// Bytes in MiB.
pub(crate) fn mib(bytes: u64) -> f64 {
    float(bytes) / (1024.0 * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn commas_stand_between_thousands() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_250_000, "1,250,000")] {
            assert_eq!(thousands(number), text);
        }
    }
}
