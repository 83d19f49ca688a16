//! Where things are.

use std::path::PathBuf;

/// The root of the workspace: that of the package that cargo runs now, not of the one that was built, for the
/// folder may have been moved or copied since.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "cargo's own variable")]
pub fn workspace() -> PathBuf {
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    let root = package.ancestors().find(|folder| folder.join("Cargo.lock").exists());
    root.unwrap_or(&package).to_owned()
}

/// The folder of everything that is built or made.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "cargo's own variable")]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}
