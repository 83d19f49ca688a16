//! The instances of one function. An idle one is used again, the warmest first; without one, another is started
//! up to the limit, and whichever is free first takes the request; beyond, requests wait.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use shared::clock::Clock;
use tokio::sync::{SetOnce, oneshot};

use super::instance::Instance;
use super::runtime_api::{Outcome, RuntimeApi};
use crate::Result;

/// A function to run.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    /// All it sees of the environment, beside what Lambda sets.
    pub(crate) settings: BTreeMap<String, String>,
    /// Where its output goes.
    pub(crate) log: PathBuf,
}

/// How far a function may scale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Instances at most.
    pub(crate) instances: usize,
    /// Requests that may wait; Lambda throttles the others.
    pub(crate) waiting: usize,
}

/// An invocation on its way to an instance.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) event: Bytes,
    pub(super) done: oneshot::Sender<Outcome>,
    pub(super) taken: oneshot::Sender<Instant>,
}

/// What became of an invocation.
#[derive(Debug)]
pub(crate) struct Invoked {
    pub(crate) payload: Bytes,
    /// From its arrival to an instance's taking it; a cold start is part of it.
    pub(crate) queued: Duration,
    /// Whether there was neither an idle instance nor room for another: Lambda would have answered 429.
    pub(crate) throttled: bool,
}

/// The instances of one function; ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Fleet {
    function: Function,
    limits: Limits,
    clock: Clock,
    state: Mutex<State>,
    itself: Weak<Self>,
}

#[derive(Debug, Default)]
struct State {
    members: Vec<Member>,
    /// The last to become idle is the first to be used.
    idle: Vec<oneshot::Sender<Job>>,
    waiting: VecDeque<Job>,
    /// Instances that are about to become members.
    coming: usize,
    started: usize,
    invocations: u64,
}

#[derive(Debug)]
struct Member {
    instance: Arc<Instance>,
    api: RuntimeApi,
}

impl State {
    /// Instances on their way to their first poll.
    fn starting(&self) -> usize {
        self.coming + self.members.iter().filter(|member| member.instance.ready().is_none()).count()
    }

    /// Forgets instances that have ended; who waits for them learns it.
    fn bury(&mut self) {
        self.members.retain(|member| {
            let lives = member.instance.ended().is_none();
            if !lives {
                member.api.abandon();
            }
            lives
        });
    }
}

/// As long as API Gateway waits.
const TIME: Duration = Duration::from_secs(29);

impl Fleet {
    pub(crate) fn new(function: Function, limits: Limits) -> Arc<Self> {
        Arc::new_cyclic(|itself| Self {
            function,
            limits,
            clock: Clock::system(),
            state: Mutex::default(),
            itself: Weak::clone(itself),
        })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one event, on an instance that is there or on a new one.
    pub(crate) async fn invoke(&self, event: Bytes) -> Result<Invoked> {
        let arrived = Instant::now();
        let ((done, outcome), (taken, when)) = (oneshot::channel(), oneshot::channel());
        let (mut grow, mut throttled) = (false, false);
        {
            let mut state = self.state();
            state.invocations += 1;
            let id = format!("8476a536-e9f4-11e8-9739-{:012x}", state.invocations);
            let mut job = Job { id, event, done, taken };
            // An idle instance may have ended; the next one takes the job then.
            let kept = loop {
                let Some(idle) = state.idle.pop() else { break Some(job) };
                match idle.send(job) {
                    Ok(()) => break None,
                    Err(returned) => job = returned,
                }
            };
            if let Some(job) = kept {
                if state.waiting.len() >= self.limits.waiting {
                    return Err("throttled".into());
                }
                state.waiting.push_back(job);
                state.bury();
                let room = state.members.len() + state.coming < self.limits.instances;
                // One that starts will take a request that waits.
                let starting = state.starting();
                grow = room && starting < state.waiting.len();
                throttled = !room && starting < state.waiting.len();
                state.coming += usize::from(grow);
            }
        }
        if grow {
            self.grow();
        }
        let outcome = tokio::time::timeout(TIME, outcome).await.map_err(|_| "timed out")?;
        let payload = outcome.map_err(|_| format!("an instance of {} ended", self.function.name))?;
        let queued = when.await.map_or(Duration::ZERO, |when| when.duration_since(arrived));
        match payload {
            Ok(payload) => Ok(Invoked { payload, queued, throttled }),
            Err(error) => Err(String::from_utf8_lossy(&error).into_owned().into()),
        }
    }

    fn grow(&self) {
        if let Some(fleet) = self.itself.upgrade() {
            tokio::spawn(async move {
                if let Err(error) = fleet.add().await {
                    eprintln!("  {}: {error}", fleet.function.name);
                    fleet.state().coming -= 1;
                }
            });
        }
    }

    /// Starts an instance, counted as coming before.
    async fn add(self: &Arc<Self>) -> Result<Arc<Instance>> {
        let cell: Arc<SetOnce<Arc<Instance>>> = Arc::default();
        let api = RuntimeApi::start(Arc::downgrade(self), Arc::clone(&cell)).await?;
        let instance = Arc::new(Instance::start(&self.function, &api.address, &self.function.log)?);
        let _ = cell.set(Arc::clone(&instance));
        let mut state = self.state();
        state.started += 1;
        state.coming -= 1;
        state.members.push(Member { instance: Arc::clone(&instance), api });
        Ok(instance)
    }

    /// Starts an instance and waits for its first poll.
    pub(crate) async fn start_one(self: &Arc<Self>) -> Result<Arc<Instance>> {
        self.state().coming += 1;
        let instance = self.add().await?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while instance.ready().is_none() {
            if let Some(status) = instance.ended() {
                let log = self.function.log.display();
                return Err(format!("{} stopped while starting ({status}); read {log}", self.function.name).into());
            }
            if Instant::now() > deadline {
                return Err(format!("{} did not ask for work in 10 s", self.function.name).into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(instance)
    }

    /// An instance has time for a job, which comes when there is one.
    pub(super) fn poll(&self, instance: &Instance) -> oneshot::Receiver<Job> {
        let (sender, receiver) = oneshot::channel();
        instance.polled();
        let mut state = self.state();
        // Nobody waits any more for what timed out.
        while state.waiting.front().is_some_and(|job| job.done.is_closed()) {
            state.waiting.pop_front();
        }
        match state.waiting.pop_front() {
            Some(job) => drop(sender.send(job)),
            None => state.idle.push(sender),
        }
        receiver
    }

    /// When Lambda would end an invocation that is handed out now, in milliseconds since 1970.
    pub(super) fn deadline(&self) -> i64 {
        self.clock.now().as_millisecond() + i64::try_from(TIME.as_millis()).unwrap_or(i64::MAX)
    }

    /// The instance that was started first.
    pub(crate) fn first(&self) -> Option<Arc<Instance>> {
        self.state().members.first().map(|member| Arc::clone(&member.instance))
    }

    /// How many instances have been started.
    pub(crate) fn started(&self) -> usize {
        self.state().started
    }

    /// The processor time of all instances so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        self.state().members.iter().map(|member| member.instance.cpu()).sum()
    }

    /// Ends every instance.
    pub(crate) fn stop(&self) {
        let mut state = self.state();
        state.idle.clear();
        for member in state.members.drain(..) {
            member.api.abandon();
        }
    }
}
