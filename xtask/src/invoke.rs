//! `cargo xtask invoke`: an operator asks a deployed function, as `migrate` and `maintenance` are asked.

use std::process::Command;

use clap::Args;
use local::{Result, tools, workspace};

use crate::cargo;

#[derive(Args)]
pub(crate) struct Invoke {
    /// The stack, as in todo-prod
    #[arg(long)]
    stack: String,
    /// A version of the function, instead of the one that serves
    #[arg(long, default_value = "")]
    version: String,
    /// migrate or maintenance
    function: String,
    /// The event, as in '{"action":"status"}'
    event: String,
}

impl Invoke {
    pub(crate) fn run(&self) -> Result<()> {
        let mut command = Command::new(tools::sam()?.join("python"));
        command.arg("xtask/python/stack_invoke.py").args([&self.stack, &self.function, &self.event, &self.version]);
        cargo::finish(command.current_dir(workspace()), &self.function, "read the lines above")
    }
}
