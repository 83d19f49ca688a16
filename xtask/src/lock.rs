//! Locks on folders. The system releases a lock when its process ends, even if it is killed.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::Path;

use local::{Result, ToolError};

/// The lock of a folder. The lock file describes the holder, for the error message of other processes.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Takes the lock of `folder`. If another process holds it, the error is `problem` and that process's description.
    pub(crate) fn take(folder: &Path, problem: &str) -> Result<Self> {
        let failure = |error| unwritable(folder, &error);
        fs::create_dir_all(folder).map_err(failure)?;
        let path = folder.join("running");
        let file = File::options().create(true).read(true).write(true).truncate(false).open(&path).map_err(failure)?;
        if file.try_lock().is_err() {
            let holder = read(&file);
            let holder = if holder.is_empty() { String::new() } else { format!(": {holder}") };
            return Err(ToolError::new(format!("{problem}{holder}"), "wait for it, or stop it with Ctrl-C"));
        }
        file.set_len(0).map_err(failure)?;
        Ok(Self(file))
    }

    /// Whether a process holds the lock of `folder`.
    pub(crate) fn is_taken(folder: &Path) -> bool {
        File::open(folder.join("running")).is_ok_and(|file| file.try_lock_shared().is_err())
    }

    /// Writes the description of this process to the lock file.
    pub(crate) fn describe_holder(&mut self, text: &str) -> Result<()> {
        let written = self.0.set_len(0).and_then(|()| self.0.rewind()).and_then(|()| self.0.write_all(text.as_bytes()));
        written.map_err(|error| ToolError::new(format!("the lock file cannot be written: {error}"), "check target/"))
    }
}

fn read(mut file: &File) -> String {
    let mut text = String::new();
    let _ = file.read_to_string(&mut text);
    text.trim().to_owned()
}

/// The error for a folder in `target/` that cannot be written.
pub(crate) fn unwritable(folder: &Path, error: &std::io::Error) -> ToolError {
    ToolError::new(format!("{} cannot be written: {error}", folder.display()), "check its permissions")
}
