//! The folders of the workspace.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the workspace. Found at run time, because the folder may have been moved or copied since the build.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "cargo sets this variable")]
pub fn workspace() -> PathBuf {
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    let root = package.ancestors().find(|folder| folder.join("Cargo.lock").exists());
    root.unwrap_or(&package).to_owned()
}

/// A folder for the data of one run, named after this process. In memory if 4 GiB are free, because each test creates
/// a database of thousands of small files; else in `target/`.
#[must_use]
pub fn temporary() -> PathBuf {
    const ENOUGH_KIB: u64 = 4 * 1024 * 1024;
    let memory = Path::new("/dev/shm");
    let output = Command::new("df").args(["-Pk"]).arg(memory).stderr(Stdio::null()).output().ok();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let free: Option<u64> = text.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    let parent = if free.is_some_and(|free| free > ENOUGH_KIB) { memory.to_owned() } else { target().join("test") };
    parent.join(format!("todo-test-{}", std::process::id()))
}

/// The folder for build output and generated files.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "cargo sets this variable")]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}
