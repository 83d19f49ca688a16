//! `cargo xtask keys`: runs the program in `xtask/keys`.

use std::io::{IsTerminal, Read, Write};
use std::process::Stdio;

use clap::Subcommand;
use local::{Result, ToolError};

use crate::{cargo, environment};

#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Print new keys, as the secrets of the functions (JSON)
    Generate,
    /// Read the secrets that `generate` printed from standard input, rotate their keys, and print them: the next key
    /// becomes active, the active one is retired
    Rotate {
        /// Drop the keys that were already retired; safe once the last token they signed has expired
        #[arg(long)]
        drop_retired: bool,
        /// Replace all keys, because they leaked: every user has to sign in again
        #[arg(long, conflicts_with = "drop_retired")]
        revoke: bool,
    },
    /// Read a private key set (JWT_SIGNING_KEYS) from standard input and print the public one
    /// (JWT_PUBLIC_KEYS); without input, print the public keys of development
    Jwks,
}

impl KeysCommand {
    pub(crate) fn run(&self) -> Result<()> {
        match self {
            Self::Generate => run(&["generate"]),
            Self::Rotate { drop_retired, revoke } => run(&rotate_arguments(*drop_retired, *revoke)),
            Self::Jwks => print_public_keys(),
        }
    }
}

fn print_public_keys() -> Result<()> {
    let mut input = String::new();
    if !std::io::stdin().is_terminal() {
        let read = std::io::stdin().read_to_string(&mut input);
        read.map_err(|error| ToolError::new(format!("standard input cannot be read: {error}"), "pipe a key set in"))?;
    }
    if input.trim().is_empty() {
        let keys = environment::keys()?;
        println!("{}", keys.get("JWT_PUBLIC_KEYS").map_or("", String::as_str));
        return Ok(());
    }
    let printed = run_captured(&["jwks"], &input)
        .map_err(|_| ToolError::new("the key set cannot be read", "pipe in a JWT_SIGNING_KEYS value"))?;
    print!("{printed}");
    Ok(())
}

/// Generates keys, as the secrets of the functions (JSON).
pub(crate) fn generate() -> Result<String> {
    run_captured(&["generate"], "")
}

/// Rotates the keys in the secrets of the functions.
pub(crate) fn rotate(secrets: &str, drop_retired: bool, revoke: bool) -> Result<String> {
    run_captured(&rotate_arguments(drop_retired, revoke), secrets)
}

fn rotate_arguments(drop_retired: bool, revoke: bool) -> Vec<&'static str> {
    let options = [("--drop-retired", drop_retired), ("--revoke", revoke)];
    ["rotate"].into_iter().chain(options.into_iter().filter(|(_, given)| *given).map(|(name, _)| name)).collect()
}

/// Runs the program with `input` on its standard input, and returns what it prints.
fn run_captured(arguments: &[&str], input: &str) -> Result<String> {
    let failure = |_| ToolError::new("the program `keys` failed", "read the lines above");
    let mut command = cargo::cargo(&KEYS);
    command.arg("--").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(failure)?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(input.as_bytes()).map_err(failure)?;
    }
    let output = child.wait_with_output().map_err(failure)?;
    let failed = || ToolError::new("the program `keys` failed", "read the lines above");
    let printed = Some(output.stdout).filter(|_| output.status.success()).ok_or_else(failed)?;
    String::from_utf8(printed).map_err(|_| ToolError::new("the keys are not text", "report this"))
}

/// No `--package`, so that libraries keep the features of the whole workspace and are not built twice.
const KEYS: [&str; 4] = ["run", "--quiet", "--bin", "keys"];

fn run(arguments: &[&str]) -> Result<()> {
    let mut command = cargo::cargo(&KEYS);
    command.arg("--").args(arguments);
    cargo::run(command, "the program `keys`", "read the lines above")
}

/// Generates development keys, as lines of the form NAME='value'.
pub(crate) fn generate_for_development() -> Result<String> {
    run_captured(&["generate", "--development"], "")
}
