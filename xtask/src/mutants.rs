//! `cargo xtask mutants`: cargo-mutants over the code that decides something, with the tests' real database.

use clap::Args;
use local::{Result, target, tools};

use crate::cargo;
use crate::test::{Servers, ask_for, has_nextest};

#[derive(Args)]
pub(crate) struct Mutants {
    /// Only the files that match, as in functions/tasks/src/list.rs
    #[arg(long)]
    file: Vec<String>,
    /// A part of the mutants, as in 0/8 to 7/8
    #[arg(long)]
    shard: Option<String>,
    /// Further arguments for cargo-mutants, such as --list or --re <expression>
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// What is mutated if no file is named.
const FILES: [&str; 4] =
    ["shared/src/tokens/**", "shared/src/passwords/**", "shared/src/domain/**", "functions/*/src/**"];

/// The packages whose tests must notice a mutant, beside its own.
const TESTS: &str = "shared,auth,tasks,users,health,maintenance,migrate";

impl Mutants {
    pub(crate) fn run(&self) -> Result<()> {
        let tools = [&tools::CARGO_MUTANTS, &tools::MOTO, &tools::PGBOUNCER];
        ask_for(&tools)?;
        let servers = Servers::start(&tools, false)?;
        let mut mutants = cargo::cargo(&["mutants", "--no-shuffle", "--test-package", TESTS, "--gitignore", "true"]);
        mutants.args(["--test-tool", if has_nextest() { "nextest" } else { "cargo" }, "--output"]).arg(target());
        let files: Vec<&str> = self.file.iter().map(String::as_str).collect();
        for file in if files.is_empty() { &FILES[..] } else { &files } {
            mutants.args(["--file", file]);
        }
        mutants.args(self.shard.iter().flat_map(|shard| ["--shard", shard])).args(&self.arguments);
        // cargo finds its subcommand on the PATH.
        mutants.env("PATH", local::packages::path_with(Some(&tools::CARGO_MUTANTS.folder()?)));
        let next = format!(
            "read {}: a mutant that no test notices asks for a test",
            target().join("mutants.out/missed.txt").display()
        );
        cargo::finish(servers.tell(&mut mutants), "a mutant survived, or cargo-mutants", &next)
    }
}
