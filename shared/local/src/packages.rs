//! The system's package manager, used only with the user's consent.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::unprivileged::is_root;
use crate::{Result, ToolError};

/// A package, and its names in the package managers.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// The name in messages.
    pub name: &'static str,
    /// Debian, Ubuntu.
    pub apt: &'static [&'static str],
    /// macOS.
    pub brew: &'static [&'static str],
}

/// A connection pooler for PostgreSQL, like Neon's.
pub const PGBOUNCER: Package = Package { name: "PgBouncer", apt: &["pgbouncer"], brew: &["pgbouncer"] };

/// A browser, and the program that drives it.
pub const CHROMIUM: Package = Package {
    name: "Chromium and ChromeDriver",
    apt: &["chromium", "chromium-driver"],
    brew: &["chromium", "chromedriver"],
};

/// Python with virtual environments, which are a separate package on Debian.
pub const PYTHON: Package = Package { name: "Python 3", apt: &["python3", "python3-venv"], brew: &["python"] };

/// A runtime for tools written in JavaScript.
pub const NODE: Package = Package { name: "Node.js", apt: &["npm"], brew: &["node"] };

/// Finds a program on the PATH.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the PATH of the shell")]
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|program| program.is_file())
}

/// The PATH with another folder in front.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "passes on the PATH of the shell")]
pub fn path_with(folder: Option<&Path>) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = folder.filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_owned);
    std::env::join_paths(first.into_iter().chain(std::env::split_paths(&path))).unwrap_or(path)
}

static AGREED: AtomicBool = AtomicBool::new(false);

/// Lets all later installations run without asking.
pub fn agree_to_install() {
    AGREED.store(true, Ordering::Relaxed);
}

/// Asks the user once per run whether `what` may be installed. Without a terminal the answer is no.
pub fn ask_to_install(what: &str) -> Result<()> {
    if AGREED.load(Ordering::Relaxed) {
        return Ok(());
    }
    let mut answer = "no".to_owned();
    if std::io::stdin().is_terminal() {
        eprint!("  missing: {what}\n  Install now? [Y/n] ");
        answer.clear();
        let _ = std::io::stdin().read_line(&mut answer);
    }
    if !matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes") {
        return Err(ToolError::new(
            format!("missing: {what}"),
            "cargo xtask setup --all, or cargo xtask test --install",
        ));
    }
    agree_to_install();
    Ok(())
}

/// Installs a package if the user agrees.
pub fn install(package: &Package) -> Result<()> {
    type Manager<'a> = (&'a str, &'a [&'a str], &'a [&'static str], bool);
    let managers: [Manager<'_>; 2] = [
        ("apt-get", &["install", "-y", "--no-install-recommends"], package.apt, true),
        ("brew", &["install"], package.brew, false),
    ];
    let manager = managers.into_iter().find(|(manager, ..)| on_path(manager).is_some());
    let Some((manager, arguments, names, needs_root)) = manager else {
        let problem = format!("{} is missing, and this machine has neither apt-get nor brew", package.name);
        return Err(ToolError::new(problem, "install it yourself, so that it is on the PATH"));
    };
    let sudo: &[&str] = if needs_root && !is_root() { &["sudo"] } else { &[] };
    let command = [sudo, &[manager], arguments, names].concat().join(" ");
    ask_to_install(&format!("{} ({command})", package.name))?;
    eprintln!("  {command}");
    let run = |arguments: &[&str]| {
        let words = [sudo, &[manager], arguments].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    // A new machine has no list of packages yet.
    let done = (manager != "apt-get" || run(&["update", "-qq"])) && run(&[arguments, names].concat());
    if done { Ok(()) } else { Err(ToolError::new(format!("{command} failed"), "read the lines above")) }
}
