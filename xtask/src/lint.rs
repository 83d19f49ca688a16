//! `cargo xtask lint`: format, clippy, house rules.

use local::Result;

use crate::{cargo, rules};

/// Runs the checks, quickest first.
pub(crate) fn run() -> Result<()> {
    println!("format");
    cargo::finish(cargo::cargo(&["fmt", "--all", "--check"]), "the format check", "cargo fmt --all")?;
    let mut bench = cargo::cargo(&["fmt", "--check", "--package", "bench", "--package", "floor"]);
    bench.current_dir(local::workspace().join("bench"));
    cargo::finish(bench, "the format check of bench", "run cargo fmt in bench")?;
    println!("house rules");
    rules::check()?;
    println!("clippy");
    let clippy = cargo::cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]);
    cargo::finish(clippy, "clippy", "fix the lines above")
}
