//! The load test: many users who pause between requests. Requests are sent at the times of a Poisson process, whether
//! or not earlier ones have been answered, and latency counts from the time when a request was due. So a slow response
//! cannot hide how long the next request waited (coordinated omission).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::fleet::Fleet;
use crate::latency::{Latencies, Percentiles, float, ms};
use crate::operation::{Operation, Request, Response};
use crate::users::{Random, User};
use crate::{Result, process};

/// Requests that may be in flight. Beyond that, requests are not sent and count as failed.
const MAX_IN_FLIGHT: u64 = 4_000;

/// If the harness uses a larger part of a processor than this, latencies are partly its own.
const MAX_HARNESS_BUSY: f64 = 0.7;

/// The measurements at one load.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Step {
    /// Requests per second that were due.
    pub(crate) offered: f64,
    /// Successful requests per second, until the last response.
    pub(crate) achieved: f64,
    /// How long requests were sent, excluding the warm-up.
    pub(crate) seconds: u64,
    /// The latency of successful requests.
    pub(crate) latency: Percentiles,
    pub(crate) operations: BTreeMap<String, Percentiles>,
    /// The part of the latency spent in the database.
    pub(crate) database: Percentiles,
    /// The part of the latency spent waiting for an instance, including cold starts.
    pub(crate) queued: Percentiles,
    /// The part of the latency because the harness sent the request late.
    pub(crate) late: Percentiles,
    /// Requests that found no idle instance when no more were allowed. Here they wait; Lambda returns 429.
    pub(crate) throttled: u64,
    pub(crate) errors: BTreeMap<String, u64>,
    /// Processor time per request in milliseconds, by program.
    pub(crate) cpu_ms: BTreeMap<String, f64>,
    /// The part of a processor that the harness used.
    pub(crate) harness_busy: f64,
}

impl Step {
    pub(crate) fn failed(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Whether 95 of 100 requests were answered within `p95` milliseconds and none failed.
    pub(crate) fn meets(&self, p95: f64) -> bool {
        self.latency.p95 <= p95 && self.failed() == 0 && !self.is_distorted()
    }

    /// Whether the harness was too busy to measure.
    pub(crate) fn is_distorted(&self) -> bool {
        self.harness_busy > MAX_HARNESS_BUSY
    }
}

/// The functions under test with their users.
pub(crate) struct LoadTest<'a> {
    environment: &'a Environment,
    state: Arc<State>,
    random: Random,
}

struct State {
    users: Vec<User>,
    fleets: BTreeMap<&'static str, Arc<Fleet>>,
    in_flight: AtomicU64,
    samples: Mutex<Samples>,
}

#[derive(Default)]
struct Samples {
    all: Latencies,
    operations: BTreeMap<Operation, Latencies>,
    database: Latencies,
    queued: Latencies,
    late: Latencies,
    throttled: u64,
    errors: BTreeMap<String, u64>,
}

impl State {
    fn samples(&self) -> MutexGuard<'_, Samples> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request that was due at `due`, and records the result. Only successful requests have a latency.
    async fn send(&self, user: usize, request: Request, due: Instant) {
        let (operation, late) = (request.operation, due.elapsed());
        let response = self.exchange(&self.users[user], request).await;
        let latency = due.elapsed();
        let mut samples = self.samples();
        samples.late.add(late);
        match response {
            Ok(response) => {
                samples.all.add(latency);
                samples.operations.entry(operation).or_default().add(latency);
                if !response.database.is_zero() {
                    samples.database.add(response.database);
                }
                samples.queued.add(response.queued);
                samples.throttled += u64::from(response.throttled);
            }
            Err(error) => *samples.errors.entry(error.to_string()).or_default() += 1,
        }
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    async fn exchange(&self, user: &User, request: Request) -> Result<Response> {
        let operation = request.operation;
        let response = request.send(&self.fleets[operation.function()]).await?;
        if matches!(operation, Operation::Refresh | Operation::SignIn) {
            user.adopt_tokens(&response.body)?;
        }
        Ok(response)
    }
}

impl<'a> LoadTest<'a> {
    pub(crate) fn new(environment: &'a Environment, users: Vec<User>, instances: usize, seed: u64) -> Self {
        let fleet = |name| (name, Fleet::new(environment.function(name), instances));
        let fleets = BTreeMap::from(["tasks", "auth"].map(fleet));
        let state = State { users, fleets, in_flight: AtomicU64::new(0), samples: Mutex::default() };
        Self { environment, state: Arc::new(state), random: Random(seed) }
    }

    pub(crate) fn users(&self) -> usize {
        self.state.users.len()
    }

    /// Sends `rate` requests per second. Requests during `warm_up` are not recorded; in its first half the rate grows.
    pub(crate) async fn run(&mut self, rate: f64, warm_up: Duration, duration: Duration) -> Result<Step> {
        self.send(rate, warm_up, warm_up / 2).await?;
        *self.state.samples() = Samples::default();
        let (started, before) = (Instant::now(), self.cpu()?);
        let not_sent = self.send(rate, duration, Duration::ZERO).await?;
        // Measure until the last response: a backlog that is processed afterwards must not raise the throughput.
        while self.state.in_flight.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let seconds = started.elapsed().as_secs_f64();
        let mut used = self.cpu()?;
        for (name, now) in &mut used {
            *now = now.saturating_sub(before[name]);
        }
        let mut samples = std::mem::take(&mut *self.state.samples());
        if not_sent > 0 {
            samples.errors.insert(format!("not sent: {MAX_IN_FLIGHT} were in flight"), not_sent);
        }
        let latency = samples.all.percentiles();
        let answered = float(latency.count);
        let operations = samples.operations.iter();
        Ok(Step {
            offered: rate,
            achieved: answered / seconds.max(duration.as_secs_f64()),
            seconds: duration.as_secs(),
            latency,
            operations: operations.map(|(operation, all)| (operation.name().to_owned(), all.percentiles())).collect(),
            database: samples.database.percentiles(),
            queued: samples.queued.percentiles(),
            late: samples.late.percentiles(),
            throttled: samples.throttled,
            errors: samples.errors,
            harness_busy: used["harness"].as_secs_f64() / seconds,
            cpu_ms: used.into_iter().map(|(name, used)| (name.to_owned(), ms(used) / answered.max(1.0))).collect(),
        })
    }

    /// The processor time so far, by program.
    fn cpu(&self) -> Result<BTreeMap<&'static str, Duration>> {
        let mut cpu = BTreeMap::from(self.environment.cpu());
        cpu.insert("harness", process::cpu(Pid::this())?);
        for (name, fleet) in &self.state.fleets {
            cpu.insert(*name, fleet.cpu()?);
        }
        Ok(cpu)
    }

    /// Sends requests for `duration`, and returns how many could not be sent. A separate thread keeps the time, because
    /// the runtime's timers have a resolution of one millisecond.
    async fn send(&mut self, rate: f64, duration: Duration, growth: Duration) -> Result<u64> {
        let (state, mut random) = (Arc::clone(&self.state), self.random.clone());
        let runtime = tokio::runtime::Handle::current();
        let sending = tokio::task::spawn_blocking(move || {
            let start = Instant::now();
            let (mut at, mut not_sent) = (Duration::ZERO, 0);
            loop {
                let grown = if at < growth { at.div_duration_f64(growth).max(0.1) } else { 1.0 };
                // The time between two arrivals of a Poisson process is exponentially distributed.
                at += Duration::from_secs_f64(-(1.0 - random.fraction()).ln() / (rate * grown));
                if at >= duration {
                    return (random, not_sent);
                }
                let due = start + at;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                if state.in_flight.load(Ordering::Relaxed) >= MAX_IN_FLIGHT {
                    not_sent += 1;
                    continue;
                }
                state.in_flight.fetch_add(1, Ordering::Relaxed);
                let user = usize::try_from(random.below(state.users.len() as u64)).unwrap_or(0);
                let request = match Operation::in_mix(random.below(100)) {
                    Operation::List => state.users[user].varied_list(&mut random),
                    operation => state.users[user].request(operation, &mut random),
                };
                let state = Arc::clone(&state);
                runtime.spawn(async move { state.send(user, request, due).await });
            }
        });
        let (random, not_sent) = sending.await?;
        self.random = random;
        Ok(not_sent)
    }
}
