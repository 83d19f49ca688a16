//! The options of `cargo xtask bench`. `xtask` also includes this file, for its `--help`.

use std::path::PathBuf;

/// Measure the release binaries: cold starts, warm requests, and 10,000 users at once
///
/// Builds the functions as they are deployed, starts PostgreSQL with 1,250,000 tasks and PgBouncer on this machine,
/// measures, and prints tables, the budgets last. The results and charts are written to
/// bench/results; docs/PERFORMANCE.md explains them. The first build takes ten minutes or more.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// Finish in about two minutes, with fewer samples; without it a run takes ten to twenty
    #[arg(long)]
    pub(crate) quick: bool,
    /// Exit with 1 if a budget is exceeded
    #[arg(long)]
    pub(crate) check: bool,
    /// Also write the results of a full run with the default data and load to bench/results/published
    #[arg(long, conflicts_with_all = ["quick", "tasks", "users", "instances"])]
    pub(crate) publish: bool,
    /// Print the tables and draw the charts of an earlier run from its results.json, without measuring
    #[arg(long)]
    pub(crate) from: Option<PathBuf>,
    /// The number of tasks in the database
    #[arg(long, default_value_t = 1_250_000, value_parser = clap::value_parser!(u64).range(10_000..=10_000_000))]
    pub(crate) tasks: u64,
    /// The number of users at the same time; each sends a request every ten seconds on average
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(10..=100_000))]
    pub(crate) users: u64,
    /// The maximum number of instances of a function
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) instances: u16,
    /// The seed of random choices; equal seeds give equal sequences of requests
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
}
