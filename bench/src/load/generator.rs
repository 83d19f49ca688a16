//! Sends requests at the times of a Poisson process, and waits for no answer before the next.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use nix::unistd::Pid;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::Operation;
use super::crowd::{Asked, Crowd, Person};
use super::recorder::{Answered, Latencies, Quantiles, Recorder};
use crate::Result;
use crate::lambda::{CLIENT, Fleet, Front, QUEUED, cpu_of};
use crate::stand::Stand;

/// How hard, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Requests a second.
    pub(crate) rate: f64,
    /// Not recorded: for the first half the rate grows to what it is to be, as people come, and caches fill.
    pub(crate) warm_up: Duration,
    /// Recorded.
    pub(crate) duration: Duration,
    pub(crate) seed: u64,
}

/// Requests that may be on their way; more means that the system has fallen behind for good.
const MOST_ON_THEIR_WAY: u64 = 4_000;

/// What a load showed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Step {
    /// Requests a second that were to be sent.
    pub(crate) offered: f64,
    /// Requests a second that were answered.
    pub(crate) achieved: f64,
    pub(crate) seconds: f64,
    pub(crate) latency: Quantiles,
    pub(crate) operations: BTreeMap<String, Quantiles>,
    /// Lists, by how many tasks the user has.
    pub(crate) classes: BTreeMap<String, Quantiles>,
    /// Second by second.
    pub(crate) timeline: Vec<Quantiles>,
    pub(crate) database: Quantiles,
    /// Waiting for an instance; cold starts are part of it.
    pub(crate) queued: Quantiles,
    pub(crate) errors: BTreeMap<String, u64>,
    /// Instances started, by function.
    pub(crate) instances: BTreeMap<String, usize>,
    /// Processor time in milliseconds per request, by what used it.
    pub(crate) cpu_ms: BTreeMap<String, f64>,
}

impl Step {
    pub(crate) fn failed(&self) -> u64 {
        self.errors.values().sum()
    }
}

/// Who asks, where, and what is written down.
struct Session {
    client: Client<HttpConnector, Full<Bytes>>,
    origin: String,
    crowd: Arc<Crowd>,
    on_their_way: AtomicU64,
}

/// Loads the front for a while.
pub(crate) async fn run(
    stand: &Stand,
    front: &Front,
    fleets: &BTreeMap<&'static str, Arc<Fleet>>,
    crowd: &Arc<Crowd>,
    load: Load,
) -> Result<Step> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let session = Arc::new(Session {
        client: Client::builder(TokioExecutor::new()).build(connector),
        origin: format!("http://{}", front.address),
        crowd: Arc::clone(crowd),
        on_their_way: AtomicU64::new(0),
    });
    // What is answered late still belongs to the warm-up.
    send(&session, &Arc::default(), Load { duration: load.warm_up, seed: load.seed ^ 1, ..load }, load.warm_up / 2)
        .await?;
    let recorder: Arc<Mutex<Recorder>> = Arc::default();
    let started = Instant::now();
    let before = used(stand, fleets)?;
    let dropped = send(&session, &recorder, load, Duration::ZERO).await?;
    let after = used(stand, fleets)?;
    let seconds = started.elapsed().as_secs_f64();
    session.finish().await;

    let recorder = std::mem::take(&mut *locked(&recorder));
    let latency = recorder.all.quantiles();
    let mut errors = recorder.errors;
    if dropped > 0 {
        errors.insert(format!("not sent: {MOST_ON_THEIR_WAY} were on their way"), dropped);
    }
    let count = crate::report::float(latency.count);
    let cpu = after.into_iter().map(|(name, used)| {
        let used = used.saturating_sub(before.get(&name).copied().unwrap_or_default());
        (name, used.as_secs_f64() * 1000.0 / count.max(1.0))
    });
    Ok(Step {
        offered: load.rate,
        achieved: count / load.duration.as_secs_f64().max(seconds),
        seconds,
        latency,
        operations: recorder.operations.iter().map(|(name, all)| (name.name().to_owned(), all.quantiles())).collect(),
        classes: recorder.classes.iter().map(|(class, all)| (class.name().to_owned(), all.quantiles())).collect(),
        timeline: recorder.seconds.values().map(Latencies::quantiles).collect(),
        database: recorder.database.quantiles(),
        queued: recorder.queued.quantiles(),
        errors,
        instances: fleets.iter().map(|(name, fleet)| ((*name).to_owned(), fleet.started())).collect(),
        cpu_ms: cpu.collect(),
    })
}

/// Processor time so far, by what used it.
fn used(stand: &Stand, fleets: &BTreeMap<&'static str, Arc<Fleet>>) -> Result<BTreeMap<String, Duration>> {
    let (server, pooler) = stand.database_cpu();
    let mut used = BTreeMap::from([
        ("PostgreSQL".to_owned(), server),
        ("PgBouncer".to_owned(), pooler),
        ("harness".to_owned(), cpu_of(Pid::this())?),
    ]);
    for (name, fleet) in fleets {
        used.insert((*name).to_owned(), fleet.cpu()?);
    }
    Ok(used)
}

fn locked(recorder: &Mutex<Recorder>) -> std::sync::MutexGuard<'_, Recorder> {
    recorder.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends for a while, with a rate that for some time grows to what it is to be; answers how many requests were not
/// sent. A thread of its own keeps time: a runtime's timers are a millisecond coarse.
async fn send(session: &Arc<Session>, recorder: &Arc<Mutex<Recorder>>, load: Load, growth: Duration) -> Result<u64> {
    let (session, recorder) = (Arc::clone(session), Arc::clone(recorder));
    let handle = tokio::runtime::Handle::current();
    let sending = std::thread::spawn(move || {
        let mut random = ChaCha8Rng::seed_from_u64(load.seed);
        let start = Instant::now();
        let (mut at, mut dropped) = (Duration::ZERO, 0);
        loop {
            let grown = if at < growth { at.div_duration_f64(growth).max(0.1) } else { 1.0 };
            // The time between two arrivals of a Poisson process is exponential.
            let even: f64 = random.random();
            at += Duration::from_secs_f64(-(1.0 - even).ln() / (load.rate * grown));
            if at >= load.duration {
                return dropped;
            }
            let due = start + at;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if session.on_their_way.load(Ordering::Relaxed) >= MOST_ON_THEIR_WAY {
                dropped += 1;
                continue;
            }
            session.on_their_way.fetch_add(1, Ordering::Relaxed);
            let who = random.random_range(0..session.crowd.len());
            let operation = Operation::at(random.random_range(0..100));
            let asked = session.crowd.person(who).asks(operation, &mut random);
            let (session, recorder) = (Arc::clone(&session), Arc::clone(&recorder));
            handle.spawn(async move { session.ask(who, asked, (at, due), &recorder).await });
        }
    });
    tokio::task::spawn_blocking(move || sending.join()).await?.map_err(|_| "the load generator stopped".into())
}

impl Session {
    async fn ask(&self, who: usize, asked: Asked, (at, due): (Duration, Instant), recorder: &Mutex<Recorder>) {
        let (operation, class) = (asked.operation, asked.class);
        let person = self.crowd.person(who);
        let result = self.exchange(person, asked).await;
        let latency = due.elapsed();
        let ((database, queued), error) = match result {
            Ok(times) => (times, None),
            Err(error) => (Default::default(), Some(error.to_string())),
        };
        locked(recorder).add(Answered { operation, class, at, latency, database, queued, error });
        self.on_their_way.fetch_sub(1, Ordering::Relaxed);
    }

    /// Sends a request and judges its answer. Answers how long it waited for the database and for an instance.
    async fn exchange(&self, person: &Person, asked: Asked) -> Result<(Duration, Duration)> {
        let Asked { operation, method, path, query, token, body, .. } = asked;
        let mark = if query.is_empty() { "" } else { "?" };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}{mark}{query}", self.origin))
            .header(CLIENT, &person.address);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = self.client.request(request.body(Full::from(body.unwrap_or_default()))?).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        if parts.status.as_u16() != operation.success() {
            let start = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
            return Err(format!("{} {start}", parts.status.as_u16()).into());
        }
        if matches!(operation, Operation::Refresh | Operation::SignIn) {
            person.adopt(&body)?;
        }
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let queued = Duration::from_micros(text(QUEUED.as_str()).parse().unwrap_or_default());
        Ok((database_time(text("server-timing")), queued))
    }

    /// Waits for what is on its way.
    async fn finish(&self) {
        while self.on_their_way.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The time in the database, from a `Server-Timing` header of ours.
pub(crate) fn database_time(header: &str) -> Duration {
    let millis = header.split("db;dur=").nth(1).and_then(|rest| rest.split([',', ';']).next()?.parse::<f64>().ok());
    Duration::from_secs_f64(millis.unwrap_or_default().max(0.0) / 1000.0)
}
