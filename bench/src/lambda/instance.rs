//! One instance: a process, its Runtime API, and what it has cost so far.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use super::Function;
use crate::Result;

/// A running instance. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Instance {
    child: Mutex<Child>,
    pid: Pid,
    started: Instant,
    ready: OnceLock<Ready>,
}

/// The end of an initialisation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    /// From the start of the process.
    pub(crate) after: Duration,
    /// The processor time until then.
    pub(crate) cpu: Duration,
}

impl Instance {
    /// Starts the process; the Runtime API is at `address`.
    pub(super) fn start(function: &Function, address: &str, log: &Path) -> Result<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        let mut command = Command::new(&function.program);
        command.env_clear().envs(&function.settings).envs([
            ("AWS_LAMBDA_RUNTIME_API", address),
            ("AWS_LAMBDA_FUNCTION_NAME", function.name.as_str()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ]);
        // A folder without an .env file of the developer's.
        command.current_dir(fs::canonicalize("/tmp")?).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let started = Instant::now();
        let child = command.spawn().map_err(|error| format!("{} cannot be started: {error}", function.name))?;
        let pid = Pid::from_raw(child.id().ok_or("the process has ended")?.try_into()?);
        Ok(Self { child: Mutex::new(child), pid, started, ready: OnceLock::new() })
    }

    /// It asks for work; the first time is the end of its initialisation.
    pub(super) fn polled(&self) {
        if self.ready.get().is_none() {
            let (after, cpu) = (self.started.elapsed(), self.cpu().unwrap_or_default());
            let _ = self.ready.set(Ready { after, cpu });
        }
    }

    /// Its first poll, if it has come to that.
    pub(crate) fn ready(&self) -> Option<Ready> {
        self.ready.get().copied()
    }

    /// The processor time of all its threads so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu_of(self.pid)
    }

    /// The most memory it has had resident, in bytes.
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        Ok(kib.ok_or("the system does not tell peak memory")?.trim().parse::<u64>()? * 1024)
    }

    /// Whether the process has ended, and how.
    pub(super) fn ended(&self) -> Option<String> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.try_wait().ok().flatten().map(|status| status.to_string())
    }
}

/// The processor time of a process so far.
pub(crate) fn cpu_of(pid: Pid) -> Result<Duration> {
    Ok(clock_gettime(clock_getcpuclockid(pid)?)?.into())
}
