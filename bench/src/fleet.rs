//! The instances of one function, started and chosen as Lambda does: an idle instance is used again, the last used
//! one first; if none is idle, another is started up to a limit; beyond that, requests wait.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use local::lambda::{Bytes, Invocation, RuntimeApi};
use nix::unistd::Pid;
use shared::clock::Clock;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use crate::{Result, process};

/// How long API Gateway waits for a function.
const TIMEOUT: Duration = Duration::from_secs(29);

/// Requests that may wait for an instance. Further ones are rejected, as Lambda throttles them.
const MAX_WAITING: usize = 2_000;

/// A function to run.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    /// All environment variables, except for those that Lambda sets.
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) log: PathBuf,
}

/// A response of a function.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) payload: Bytes,
    /// The time from the arrival of the request until an instance took it, including a cold start.
    pub(crate) queued: Duration,
    /// No instance was idle and no more were allowed. Lambda would have returned 429.
    pub(crate) throttled: bool,
}

/// A running instance.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) pid: Pid,
    started: Instant,
    pub(crate) init: OnceLock<Init>,
}

/// The initialisation of an instance: from the start of its process until it first asks for work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Init {
    pub(crate) took: Duration,
    pub(crate) cpu: Duration,
}

/// The instances of one function. They are stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Fleet {
    function: Function,
    max_instances: usize,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    members: Vec<Member>,
    /// Instances that wait for work. The last one to become idle is used first.
    idle: Vec<oneshot::Sender<Job>>,
    waiting: VecDeque<Job>,
    /// Instances that have not asked for work yet.
    starting: usize,
    instances: usize,
    invocations: u64,
}

impl State {
    /// Gives waiting requests to idle instances.
    fn dispatch(&mut self) {
        while let Some(job) = self.waiting.pop_front() {
            // Skip requests that have timed out.
            if job.invocation.outcome.is_closed() {
                continue;
            }
            let Some(idle) = self.idle.pop() else { return self.waiting.push_front(job) };
            // An idle instance may have stopped.
            if let Err(job) = idle.send(job) {
                self.waiting.push_front(job);
            }
        }
    }
}

/// An instance with its process and its Runtime API.
#[derive(Debug)]
struct Member {
    instance: Arc<Instance>,
    _child: Child,
    _runtime: RuntimeApi,
}

/// A request that waits for an instance.
#[derive(Debug)]
struct Job {
    invocation: Invocation,
    /// Receives the time when an instance takes the request.
    taken: oneshot::Sender<Instant>,
}

impl Fleet {
    pub(crate) fn new(function: Function, max_instances: usize) -> Arc<Self> {
        Arc::new(Self { function, max_instances, clock: Clock::system(), state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one event to an idle or a new instance.
    pub(crate) async fn invoke(self: &Arc<Self>, event: Bytes) -> Result<Reply> {
        let arrived = Instant::now();
        let ((outcome, outcome_of), (taken, taken_at)) = (oneshot::channel(), oneshot::channel());
        let deadline = self.clock.now().as_millisecond() + i64::try_from(TIMEOUT.as_millis())?;
        let (mut grow, mut throttled) = (false, false);
        {
            let mut state = self.state();
            if state.waiting.len() >= MAX_WAITING {
                return Err("throttled".into());
            }
            state.invocations += 1;
            let id = format!("8476a536-e9f4-11e8-9739-{:012x}", state.invocations);
            let trace = "Root=1-67891233-abcdef012345678912345678;Parent=1234567890abcdef;Sampled=0".to_owned();
            state.waiting.push_back(Job { invocation: Invocation { id, event, deadline, trace, outcome }, taken });
            state.dispatch();
            // An instance that is starting will take a waiting request.
            if state.starting < state.waiting.len() {
                grow = state.instances < self.max_instances;
                throttled = !grow;
                state.instances += usize::from(grow);
                state.starting += usize::from(grow);
            }
        }
        if grow {
            self.start_instance().await?;
        }
        let outcome = tokio::time::timeout(TIMEOUT, outcome_of).await;
        let outcome = outcome.map_err(|_| format!("timed out; see {}", self.function.log.display()))?;
        let payload = outcome.map_err(|_| format!("an instance of {} stopped", self.function.name))?;
        let payload = payload.map_err(|error| String::from_utf8_lossy(&error).into_owned())?;
        let queued = taken_at.await.map_or(Duration::ZERO, |taken| taken.duration_since(arrived));
        Ok(Reply { payload, queued, throttled })
    }

    /// Starts an instance that is already counted in the state.
    async fn start_instance(self: &Arc<Self>) -> Result<()> {
        let cell: Arc<OnceLock<Arc<Instance>>> = Arc::default();
        let (fleet, polling) = (Arc::downgrade(self), Arc::clone(&cell));
        let runtime = RuntimeApi::start(move || next_invocation(Weak::clone(&fleet), polling.get().cloned())).await?;
        let Function { name, program, settings, log } = &self.function;
        let log = File::options().create(true).append(true).open(log)?;
        let mut command = Command::new(program);
        command.env_clear().envs(settings).envs(runtime.environment(name, "1", "512"));
        // A folder that contains no `.env` file.
        command.current_dir("/").kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let started = Instant::now();
        let child = command.spawn().map_err(|error| format!("{} cannot be started: {error}", program.display()))?;
        let pid = Pid::from_raw(child.id().ok_or("the process has ended")?.try_into()?);
        let instance = Arc::new(Instance { pid, started, init: OnceLock::new() });
        // Nothing was awaited since the process was spawned, so its first poll has not been served yet.
        let _ = cell.set(Arc::clone(&instance));
        self.state().members.push(Member { instance, _child: child, _runtime: runtime });
        Ok(())
    }

    /// The instance that was started first.
    pub(crate) fn first(&self) -> Option<Arc<Instance>> {
        self.state().members.first().map(|member| Arc::clone(&member.instance))
    }

    /// The processor time of all instances so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        self.state().members.iter().map(|member| process::cpu(member.instance.pid)).sum()
    }
}

/// Waits for the next request for an instance.
async fn next_invocation(fleet: Weak<Fleet>, instance: Option<Arc<Instance>>) -> Option<Invocation> {
    let instance = instance?;
    let (sender, receiver) = oneshot::channel();
    {
        let fleet = fleet.upgrade()?;
        let mut state = fleet.state();
        if instance.init.get().is_none() {
            let init = Init { took: instance.started.elapsed(), cpu: process::cpu(instance.pid).unwrap_or_default() };
            let _ = instance.init.set(init);
            state.starting -= 1;
        }
        state.idle.push(sender);
        state.dispatch();
    }
    let Job { invocation, taken } = receiver.await.ok()?;
    let _ = taken.send(Instant::now());
    Some(invocation)
}
