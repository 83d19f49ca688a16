//! PostgreSQL and PgBouncer refuse to run as root. If this process is root, they run as another user.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use crate::{Result, ToolError, random};

/// The user that servers run as, if it is not the current user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    uid: u32,
    gid: u32,
}

#[must_use]
pub fn is_root() -> bool {
    fs::metadata("/proc/self").map_or_else(|_| numeric_id(&["-u"]) == Some(0), |process| process.uid() == 0)
}

fn numeric_id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok().filter(|_| output.status.success())
}

impl User {
    /// The user to run servers as: `postgres` or `nobody` if this process is root, else `None`, the current user.
    pub fn find() -> Result<Option<Self>> {
        if !is_root() {
            return Ok(None);
        }
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| Some(Self { uid: numeric_id(&["-u", name])?, gid: numeric_id(&["-g", name])? }))
            .map(Some)
            .ok_or_else(|| {
                ToolError::new(
                    "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`",
                    "run this as an ordinary user",
                )
            })
    }
}

/// Makes `command` run as `user`.
pub fn run_as(command: &mut Command, user: Option<User>) {
    if let Some(User { uid, gid }) = user {
        command.uid(uid).gid(gid);
    }
}

/// Changes the owner of `path` to `user`.
pub fn change_owner(path: &Path, user: Option<User>) -> io::Result<()> {
    let Some(User { uid, gid }) = user else { return Ok(()) };
    chown(path, Some(uid), Some(gid))
}

/// Creates a private folder (mode 0700) that belongs to `user`. If `user` may not enter a folder above `wanted`
/// (usually root's home directory), the folder is under `/var/tmp` and `wanted` is a link to it.
pub fn create_folder(wanted: &Path, user: Option<User>) -> Result<PathBuf> {
    let failure = |error: io::Error| {
        ToolError::new(format!("{} cannot be created: {error}", wanted.display()), "check its permissions")
    };
    if let Ok(existing) = wanted.canonicalize() {
        return Ok(existing);
    }
    let parent = wanted.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(failure)?;
    let parent = parent.canonicalize().map_err(failure)?;
    let passable = user.is_none()
        || parent
            .ancestors()
            .all(|above| fs::metadata(above).is_ok_and(|folder| folder.permissions().mode() & 0o001 != 0));
    // Remove a dangling link: /var/tmp may have been cleaned.
    let _ = fs::remove_file(wanted);
    let folder = if passable {
        parent.join(wanted.file_name().unwrap_or_default())
    } else {
        let folder = PathBuf::from(format!("/var/tmp/todo-backend-{}", random::generate_password()?));
        std::os::unix::fs::symlink(&folder, wanted).map_err(failure)?;
        folder
    };
    fs::create_dir(&folder).map_err(failure)?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).map_err(failure)?;
    change_owner(&folder, user).map_err(failure)?;
    Ok(folder)
}
