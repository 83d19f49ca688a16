//! Child processes that end when this process ends, even if it is killed.

use std::fs::File;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{Result, ToolError};

/// A running process with its process group. It is stopped when this value is dropped, and also when this process is
/// killed: a second process, the keeper, waits at the other end of a pipe and stops the group when the pipe closes.
#[derive(Debug)]
pub struct Service {
    name: String,
    child: Child,
    keeper: Child,
    lifeline: Option<ChildStdin>,
}

/// The signal that asks a process to stop.
#[derive(Clone, Copy, Debug)]
pub enum StopSignal {
    /// `SIGTERM`.
    Terminate,
    /// `SIGINT`: PostgreSQL then disconnects all clients and writes all data.
    Interrupt,
    /// `SIGQUIT`: PgBouncer then ends at once. Since 1.23 the other two make it wait for its clients.
    Quit,
}

/// Waits until its parent has ended, sends the signal `$2` to the process group `$1`, and kills the group after 10 s.
/// Then removes the folder `$3`.
const KEEPER: &str = r#"
trap '' INT TERM HUP
cat > /dev/null
kill -"$2" -"$1" 2> /dev/null
tries=0
while kill -0 -"$1" 2> /dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -gt 200 ]; then kill -KILL -"$1" 2> /dev/null; break; fi
    sleep 0.05
done
[ -z "$3" ] || rm -rf -- "$3"
"#;

impl Service {
    /// Starts `command` in a new process group, with its output in `log`, if that is given.
    pub fn start(name: &str, command: &mut Command, stop: StopSignal, log: Option<&Path>) -> Result<Self> {
        Self::start_in(name, command, stop, log, None)
    }

    /// As [`Service::start`]; the folder `temporary` is removed when the process has ended.
    pub fn start_in(
        name: &str,
        command: &mut Command,
        stop: StopSignal,
        log: Option<&Path>,
        temporary: Option<&Path>,
    ) -> Result<Self> {
        let failure = |error: std::io::Error| {
            ToolError::new(format!("{name} cannot be started: {error}"), "check that it is installed and may be run")
        };
        if let Some(log) = log {
            let file = File::create(log).map_err(failure)?;
            command.stdout(file.try_clone().map_err(failure)?).stderr(file);
        }
        let mut child = command.stdin(Stdio::null()).process_group(0).spawn().map_err(failure)?;
        let signal = match stop {
            StopSignal::Terminate => "TERM",
            StopSignal::Interrupt => "INT",
            StopSignal::Quit => "QUIT",
        };
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper", &child.id().to_string(), signal])
            .arg(temporary.unwrap_or(Path::new("")))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let mut keeper = keeper.map_err(|error| {
            let _ = child.kill();
            failure(error)
        })?;
        let lifeline = keeper.stdin.take();
        Ok(Self { name: name.to_owned(), child, keeper, lifeline })
    }

    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process (`SIGKILL`).
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The exit status, if the process has ended.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until `ready` returns true, at most `timeout`. Errors show the end of `log`.
    pub fn wait_until(&mut self, timeout: Duration, log: Option<&Path>, mut ready: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + timeout;
        loop {
            if ready() {
                return Ok(());
            }
            if let Some(status) = self.exit_status() {
                return Err(ToolError::new(
                    format!("{} stopped while starting ({status}){}", self.name, tail(log)),
                    "read the lines above",
                ));
            }
            if Instant::now() > deadline {
                return Err(ToolError::new(
                    format!("{} was not ready after {} s{}", self.name, timeout.as_secs(), tail(log)),
                    "read the lines above",
                ));
            }
            sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.child.wait();
        let _ = self.keeper.wait();
    }
}

/// The end of a log, for an error message.
fn tail(log: Option<&Path>) -> String {
    let mut text = String::new();
    if let Some(mut file) = log.and_then(|log| File::open(log).ok()) {
        let _ = file.read_to_string(&mut text);
    }
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(12)).map(|line| format!("\n    {line}")).collect()
}

/// A free port of 127.0.0.1: `preferred` if that is free.
pub fn free_port(preferred: Option<u16>) -> Result<u16> {
    let bound = preferred.and_then(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    let bound = bound.map_or_else(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)), Ok);
    let address = bound.and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(|error| {
        ToolError::new(format!("no port of 127.0.0.1 can be opened: {error}"), "check the machine's network")
    })
}

/// Whether a program listens on this port of 127.0.0.1.
#[must_use]
pub fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}
