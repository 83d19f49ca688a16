//! The resources that processes use, and the machine that they run on.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use crate::Result;
use crate::latency::float;

/// A description of this machine.
pub(crate) fn machine() -> String {
    let field = |path: &str, name: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':'));
        value.map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let kib: u64 = field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let name = field("/proc/cpuinfo", "model name");
    format!("{name}, {processors} processors, {} GiB, Linux {}", kib >> 20, kernel.trim())
}

/// The processor time of a process so far, with all its threads.
pub(crate) fn cpu(pid: Pid) -> Result<Duration> {
    Ok(clock_gettime(clock_getcpuclockid(pid)?)?.into())
}

/// The processor time so far of a process and its children, including children that have ended.
pub(crate) fn cpu_with_children(parent: Pid) -> Duration {
    // The fields of `stat` after the process name, which may itself contain spaces.
    let fields = |pid: &str| -> Option<Vec<u64>> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some(stat.rsplit_once(')')?.1.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect())
    };
    // Fields 13 and 14: user and system time of ended children, in hundredths of a second.
    let ended = fields(&parent.to_string()).map_or(0, |fields| fields[13] + fields[14]);
    let mut used = Duration::from_millis(10 * ended) + cpu(parent).unwrap_or_default();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(pid) = name.parse() else { continue };
        // Field 1 is the parent.
        if fields(&name).is_some_and(|fields| fields[1] == u64::from(parent.as_raw().unsigned_abs())) {
            used += cpu(Pid::from_raw(pid)).unwrap_or_default();
        }
    }
    used
}

/// The peak resident memory of a process, in MiB.
pub(crate) fn peak_memory_mib(pid: Pid) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    Ok(float(kib.ok_or("the system does not report peak memory")?.trim().parse::<u64>()?) / 1024.0)
}

/// The size of a program in MiB.
pub(crate) fn size_mib(program: &Path) -> Result<f64> {
    let metadata = fs::metadata(program).map_err(|error| format!("{}: {error}", program.display()))?;
    Ok(float(metadata.len()) / (1024.0 * 1024.0))
}
