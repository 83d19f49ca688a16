//! `cargo xtask secrets`: fills and rotates the secrets of a stack. Values travel through pipes and the
//! environment, never through arguments, which other users of a machine can read.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::Subcommand;
use local::{Failure, Result, tools, workspace};

use crate::keys;

#[derive(Subcommand)]
pub(crate) enum Secrets {
    /// Put the first values into a new stack's secrets: generated keys, and DATABASE_URL (pooled),
    /// DATABASE_URL_UNPOOLED (direct) and, if it is set, BETTER_AUTH_SECRET from the environment
    Fill {
        /// The stack, as in todo-prod
        #[arg(long)]
        stack: String,
        /// Succeed without doing anything if they have values already
        #[arg(long)]
        if_empty: bool,
        /// Keys that `export` printed, instead of new ones: for a stack that is made again
        #[arg(long)]
        from: Option<PathBuf>,
    },
    /// Print every value, to be kept where such things are kept: without the peppers, every password is lost
    Export {
        /// The stack, as in todo-prod
        #[arg(long)]
        stack: String,
    },
    /// Take every key one step further: the next becomes active, the active one retires
    Rotate {
        /// The stack, as in todo-prod
        #[arg(long)]
        stack: String,
        /// Drop the keys that had retired before: when the last token they signed has expired
        #[arg(long)]
        drop_retired: bool,
        /// New keys in place of all that are there, because they leaked: everybody signs in again
        #[arg(long, conflicts_with = "drop_retired")]
        revoke: bool,
    },
    /// Put a value from standard input into every secret that needs it
    Set {
        /// The stack, as in todo-prod
        #[arg(long)]
        stack: String,
        /// The setting, as in DATABASE_URL
        name: String,
    },
}

impl Secrets {
    pub(crate) fn run(&self) -> Result<()> {
        match self {
            Self::Fill { stack, if_empty, from } => {
                let made = match from {
                    Some(file) => fs::read_to_string(file).map_err(|error| {
                        Failure::new(format!("{} cannot be read: {error}", file.display()), "name what export printed")
                    })?,
                    None => keys::generate()?,
                };
                let refusal = if *if_empty { "if-empty" } else { "refuse" };
                print!("{}", script(&["fill", stack, refusal], Some(&made))?);
                Ok(())
            }
            Self::Export { stack } => {
                print!("{}", script(&["export", stack], None)?);
                Ok(())
            }
            Self::Rotate { stack, drop_retired, revoke } => {
                let before = script(&["keys", stack], None)?;
                let after = keys::rotate(&before, *drop_retired, *revoke)?;
                script(&["replace", stack], Some(&after)).map(drop)
            }
            Self::Set { stack, name } => script(&["set", stack, name], None).map(drop),
        }
    }
}

/// Runs the script, which speaks to AWS; what it prints is returned, and what it says is shown.
fn script(arguments: &[&str], input: Option<&str>) -> Result<String> {
    let python = tools::sam()?.join("python");
    let failure = |error| Failure::new(format!("Python does not start: {error}"), "remove target/tools and try again");
    let mut command = Command::new(python);
    command.arg("xtask/python/stack_secrets.py").args(arguments).current_dir(workspace());
    command.env("FUNCTION_SECRETS", functions::secrets());
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::inherit() }).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(failure)?;
    if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
        pipe.write_all(input.as_bytes()).map_err(failure)?;
    }
    let output = child.wait_with_output().map_err(failure)?;
    if !output.status.success() {
        return Err(Failure::new("the secrets could not be changed", "read the lines above"));
    }
    String::from_utf8(output.stdout).map_err(|_| Failure::new("the secrets are not text", "look at them in AWS"))
}
