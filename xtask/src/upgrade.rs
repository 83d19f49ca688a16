//! `cargo xtask upgrade`: whether users notice a deploy. The version before the newest migration serves under load
//! while this version migrates; then both serve side by side; then the deploy is taken back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use local::{Failure, Result, target, workspace};

use crate::cargo;
use crate::lock::unwritable;
use crate::test::Test;

#[derive(Args, Default)]
pub(crate) struct Upgrade {
    /// The commit to come from; without it, the one before the newest migration
    #[arg(long)]
    from: Option<String>,
}

impl Upgrade {
    pub(crate) fn run(&self) -> Result<()> {
        let newest = newest_migration()?;
        let from = match &self.from {
            Some(from) => from.clone(),
            None => before(&newest)?,
        };
        let folder = target().join("upgrade");
        let (before, after) = (folder.join("before"), folder.join("after"));
        println!("  the version before: {}", git(&["log", "-1", "--format=%h %s", &from])?);
        check_out(&before, &from)?;
        check_out(&after, "HEAD")?;
        rehearse(&after.join("migrations"), newest.0 + 1)?;
        // One folder for both, so that the libraries are built once.
        let built = folder.join("target");
        let bins = ["--bin", "auth", "--bin", "tasks", "--bin", "migrate"];
        build(&before, &built, &bins)?;
        let kept = folder.join("bin");
        fs::create_dir_all(&kept).map_err(|error| unwritable(&kept, &error))?;
        for name in ["auth", "tasks", "migrate"] {
            keep(&built.join("debug").join(name), &kept.join(name))?;
        }
        build(&after, &built, &["--bin", "migrate"])?;
        keep(&built.join("debug/migrate"), &kept.join("migrate-after"))?;
        Test::of(&["--workspace", "--features", "docs/upgrade", "--test", "upgrade", "--no-capture"]).run()
    }
}

/// The number of the newest migration, and its file.
fn newest_migration() -> Result<(u32, String)> {
    let number = |path: &str| path.strip_prefix("migrations/V")?.split_once("__")?.0.parse::<u32>().ok();
    let files = git(&["ls-files", "migrations"])?;
    let newest =
        files.lines().filter_map(|path| Some((number(path)?, path.to_owned()))).max_by_key(|(number, _)| *number);
    newest.ok_or_else(|| Failure::new("there are no migrations", "run this in a clone with its history"))
}

/// The commit before the one that added a migration.
fn before((number, file): &(u32, String)) -> Result<String> {
    let added = git(&["log", "-1", "--diff-filter=A", "--format=%H", "--", file])?;
    let parent = git(&["rev-parse", "--verify", &format!("{added}^")]);
    parent.map_err(|_| {
        Failure::new(format!("the commit before migration {number} is not in this clone"), "git fetch --unshallow")
    })
}

fn git(arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").args(arguments).current_dir(workspace()).output();
    let output = output.ok().filter(|output| output.status.success());
    let output =
        output.ok_or_else(|| Failure::new(format!("git {} failed", arguments.join(" ")), "run it to see why"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The files of a commit, and nothing else.
fn check_out(folder: &Path, commit: &str) -> Result<()> {
    // What a run before left.
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let archive = folder.with_extension("tar");
    let path = archive.to_string_lossy().into_owned();
    git(&["archive", "--output", &path, commit])?;
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--file").arg(&archive).arg("--directory").arg(folder);
    cargo::finish(tar, "tar", "check the disk")
}

/// Adds a migration that does what migrations do: a column with a default, an index, a change of every row.
fn rehearse(migrations: &Path, number: u32) -> Result<()> {
    let source = workspace().join("functions/docs/tests/upgrade");
    for kind in ["sql", "down.sql"] {
        keep(&source.join(format!("rehearsal.{kind}")), &migrations.join(format!("V{number}__rehearsal.{kind}")))?;
    }
    Ok(())
}

fn keep(from: &Path, to: &PathBuf) -> Result<()> {
    fs::copy(from, to).map(drop).map_err(|error| unwritable(to, &error))
}

fn build(folder: &Path, target: &Path, bins: &[&str]) -> Result<()> {
    println!("  building in {}", folder.display());
    let mut command = cargo::cargo(&["build"]);
    command.args(bins).arg("--target-dir").arg(target).current_dir(folder);
    cargo::finish(command, "building", "read the lines above")
}
