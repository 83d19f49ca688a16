//! `cargo xtask lint`: format, clippy, house rules.

use local::Result;

use crate::{cargo, rules};

/// Runs the checks, quickest first.
pub(crate) fn run() -> Result<()> {
    println!("format");
    cargo::run(cargo::cargo(&["fmt", "--all", "--check"]), "the format check", "cargo fmt --all")?;
    let mut bench = cargo::cargo(&["fmt", "--check", "--package", "bench", "--package", "floor"]);
    bench.current_dir(local::workspace().join("bench"));
    cargo::run(bench, "the format check of bench", "run cargo fmt in bench")?;
    println!("house rules");
    rules::check()?;
    println!("clippy");
    let clippy = cargo::cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]);
    cargo::run(clippy, "clippy", "fix the lines above")
}
