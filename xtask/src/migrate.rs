//! `cargo xtask migrate`: runs the migrate function on this machine.

use std::fs;

use clap::Subcommand;
use local::{Result, ToolError, workspace};

use crate::environment::Settings;
use crate::function;

#[derive(Subcommand)]
pub(crate) enum MigrateCommand {
    /// List the migrations that are applied and those that are not
    Status,
    /// Apply the missing migrations, all or none
    Up,
    /// Undo migrations, newest first
    Down {
        /// The version to go back to; 0 undoes all
        #[arg(long)]
        to: u32,
    },
    /// Import users and tasks from the old backend's tables ("user", account, task) in the same database; run it again
    /// to import later changes
    ImportLegacy {
        /// Change nothing, and report which rows would be skipped or changed
        #[arg(long)]
        dry_run: bool,
        /// If a newer account has the email address of an old user, give the address to the old user and a placeholder
        /// to the account; without this option such users are skipped and reported
        #[arg(long)]
        old_account_wins: bool,
    },
    /// Create the files of a new migration
    New {
        /// What the migration does, in a few words
        #[arg(required = true)]
        what: Vec<String>,
    },
}

impl MigrateCommand {
    pub(crate) fn run(&self) -> Result<()> {
        let event = match self {
            Self::Status => r#"{"action":"status"}"#.to_owned(),
            Self::Up => r#"{"action":"migrate"}"#.to_owned(),
            Self::Down { to } => format!(r#"{{"action":"rollback","to":{to}}}"#),
            Self::ImportLegacy { dry_run, old_account_wins } => {
                // The import logs its progress at level `info`.
                let on_conflict = if *old_account_wins { "old_account_wins" } else { "report" };
                let event =
                    format!(r#"{{"action":"import_legacy","dry_run":{dry_run},"on_conflict":"{on_conflict}"}}"#);
                return function::invoke("migrate", &event, "info");
            }
            Self::New { what } => return create_files(what),
        };
        function::invoke("migrate", &event, "warn")
    }
}

/// Applies the missing migrations.
pub(crate) fn up(settings: &Settings) -> Result<()> {
    println!("  migrating");
    function::invoke_with("migrate", r#"{"action":"migrate"}"#, settings, "warn")
}

fn create_files(what: &[String]) -> Result<()> {
    let folder = workspace().join("migrations");
    let failure = |error: std::io::Error| {
        ToolError::new(format!("{} cannot be used: {error}", folder.display()), "check the folder")
    };
    let mut newest = 0;
    for entry in fs::read_dir(&folder).map_err(failure)? {
        let name = entry.map_err(failure)?.file_name().to_string_lossy().into_owned();
        let version =
            name.strip_prefix('V').and_then(|name| name.split_once("__")).and_then(|(version, _)| version.parse().ok());
        newest = newest.max(version.unwrap_or(0));
    }
    let words = what.join("_").to_lowercase();
    if !words.chars().any(|c| c.is_ascii_alphanumeric()) {
        return Err(ToolError::new("a migration needs a name", "cargo xtask migrate new add colour to tasks"));
    }
    let slug: String = words.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let stem = format!("V{}__{slug}", newest + 1);
    let files =
        [(format!("{stem}.sql"), "-- What this changes, and why.\n"), (format!("{stem}.down.sql"), "-- Undoes it.\n")];
    for (name, text) in files {
        fs::write(folder.join(&name), text).map_err(failure)?;
        println!("migrations/{name}");
    }
    Ok(())
}
