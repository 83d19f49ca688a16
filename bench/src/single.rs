//! One request at a time: cold starts, warm requests, and lists of users with few and many tasks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use shared::domain::Password;
use shared::passwords;

use crate::environment::{Environment, PASSWORD};
use crate::fleet::{Fleet, Init};
use crate::latency::{Latencies, Percentiles, float, ms};
use crate::operation::{FUNCTIONS, Operation, Response, WARM};
use crate::users::{Random, User, sign_in};
use crate::{Result, data, process};

/// Cold starts of one function.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ColdStarts {
    pub(crate) function: String,
    /// The time from the start of the process until it first asks for work.
    pub(crate) init_ms: Percentiles,
    pub(crate) init_cpu_ms: f64,
    /// The time from then until the first response. It includes connecting to the database.
    pub(crate) first_ms: Percentiles,
    pub(crate) first_cpu_ms: f64,
    /// The part of `first_ms` for connecting to the database and waiting for its response.
    pub(crate) first_database_ms: f64,
    /// The peak memory until the first response.
    pub(crate) memory_mib: f64,
    pub(crate) binary_mib: f64,
}

struct Launch {
    init: Init,
    response: Response,
    first_cpu: Duration,
    memory_mib: f64,
}

/// Starts every function `rounds` times, in turn, so that other work of the machine affects all functions alike.
pub(crate) async fn cold_starts(environment: &Environment, user: &User, rounds: usize) -> Result<Vec<ColdStarts>> {
    let mut starts: BTreeMap<&str, Vec<Launch>> = BTreeMap::new();
    for function in FUNCTIONS.repeat(rounds) {
        let first = WARM.into_iter().find(|operation| operation.function() == function);
        let fleet = Fleet::new(environment.function(function), 1);
        let response = user.request(first.unwrap_or(Operation::Floor), &mut Random(0)).send(&fleet).await?;
        let instance = fleet.first().ok_or("no instance was started")?;
        let init = *instance.init.get().ok_or("the instance never asked for work")?;
        let first_cpu = process::cpu(instance.pid)?.saturating_sub(init.cpu);
        let memory_mib = process::peak_memory_mib(instance.pid)?;
        starts.entry(function).or_default().push(Launch { init, response, first_cpu, memory_mib });
    }
    let cold = FUNCTIONS.map(|function| {
        let all = |time: fn(&Launch) -> Duration| Latencies(starts[function].iter().map(time).collect()).percentiles();
        Ok(ColdStarts {
            function: function.to_owned(),
            init_ms: all(|start| start.init.took),
            init_cpu_ms: all(|start| start.init.cpu).mean,
            first_ms: all(|start| start.response.took.saturating_sub(start.response.queued)),
            first_cpu_ms: all(|start| start.first_cpu).mean,
            first_database_ms: all(|start| start.response.database).p50,
            memory_mib: starts[function].iter().map(|start| start.memory_mib).fold(0.0, f64::max),
            binary_mib: process::size_mib(&Environment::program(function))?,
        })
    });
    cold.into_iter().collect()
}

/// Requests of one operation to a warm instance.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct WarmRequests {
    pub(crate) function: String,
    pub(crate) operation: String,
    pub(crate) ms: Percentiles,
    pub(crate) cpu_ms: f64,
    /// The processor time of a request to the empty function, measured in turn with these.
    pub(crate) floor_cpu_ms: f64,
    /// The mean database time.
    pub(crate) database_ms: f64,
    /// The peak memory of the instance.
    pub(crate) memory_mib: f64,
}

/// The operation and the empty function take turns in blocks of this many requests.
const BLOCK: usize = 20;

/// One warm instance that gets one request at a time.
pub(crate) struct WarmInstance {
    fleet: Arc<Fleet>,
    pid: Pid,
    random: Random,
    pub(crate) took: Latencies,
    database: Latencies,
}

impl WarmInstance {
    /// Starts an instance with some requests that are not recorded.
    pub(crate) async fn start(environment: &Environment, user: &User, operation: Operation) -> Result<Self> {
        let fleet = environment.single_instance(operation.function());
        let mut random = Random(1);
        for _ in 0..5 {
            user.request(operation, &mut random).send(&fleet).await?;
        }
        let pid = fleet.first().ok_or("no instance was started")?.pid;
        Ok(Self { fleet, pid, random, took: Latencies::default(), database: Latencies::default() })
    }

    pub(crate) async fn send(&mut self, user: &User, operation: Operation, times: usize) -> Result<()> {
        for _ in 0..times {
            let response = user.request(operation, &mut self.random).send(&self.fleet).await?;
            self.took.add(response.took);
            self.database.add(response.database);
        }
        Ok(())
    }

    /// Deletes what was recorded.
    fn reset(&mut self) {
        (self.took, self.database) = (Latencies::default(), Latencies::default());
    }
}

/// Sends each operation `times` times to one instance of its function; sign-in a tenth of that.
pub(crate) async fn warm_requests(environment: &Environment, user: &User, times: usize) -> Result<Vec<WarmRequests>> {
    let mut functions: BTreeMap<&str, WarmInstance> = BTreeMap::new();
    let mut warm = Vec::new();
    for operation in WARM {
        let function = operation.function();
        let mut subject = match functions.remove(function) {
            Some(subject) => subject,
            None => WarmInstance::start(environment, user, operation).await?,
        };
        subject.send(user, operation, 5).await?;
        subject.reset();
        // The cost of waking a process depends on where the kernel has placed it, so each operation gets a new floor.
        let mut floor = WarmInstance::start(environment, user, Operation::Floor).await?;
        let before = (process::cpu(subject.pid)?, process::cpu(floor.pid)?);
        let blocks = if operation == Operation::SignIn { times / 10 } else { times }.div_ceil(BLOCK);
        for _ in 0..blocks {
            subject.send(user, operation, BLOCK).await?;
            floor.send(user, Operation::Floor, BLOCK).await?;
        }
        let each = |now: Duration, before: Duration| ms(now.saturating_sub(before)) / float(blocks * BLOCK);
        warm.push(WarmRequests {
            function: function.to_owned(),
            operation: operation.name().to_owned(),
            ms: subject.took.percentiles(),
            cpu_ms: each(process::cpu(subject.pid)?, before.0),
            floor_cpu_ms: each(process::cpu(floor.pid)?, before.1),
            database_ms: subject.database.percentiles().mean,
            memory_mib: process::peak_memory_mib(subject.pid)?,
        });
        functions.insert(function, subject);
    }
    Ok(warm)
}

/// The processor time of hashing a password in this program, in milliseconds.
pub(crate) async fn hash_cpu_ms(environment: &Environment, times: usize) -> Result<f64> {
    passwords::hash(&environment.settings.passwords, Password::new(PASSWORD)).await?;
    let before = process::cpu(Pid::this())?;
    for _ in 0..times {
        passwords::hash(&environment.settings.passwords, Password::new(PASSWORD)).await?;
    }
    Ok(ms(process::cpu(Pid::this())?.saturating_sub(before)) / float(times))
}

/// Requests for the first page of 50 tasks with the exact count, by users with `tasks` tasks.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ListTimes {
    pub(crate) tasks: u64,
    pub(crate) ms: Percentiles,
    /// The time from sending the statement to its last row, as measured by the function.
    pub(crate) database_ms: Percentiles,
}

/// Reads the lists of up to fifty users of each size in turn.
pub(crate) async fn lists(environment: &Environment, times: usize) -> Result<Vec<ListTimes>> {
    let mut listings = Vec::new();
    for tasks in data::SIZES {
        let accounts: Vec<_> = environment.accounts().filter(|account| account.tasks == tasks).take(50).collect();
        let users = sign_in(environment, &accounts).await?;
        let Some(first) = users.first() else { continue };
        let mut single = WarmInstance::start(environment, first, Operation::List).await?;
        for user in users.iter().take(10) {
            single.send(user, Operation::List, 1).await?;
        }
        single.reset();
        for user in users.iter().cycle().take(times) {
            single.send(user, Operation::List, 1).await?;
        }
        listings.push(ListTimes { tasks, ms: single.took.percentiles(), database_ms: single.database.percentiles() });
    }
    Ok(listings)
}
