//! Measures the release binaries as Lambda, the pooler and 10,000 users would see them. `cargo xtask bench` builds
//! what this needs and starts it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to a person")]

mod budget;
mod cold;
mod concurrent;
mod data;
mod database;
mod lambda;
mod lambda_price;
mod load;
mod machine;
mod phases;
mod plan;
mod question;
mod ramp;
mod report;
mod results;
mod stand;
mod warm;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use phases::Scope;
use results::Results;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// More do not make two processors faster.
const INSTANCES: u16 = 8;

/// Measure the release binaries
#[derive(Parser, Clone, Debug)]
#[command(name = "cargo xtask bench")]
pub(crate) struct Arguments {
    /// Finish in two minutes, with fewer samples
    #[arg(long)]
    quick: bool,
    /// Fail if a budget is exceeded
    #[arg(long)]
    check: bool,
    /// Write the figures and charts into docs/PERFORMANCE.md
    #[arg(long)]
    publish: bool,
    /// Report an earlier run again, from its JSON, and measure nothing
    #[arg(long)]
    from: Option<PathBuf>,
    /// How many tasks there are
    #[arg(long, default_value_t = data::TASKS, value_parser = clap::value_parser!(u64).range(10_000..=10_000_000))]
    tasks: u64,
    /// How many people use the service at once; each makes a request every ten seconds
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(10..=100_000))]
    users: u64,
    /// The same seed makes the same data and the same requests
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// How far a function may scale
    #[arg(long, default_value_t = INSTANCES, value_parser = clap::value_parser!(u16).range(1..=200))]
    instances: u16,
    /// What the binaries were built from
    #[arg(long, default_value = "unknown", hide = true)]
    version: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // As other programs: whoever reads what is printed may have read enough.
    sigpipe::reset();
    match run(&Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", shared::error::line(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let results = if let Some(path) = &arguments.from {
        Results::read(path)?
    } else {
        let results = phases::measure(arguments, &Scope::of(arguments.quick)).await?;
        report::keep(&results)?;
        results
    };
    for table in report::tables(&results) {
        print!("{}", table.text());
    }
    let over: Vec<_> = budget::judge(&results).into_iter().filter(|verdict| !verdict.holds()).collect();
    println!();
    let slowness = budget::slowness(&results.warm);
    if slowness > 1.05 {
        println!("  the floor takes {slowness:.1} × what it did where the budgets were set; they stretch by that");
    }
    if !results.crowd.is_of_the_service() {
        println!("  the harness itself was too busy: the crowd's latencies are partly its own");
    }
    for verdict in &over {
        println!("  over budget: {}: {}, and the budget is {}", verdict.what, verdict.found(), verdict.budget());
    }
    if over.is_empty() {
        println!("  every budget holds");
    }
    if arguments.publish {
        report::publish(&results)?;
    }
    Ok(if arguments.check && !over.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
