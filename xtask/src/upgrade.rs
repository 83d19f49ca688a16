//! `cargo xtask upgrade`: rehearses a deploy under load. The deployed version serves while this version migrates,
//! then both serve side by side, then the deploy is rolled back. No request may fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use local::{Result, ToolError, target, tools, workspace};

use crate::cargo;
use crate::lock::unwritable;
use crate::test::TestOptions;

#[derive(Args)]
pub(crate) struct UpgradeOptions {
    /// The commit that is deployed now
    #[arg(long, default_value = "HEAD^")]
    from: String,
}

impl Default for UpgradeOptions {
    fn default() -> Self {
        Self { from: "HEAD^".to_owned() }
    }
}

impl UpgradeOptions {
    pub(crate) fn run(&self) -> Result<()> {
        let from = git(&["rev-parse", "--verify", &format!("{}^{{commit}}", self.from)]);
        let from = from.map_err(|_| {
            ToolError::new(format!("{} is not in this clone", self.from), "git fetch --unshallow, or name a commit")
        })?;
        let folder = target().join("upgrade");
        let (before, after) = (folder.join("before"), folder.join("after"));
        println!("  deployed version: {}", git(&["log", "-1", "--format=%h %s", &from])?);
        check_out(&before, &from)?;
        // Both versions share a target folder, so that libraries are built once.
        let built = folder.join("target");
        let bins = ["--bin", "auth", "--bin", "tasks", "--bin", "migrate"];
        build(&before, &built, &bins)?;
        let binaries = folder.join("bin");
        fs::create_dir_all(&binaries).map_err(|error| unwritable(&binaries, &error))?;
        for name in ["auth", "tasks", "migrate"] {
            copy(&built.join("debug").join(name), &binaries.join(name))?;
        }
        // Only after the other version is built: cargo compares file times, and would mix up the two.
        check_out(&after, "HEAD")?;
        add_rehearsal_migration(&after.join("migrations"), newest_migration()? + 1)?;
        build(&after, &built, &["--bin", "migrate"])?;
        copy(&built.join("debug/migrate"), &binaries.join("migrate-after"))?;
        TestOptions::with_tools(
            &["--workspace", "--features", "conformance/upgrade", "--test", "upgrade", "--no-capture"],
            &[&tools::PGBOUNCER],
        )
        .run()
    }
}

/// The number of the newest migration.
fn newest_migration() -> Result<u32> {
    let number = |path: &str| path.strip_prefix("migrations/V")?.split_once("__")?.0.parse().ok();
    let newest = git(&["ls-files", "migrations"])?.lines().filter_map(number).max();
    newest.ok_or_else(|| ToolError::new("there are no migrations", "run this in a clone of the repository"))
}

fn git(arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").args(arguments).current_dir(workspace()).output();
    let output = output.ok().filter(|output| output.status.success());
    let output =
        output.ok_or_else(|| ToolError::new(format!("git {} failed", arguments.join(" ")), "run it to see why"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Empties a folder and writes the files of a commit into it.
fn check_out(folder: &Path, commit: &str) -> Result<()> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let archive = folder.with_extension("tar");
    let path = archive.to_string_lossy().into_owned();
    git(&["archive", "--output", &path, commit])?;
    let mut tar = Command::new("tar");
    // `--touch` sets the current time, because cargo does not rebuild files that are older than its last build.
    tar.arg("--extract").arg("--touch").arg("--file").arg(&archive).arg("--directory").arg(folder);
    cargo::run(tar, "tar", "check the disk")
}

/// Adds a typical migration: a column with a default, an index, a change of every row.
fn add_rehearsal_migration(migrations: &Path, number: u32) -> Result<()> {
    let source = workspace().join("shared/conformance/tests/upgrade");
    for kind in ["sql", "down.sql"] {
        copy(&source.join(format!("rehearsal.{kind}")), &migrations.join(format!("V{number}__rehearsal.{kind}")))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &PathBuf) -> Result<()> {
    fs::copy(from, to).map(drop).map_err(|error| unwritable(to, &error))
}

fn build(folder: &Path, target: &Path, bins: &[&str]) -> Result<()> {
    println!("  building in {}", folder.display());
    let mut command = cargo::cargo(&["build"]);
    command.args(bins).arg("--target-dir").arg(target).current_dir(folder);
    cargo::run(command, "building", "read the lines above")
}
