//! The system's package manager.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::unprivileged::is_root;
use crate::{Failure, Result};

/// What a package is called by each package manager.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// For people.
    pub name: &'static str,
    /// Debian, Ubuntu.
    pub apt: &'static [&'static str],
    /// macOS.
    pub brew: &'static [&'static str],
    /// Fedora, Amazon Linux.
    pub dnf: &'static [&'static str],
    /// Alpine.
    pub apk: &'static [&'static str],
    /// Arch.
    pub pacman: &'static [&'static str],
}

/// PostgreSQL's server and client.
pub const POSTGRESQL: Package = Package {
    name: "PostgreSQL",
    apt: &["postgresql"],
    brew: &["postgresql@17"],
    dnf: &["postgresql-server"],
    apk: &["postgresql"],
    pacman: &["postgresql"],
};

/// A pooler in transaction mode, as stands before Neon.
pub const PGBOUNCER: Package = Package {
    name: "PgBouncer",
    apt: &["pgbouncer"],
    brew: &["pgbouncer"],
    dnf: &["pgbouncer"],
    apk: &["pgbouncer"],
    pacman: &["pgbouncer"],
};

/// A browser that a test can drive.
pub const CHROMIUM: Package = Package {
    name: "Chromium and ChromeDriver",
    apt: &["chromium", "chromium-driver"],
    brew: &["chromium", "chromedriver"],
    dnf: &["chromium", "chromedriver"],
    apk: &["chromium", "chromium-chromedriver"],
    pacman: &["chromium"],
};

/// Python's virtual environments, which Debian packs apart.
pub const PYTHON: Package = Package {
    name: "Python 3",
    apt: &["python3", "python3-venv"],
    brew: &["python"],
    dnf: &["python3"],
    apk: &["python3"],
    pacman: &["python"],
};

/// A runtime for tools written in JavaScript.
pub const NODE: Package =
    Package { name: "Node.js", apt: &["npm"], brew: &["node"], dnf: &["nodejs-npm"], apk: &["npm"], pacman: &["npm"] };

/// Whether a program is on the PATH.
#[must_use]
pub fn on_path(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", "command -v \"$1\"", "sh", program])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    found.is_ok_and(|status| status.success())
}

/// The PATH with another folder before it.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "what the shell gave us is passed on")]
pub fn path_with(folder: Option<&Path>) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = folder.filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_owned);
    std::env::join_paths(first.into_iter().chain(std::env::split_paths(&path))).unwrap_or(path)
}

/// Installs a package, after saying so.
pub fn install(package: &Package) -> Result<()> {
    type Manager<'a> = (&'a str, &'a [&'a str], &'a [&'static str], bool);
    let managers: [Manager<'_>; 5] = [
        ("apt-get", &["install", "-y", "--no-install-recommends"], package.apt, true),
        ("brew", &["install"], package.brew, false),
        ("dnf", &["install", "-y"], package.dnf, true),
        ("apk", &["add"], package.apk, true),
        ("pacman", &["-S", "--noconfirm"], package.pacman, true),
    ];
    let by_hand = format!("install {} with your package manager and run this again", package.name);
    let Some((manager, arguments, names, needs_root)) = managers.into_iter().find(|(manager, ..)| on_path(manager))
    else {
        return Err(Failure::new(
            format!("{} is missing, and no package manager is known here", package.name),
            by_hand,
        ));
    };
    let sudo = needs_root && !is_root();
    if sudo && !on_path("sudo") {
        return Err(Failure::new(
            format!("{} is missing, and installing it takes root", package.name),
            format!("as root: {manager} {} {}", arguments.join(" "), names.join(" ")),
        ));
    }
    let run = |arguments: &[&str]| {
        let mut command = Command::new(if sudo { "sudo" } else { manager });
        if sudo {
            command.arg(manager);
        }
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::inherit()).stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    eprintln!(
        "  {} is missing: installing it with {}{manager} ({})",
        package.name,
        if sudo { "sudo " } else { "" },
        names.join(", ")
    );
    let whole: Vec<&str> = arguments.iter().chain(names).copied().collect();
    // A fresh machine has no list of packages yet.
    let done = (manager != "apt-get" || run(&["update", "-qq"])) && run(&whole);
    if done { Ok(()) } else { Err(Failure::new(format!("{manager} could not install {}", names.join(", ")), by_hand)) }
}
