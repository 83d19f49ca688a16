//! `cargo xtask mutants`: runs cargo-mutants on the security code, the domain and the functions, with a real database.

use clap::Args;
use local::{Result, packages, target, tools};

use crate::cargo;
use crate::lock::unwritable;
use crate::test::{TestServers, ask_to_install_missing, has_nextest};

#[derive(Args)]
pub(crate) struct MutantsOptions {
    /// Mutate only files that match, as in functions/tasks/src/tasks/list.rs
    #[arg(long = "file")]
    files: Vec<String>,
    /// Run only this part of the mutants, 0/8 to 7/8 for example
    #[arg(long)]
    shard: Option<String>,
    /// Further arguments for cargo-mutants, such as --list
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// The files to mutate if none are given.
const FILES: [&str; 4] =
    ["shared/src/tokens/**", "shared/src/passwords/**", "shared/src/domain/**", "functions/*/src/**"];

/// The packages whose tests must detect a mutant in `shared`. A mutant in a function must be detected by the tests of
/// that function.
const SHARED_TEST_PACKAGES: &str = "shared,auth,tasks,users";

impl MutantsOptions {
    pub(crate) fn run(&self) -> Result<()> {
        let tools = [&tools::MOTO, &tools::PGBOUNCER];
        ask_to_install_missing(&tools)?;
        tools::CARGO_MUTANTS.find_or_install()?;
        let servers = TestServers::start(&tools, false)?;
        let given: Vec<&str> = self.files.iter().map(String::as_str).collect();
        let files = if given.is_empty() { &FILES[..] } else { &given };
        let (shared, functions): (Vec<&str>, Vec<&str>) = files.iter().partition(|file| file.starts_with("shared/"));
        let in_shared = self.mutate(&servers, "shared", &shared, &["--test-package", SHARED_TEST_PACKAGES]);
        let in_functions = self.mutate(&servers, "functions", &functions, &[]);
        in_shared.and(in_functions)
    }

    fn mutate(&self, servers: &TestServers, name: &str, files: &[&str], tests: &[&str]) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let folder = target().join("mutants");
        let output = folder.join(name);
        std::fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error))?;
        let mut mutants = cargo::cargo(&["mutants", "--no-shuffle", "--output"]);
        mutants.arg(&output).args(["--test-tool", if has_nextest() { "nextest" } else { "cargo" }]).args(tests);
        mutants.args(files.iter().flat_map(|file| ["--file", file]));
        mutants.args(self.shard.iter().flat_map(|shard| ["--shard", shard])).args(&self.arguments);
        // cargo-mutants builds a copy of the workspace; sharing this folder builds the libraries only once.
        mutants.env("CARGO_TARGET_DIR", &folder);
        // cargo finds its subcommand on the PATH.
        mutants.env("PATH", packages::path_with(Some(&tools::CARGO_MUTANTS.folder()?)));
        let list = output.join("mutants.out/missed.txt");
        cargo::run(
            servers.set_variables(&mut mutants),
            "cargo mutants",
            &format!("if {} lists mutants, write tests that detect them", list.display()),
        )
    }
}
