//! `cargo xtask keys`: through the code that reads them.

use std::process::Stdio;

use clap::Subcommand;
use local::{Failure, Result};

use crate::{cargo, environment};

#[derive(Subcommand)]
pub(crate) enum Keys {
    /// Print new keys, as the secrets of the functions (JSON)
    Generate,
    /// Read secrets that `generate` printed from standard input, and print them one step further: the next
    /// key becomes active, the active one retires
    Rotate {
        /// Drop the keys that had retired before: when the last token they signed has expired
        #[arg(long)]
        drop_retired: bool,
    },
    /// Read a private key set (JWT_SIGNING_KEYS) from standard input and print the public one
    /// (JWT_PUBLIC_KEYS); without input, that of development
    Jwks,
}

impl Keys {
    pub(crate) fn run(&self) -> Result<()> {
        match self {
            Self::Generate => example(&["generate"]),
            Self::Rotate { drop_retired: false } => example(&["rotate"]),
            Self::Rotate { drop_retired: true } => example(&["rotate", "--drop-retired"]),
            Self::Jwks if std::io::IsTerminal::is_terminal(&std::io::stdin()) => {
                let keys = environment::keys()?;
                println!("{}", keys.get("JWT_PUBLIC_KEYS").map_or("", String::as_str));
                Ok(())
            }
            Self::Jwks => example(&["jwks"]),
        }
    }
}

/// The code lives with the product, whose cryptography it uses.
/// Without `--package`: the whole workspace shares one set of features, so nothing is built twice.
const EXAMPLE: [&str; 4] = ["run", "--quiet", "--example", "keys"];

fn example(arguments: &[&str]) -> Result<()> {
    let mut command = cargo::cargo(&EXAMPLE);
    command.arg("--").args(arguments);
    cargo::finish(command, "making keys", "read the lines above")
}

/// Keys for this machine, as lines of the form NAME='value'.
pub(crate) fn generate_for_development() -> Result<String> {
    let mut command = cargo::cargo(&EXAMPLE);
    let output = command.args(["--", "generate", "--development"]).stderr(Stdio::inherit()).output();
    let output = output.ok().filter(|output| output.status.success());
    let output = output.ok_or_else(|| Failure::new("making keys failed", "read the lines above"))?;
    String::from_utf8(output.stdout).map_err(|_| Failure::new("the keys are not text", "report this"))
}
