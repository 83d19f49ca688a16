//! `cargo xtask mutants`: cargo-mutants over the code that decides something, with the tests' real database.

use clap::Args;
use local::{Result, packages, target, tools};

use crate::cargo;
use crate::test::{Servers, ask_for, has_nextest};

#[derive(Args)]
pub(crate) struct Mutants {
    /// Only the files that match, as in functions/tasks/src/list.rs
    #[arg(long = "file")]
    files: Vec<String>,
    /// A part of the mutants, as in 0/8 to 7/8
    #[arg(long)]
    shard: Option<String>,
    /// Further arguments for cargo-mutants, such as --list
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// What is mutated if no file is named.
const FILES: [&str; 4] =
    ["shared/src/tokens/**", "shared/src/passwords/**", "shared/src/domain/**", "functions/*/src/**"];

/// The packages whose tests must notice a mutant in `shared`; one in a function is for the function's own tests.
const OF_SHARED: &str = "shared,auth,tasks,users";

impl Mutants {
    pub(crate) fn run(&self) -> Result<()> {
        let tools = [&tools::CARGO_MUTANTS, &tools::MOTO, &tools::PGBOUNCER];
        ask_for(&tools)?;
        let servers = Servers::start(&tools, false)?;
        let named: Vec<&str> = self.files.iter().map(String::as_str).collect();
        let files = if named.is_empty() { &FILES[..] } else { &named };
        let (shared, functions): (Vec<&str>, Vec<&str>) = files.iter().partition(|file| file.starts_with("shared/"));
        let in_shared = self.mutate(&servers, "shared", &shared, &["--test-package", OF_SHARED]);
        let in_functions = self.mutate(&servers, "functions", &functions, &[]);
        in_shared.and(in_functions)
    }

    fn mutate(&self, servers: &Servers, name: &str, files: &[&str], tests: &[&str]) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let folder = target().join("mutants");
        let output = folder.join(name);
        let mut mutants = cargo::cargo(&["mutants", "--no-shuffle", "--output"]);
        mutants.arg(&output).args(["--test-tool", if has_nextest() { "nextest" } else { "cargo" }]).args(tests);
        mutants.args(files.iter().flat_map(|file| ["--file", file]));
        mutants.args(self.shard.iter().flat_map(|shard| ["--shard", shard])).args(&self.arguments);
        // cargo-mutants works in a copy of the workspace; with this folder the libraries are built only once.
        mutants.env("CARGO_TARGET_DIR", &folder);
        // cargo looks for its subcommand on the PATH.
        mutants.env("PATH", packages::path_with(Some(&tools::CARGO_MUTANTS.folder()?)));
        let list = output.join("mutants.out/missed.txt");
        cargo::finish(
            servers.tell(&mut mutants),
            "cargo mutants",
            &format!("if {} names mutants, write the tests that notice them", list.display()),
        )
    }
}
