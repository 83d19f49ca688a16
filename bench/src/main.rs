//! Measures the release binaries, run as Lambda would run them. Started by `cargo xtask bench`, which builds them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a command line program")]

mod budget;
mod charts;
mod data;
mod database;
mod environment;
mod fleet;
mod latency;
mod load;
mod operation;
mod options;
mod process;
mod ramp;
mod report;
mod results;
mod single;
mod users;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use shared::clock::Clock;

use crate::environment::Environment;
use crate::latency::float;
use crate::load::LoadTest;
use crate::options::Options;
use crate::ramp::Ramp;
use crate::results::Results;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The mean time between two requests of a user, in seconds.
const THINK_SECONDS: f64 = 10.0;

#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    options: Options,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // On a closed pipe, as in `… | head`, exit silently instead of panicking.
    sigpipe::reset();
    match run(&CommandLine::parse().options).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", shared::error::describe_error(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<ExitCode> {
    let results = if let Some(path) = &options.from { Results::read(path)? } else { measure(options).await? };
    let name: String = results.at.chars().take(19).filter(|letter| *letter != ':').collect();
    let folder = options.from.as_ref().and_then(|path| path.parent()).map(Path::to_owned);
    report::write(&results, &folder.unwrap_or_else(|| report::folder().join(name)))?;
    for table in report::tables(&results) {
        print!("{table}");
    }
    println!();
    let slowness = budget::slowness(&results.warm);
    if slowness > 1.05 {
        println!("  the floor takes {slowness:.1} × as long as where the budgets were set, so they are extended");
    }
    if results.main.is_distorted() {
        println!("  the harness was too busy: the latencies of the users are partly its own");
    }
    let missed: Vec<_> = budget::check_all(&results).into_iter().filter(|check| !check.is_met()).collect();
    for check in &missed {
        println!("  over budget: {}: {}, budget {}", check.what, check.measured_text(), check.text(check.here));
    }
    if missed.is_empty() {
        println!("  all budgets are met");
    }
    if options.publish {
        report::write(&results, &report::folder().join("published"))?;
    }
    Ok(if options.check && !missed.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// How much a run measures.
struct Plan {
    starts: usize,
    requests: usize,
    lists: usize,
    compare: Duration,
    main: Duration,
    /// The time in which the rate of the main load grows; not recorded.
    arrival: Duration,
    ramp: Ramp,
    /// The time before each step of the ramp; not recorded.
    warm_up: Duration,
}

impl Plan {
    fn new(quick: bool) -> Self {
        let seconds = Duration::from_secs;
        if quick {
            return Self {
                starts: 9,
                requests: 300,
                lists: 100,
                compare: seconds(3),
                main: seconds(20),
                arrival: seconds(8),
                ramp: Ramp { multiples: &[0.5, 1.5], halvings: 3, duration: seconds(6), confirmation: None },
                warm_up: seconds(3),
            };
        }
        Self {
            starts: 31,
            requests: 2_000,
            lists: 500,
            compare: seconds(10),
            main: seconds(120),
            arrival: seconds(30),
            ramp: Ramp {
                multiples: &[0.1, 0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0],
                halvings: 3,
                duration: seconds(20),
                confirmation: Some(seconds(120)),
            },
            warm_up: seconds(5),
        }
    }
}

/// Runs all measurements, one after the other.
async fn measure(options: &Options) -> Result<Results> {
    let started = Instant::now();
    let log = |text: &str| eprintln!("[{:4.0} s] {text}", started.elapsed().as_secs_f64());
    let plan = Plan::new(options.quick);
    log("PostgreSQL, PgBouncer and the data");
    let environment = Environment::start(options.tasks).await?;
    let probes = users::sign_in(&environment, &environment.probes()).await?;
    let [writer, delayed, reader] = probes.as_slice() else { return Err("the data has too few users".into()) };
    log("cold starts");
    let cold = single::cold_starts(&environment, writer, plan.starts).await?;
    log("warm requests");
    let warm = single::warm_requests(&environment, writer, plan.requests).await?;
    let hash_cpu_ms = single::hash_cpu_ms(&environment, plan.requests / 20).await?;
    log("round trips, with 25 ms to the database");
    let delayed = database::count_round_trips(&environment, delayed).await?;
    log("lists of users with few and many tasks");
    let lists = single::lists(&environment, plan.lists).await?;
    log("a list by pgbench and by the function");
    let compared = database::compare_with_pgbench(&environment, reader, plan.compare).await?;

    let users = users::sign_in_many(&environment, options.users).await?;
    environment.warm_up().await?;
    let mut test = LoadTest::new(&environment, users, usize::from(options.instances), options.seed);
    let users = test.users() as u64;
    if users < options.users {
        log(&format!("the data has accounts for {users} users only"));
    }
    let rate = float(users) / THINK_SECONDS;
    log(&format!("{users} users: {rate:.0} requests per second for {} s", plan.main.as_secs()));
    let main = test.run(rate, plan.arrival, plan.main).await?;
    let p95 = budget::users_p95(&warm);
    let ramp = ramp::run(plan.ramp, &main, p95, async |rate, duration| {
        log(&format!("ramp: {rate:.0} requests per second for {} s", duration.as_secs()));
        test.run(rate, plan.warm_up, duration).await
    });
    let ramp = ramp.await?;
    drop(test);
    let machine = format!("{}, PostgreSQL {}", process::machine(), environment.programs.version);
    environment.remove_copy().await?;
    log("done");
    Ok(Results {
        at: Clock::system().now().to_string(),
        version: git_version(),
        quick: options.quick,
        seed: options.seed,
        tasks: options.tasks,
        users,
        think_seconds: THINK_SECONDS,
        instances: options.instances,
        machine,
        cold,
        warm,
        hash_cpu_ms,
        delayed,
        lists,
        compared,
        main,
        ramp,
    })
}

/// The commit that the binaries were built from.
fn git_version() -> String {
    let output = std::process::Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}
