//! Sends requests at the times of a Poisson process, and waits for no answer before the next.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use super::Operation;
use super::crowd::{Asked, Crowd, Person};
use super::recorder::{Answered, Recorder, Success};
use super::step::{self, Step};
use crate::Result;
use crate::lambda::{CLIENT, Front, QUEUED, THROTTLED};
use crate::stand::{Fleets, Stand};

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

/// Who asks, where, and what is written down.
struct Session {
    client: Client<HttpConnector, Full<Bytes>>,
    origin: String,
    crowd: Arc<Crowd>,
    on_their_way: AtomicU64,
}

/// Loads the front for a while.
pub(crate) async fn run(stand: &Stand, front: &Front, fleets: &Fleets, crowd: &Arc<Crowd>, load: Load) -> Result<Step> {
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
    let before = step::used(stand, fleets)?;
    let dropped = send(&session, &recorder, load, Duration::ZERO).await?;
    // Until the last answer: a backlog that is worked off afterwards is no throughput.
    session.finish().await;
    let (after, seconds) = (step::used(stand, fleets)?, started.elapsed().as_secs_f64());
    let mut recorder = std::mem::take(&mut *locked(&recorder));
    if dropped > 0 {
        recorder.errors.insert(format!("not sent: {MOST_ON_THEIR_WAY} were on their way"), dropped);
    }
    let instances = fleets.iter().map(|(name, fleet)| ((*name).to_owned(), fleet.started())).collect();
    Ok(step::of(load, recorder, seconds, (&before, &after), instances))
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
            handle.spawn(async move { session.ask(who, asked, due, &recorder).await });
        }
    });
    tokio::task::spawn_blocking(move || sending.join()).await?.map_err(|_| "the load generator stopped".into())
}

impl Session {
    async fn ask(&self, who: usize, asked: Asked, due: Instant, recorder: &Mutex<Recorder>) {
        let (operation, class, late) = (asked.operation, asked.class, due.elapsed());
        let person = self.crowd.person(who);
        let outcome = self.exchange(person, asked).await.map_err(|error| error.to_string());
        let latency = due.elapsed();
        locked(recorder).add(Answered { operation, class, latency, late, outcome });
        self.on_their_way.fetch_sub(1, Ordering::Relaxed);
    }

    /// Sends a request and judges its answer.
    async fn exchange(&self, person: &Person, asked: Asked) -> Result<Success> {
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
            let problem: Problem = serde_json::from_slice(&body).unwrap_or_default();
            return Err(format!("{} {}", parts.status.as_u16(), problem.code).trim().into());
        }
        if matches!(operation, Operation::Refresh | Operation::SignIn) {
            person.adopt(&body)?;
        }
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let queued = Duration::from_micros(text(QUEUED.as_str()).parse().unwrap_or_default());
        let (database, throttled) = (database_time(text("server-timing")), parts.headers.contains_key(THROTTLED));
        Ok(Success { database, queued, throttled, bytes: u64::try_from(body.len())? })
    }

    /// Waits for what is on its way.
    async fn finish(&self) {
        while self.on_their_way.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// What is read of an error.
#[derive(Default, Deserialize)]
struct Problem {
    code: String,
}

/// The time in the database, from a `Server-Timing` header of ours.
pub(crate) fn database_time(header: &str) -> Duration {
    let millis = header.split("db;dur=").nth(1).and_then(|rest| rest.split([',', ';']).next()?.parse::<f64>().ok());
    Duration::from_secs_f64(millis.unwrap_or_default().max(0.0) / 1000.0)
}
