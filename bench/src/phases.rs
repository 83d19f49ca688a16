//! The order of a run, and how much of everything a quick and a full one do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::clock::Clock;

use crate::data::Data;
use crate::lambda::{Fleet, Front, Limits};
use crate::load::{Crowd, Load, Step};
use crate::machine::Machine;
use crate::ramp::{self, Ramp};
use crate::results::{Binary, Results};
use crate::stand::{Fleets, Stand};
use crate::{Arguments, Result, budget, cold, concurrent, database, load, warm};

/// Between two requests of a user, on average.
const THINK: f64 = 10.0;

/// How much of everything.
pub(crate) struct Scope {
    quick: bool,
    starts: usize,
    requests: usize,
    lists: usize,
    /// Of each comparison.
    compare: Duration,
    crowd: Duration,
    /// While the crowd comes; not recorded.
    arrival: Duration,
    ramp: Ramp,
    /// Before each step of the ramp; not recorded.
    warm_up: Duration,
}

impl Scope {
    pub(crate) fn of(quick: bool) -> Self {
        let seconds = Duration::from_secs;
        if quick {
            return Self {
                quick,
                starts: 9,
                requests: 300,
                lists: 100,
                compare: seconds(3),
                crowd: seconds(20),
                arrival: seconds(8),
                ramp: Ramp { parts: &[0.5, 1.5], halvings: 3, duration: seconds(6), confirmation: None },
                warm_up: seconds(3),
            };
        }
        Self {
            quick,
            starts: 31,
            requests: 2_000,
            lists: 500,
            compare: seconds(10),
            crowd: seconds(120),
            arrival: seconds(30),
            ramp: Ramp {
                parts: &[0.1, 0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0],
                halvings: 3,
                duration: seconds(20),
                confirmation: Some(seconds(120)),
            },
            warm_up: seconds(5),
        }
    }
}

/// Runs everything.
pub(crate) async fn measure(arguments: &Arguments, scope: &Scope) -> Result<Results> {
    let started = Instant::now();
    let say = |text: &str| eprintln!("[{:4.0} s] {text}", started.elapsed().as_secs_f64());
    let (folder, functions) = (local::target().join("bench"), local::target().join("lambda"));
    let data = Data { seed: arguments.seed, tasks: arguments.tasks };
    say("PostgreSQL, PgBouncer and the data");
    let stand = Stand::build(&folder, &functions, data).await?;
    let [writer, delayed, reader] = stand.probes().await?;

    say(&format!("cold starts: {} of each function, in turn", scope.starts));
    let cold = cold::starts(&stand, &writer, scope.starts).await?;
    say("warm requests to one instance");
    let warm = warm::requests(&stand, &writer, scope.requests).await?;
    let hash_cpu_ms = warm::hash(&stand, scope.requests / 20).await?;
    say("round trips, through a proxy that delays answers by 25 ms");
    let delayed = database::delayed(&stand, &delayed).await?;
    say("lists of people with few and many tasks");
    let lists = warm::lists(&stand, scope.lists).await?;
    say("the same transaction by pgbench");
    let mut compared = Vec::new();
    for concurrency in [1, 4] {
        compared.push(database::compare(&stand, &reader, &folder, concurrency, scope.compare).await?);
    }
    say("one instance for several requests at once, and several for one each");
    let mut at_once = Vec::new();
    for shape in [(1, 1), (1, 4), (4, 1), (1, 8), (8, 1)] {
        at_once.push(concurrent::run(&stand, &reader, shape, scope.compare / 2).await?);
    }

    let crowd = Arc::new(Crowd::gather(&stand, arguments.users).await?);
    let site = Site::open(&stand, crowd, arguments).await?;
    // Few people in the data share accounts, up to a limit.
    let users = u64::try_from(site.crowd.len())?;
    if users < arguments.users {
        say(&format!("the data has accounts for {users} users at once, not for {}", arguments.users));
    }
    let counted = database::counted(&stand).await?;
    let rate = crate::report::float(users) / THINK;
    say(&format!("{users} users with {THINK:.0} s to think: {rate:.0} requests a second"));
    let main = site.load(rate, scope.arrival, scope.crowd, 0).await?;
    let tables = database::tables(&stand, counted).await?;
    let p95 = budget::crowd_p95(&warm);
    let mut number = 0;
    let ramp = ramp::climb(scope.ramp, &main, p95, async |rate, duration| {
        number += 1;
        say(&format!("the ramp: {rate:.0} requests a second for {} s", duration.as_secs()));
        site.load(rate, scope.warm_up, duration, number).await
    });
    let ramp = ramp.await?;
    drop(site);
    let machine = Machine::here(&stand.cluster.programs.version);
    stand.clear().await?;
    say("done");
    Ok(Results {
        at: Clock::system().now().to_string(),
        version: arguments.version.clone(),
        quick: scope.quick,
        seed: arguments.seed,
        tasks: arguments.tasks,
        users,
        think_seconds: THINK,
        instances: arguments.instances,
        machine,
        binaries: Binary::of(&functions, ["floor", "health", "tasks", "auth"])?,
        cold,
        warm,
        hash_cpu_ms,
        delayed,
        lists,
        compared,
        concurrent: at_once,
        crowd: main,
        ramp,
        tables,
    })
}

/// The whole service, with its users.
struct Site<'a> {
    stand: &'a Stand,
    fleets: Fleets,
    front: Front,
    crowd: Arc<Crowd>,
    seed: u64,
}

impl<'a> Site<'a> {
    async fn open(stand: &'a Stand, crowd: Arc<Crowd>, arguments: &Arguments) -> Result<Self> {
        let limits = Limits { instances: usize::from(arguments.instances), waiting: 2_000 };
        let fleet = |name| Fleet::new(stand.function(name, None), limits);
        let (tasks, auth) = (fleet("tasks"), fleet("auth"));
        let routes = [("/api/v1/tasks", Arc::clone(&tasks)), ("/api/v1/auth", Arc::clone(&auth))];
        let front = Front::start(routes.into()).await?;
        Ok(Self { stand, fleets: [("tasks", tasks), ("auth", auth)].into(), front, crowd, seed: arguments.seed })
    }

    /// The `number`th load: each has requests of its own.
    async fn load(&self, rate: f64, warm_up: Duration, duration: Duration, number: u64) -> Result<Step> {
        let load = Load { rate, warm_up, duration, seed: self.seed.wrapping_add(2 * number) };
        load::run(self.stand, &self.front, &self.fleets, &self.crowd, load).await
    }
}
