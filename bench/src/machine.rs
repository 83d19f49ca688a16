//! The machine, as a reader of the figures must know it.

use std::fs;
use std::time::Duration;

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::lambda::cpu_of;

/// What was measured on.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) processors: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    pub(crate) postgresql: String,
}

impl Machine {
    pub(crate) fn here(postgresql: &str) -> Self {
        let line = |path: &str, start: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let found = text.lines().find_map(|line| line.strip_prefix(start)?.split_once(':'));
            found.map(|(_, value)| value.trim().to_owned())
        };
        let memory = line("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        Self {
            processor: line("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: memory.unwrap_or_default() / (1024 * 1024),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            postgresql: postgresql.to_owned(),
        }
    }
}

/// The processor time so far of a process and those it has started, also of those that have ended.
pub(crate) fn cpu_of_group(leader: Pid) -> Duration {
    let ended = fs::read_to_string(format!("/proc/{leader}/stat")).ok().and_then(|stat| {
        // After the name: children's time in user and in system mode, in hundredths of a second.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(13);
        let mut ticks = || fields.next()?.parse::<u64>().ok();
        Some(Duration::from_millis(10 * (ticks()? + ticks()?)))
    });
    let children = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // After the name, which may hold anything: state, then the parent.
        let parent: i32 = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        (parent == leader.as_raw()).then(|| Pid::from_raw(pid))
    });
    let living: Duration = std::iter::once(leader).chain(children).filter_map(|pid| cpu_of(pid).ok()).sum();
    living + ended.unwrap_or_default()
}
