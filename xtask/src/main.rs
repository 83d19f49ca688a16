//! Developer commands: `cargo xtask --help`.
#![expect(clippy::print_stdout, reason = "this is a command line program")]

mod admin;
mod bench;
mod cargo;
mod database;
mod db;
mod deploy;
mod dev;
mod environment;
mod function;
mod fuzz;
mod invoke;
mod keys;
mod leaks;
mod lint;
mod lock;
mod migrate;
mod mutants;
mod openapi;
mod package;
mod rules;
mod secrets;
mod setup;
mod smoke;
mod stack;
mod template;
mod test;
mod upgrade;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use local::Result;

/// Developer commands of the task backend
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole API on this machine: database, migrations, functions, reload on edit
    Dev(dev::DevOptions),
    /// Run tests against a real PostgreSQL: all, or those of a package
    Test(test::TestOptions),
    /// Run what CI runs: `setup --all`, `lint`, `template-check`, `test`, `test --oldest`, `upgrade`, `package`
    Ci,
    /// Check format, lints and house rules
    Lint,
    Setup(setup::SetupOptions),
    /// Open, reset or locate the development database
    #[command(subcommand)]
    Db(db::DbCommand),
    /// Generate and rotate keys for tokens and passwords
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Apply and undo migrations, and import the old backend's data
    #[command(subcommand)]
    Migrate(migrate::MigrateCommand),
    /// Change accounts: administrators, locked sign-ins, deletion
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Delete expired rows, as the scheduled function does
    Maintenance,
    /// Fuzz the parsers of untrusted input: tokens, email addresses, hashes, cursors, events
    Fuzz(fuzz::FuzzOptions),
    /// Change the code in small ways (cargo-mutants), and list the changes that no test detects
    Mutants(mutants::MutantsOptions),
    /// Check the template, its policies and alarms, and the workflows, without AWS
    TemplateCheck,
    /// Build the functions for a deploy (sam build), and test them with an emulated Lambda Runtime API
    Package(package::PackageOptions),
    /// Rehearse a deploy under load: migrate, serve two versions side by side, roll back
    Upgrade(upgrade::UpgradeOptions),
    Bench(bench::BenchOptions),
    /// Deploy a stage of samconfig.toml (sam deploy), with a new DeployId
    Deploy(deploy::DeployOptions),
    /// Fill and rotate the secrets of a stack
    #[command(subcommand)]
    Secrets(secrets::SecretsCommand),
    /// Invoke a deployed function directly: migrate, maintenance
    Invoke(invoke::InvokeOptions),
    /// Test a running API from outside, from sign-up to the deletion of the account
    Smoke(smoke::SmokeOptions),
    /// Regenerate openapi.json, schema.sql and the generated parts of template.yaml and Cargo.toml
    Openapi,
}

fn run_ci() -> Result<()> {
    let mut script = std::process::Command::new("bash");
    cargo::run(script.arg(".ci/run").current_dir(local::workspace()), "CI", "read the lines above")
}

fn main() -> ExitCode {
    // On a closed pipe, as in `… | head`, exit silently instead of panicking.
    sigpipe::reset();
    let result: Result<()> = match Arguments::parse().command {
        Command::Dev(dev) => dev.run(),
        Command::Test(test) => test.run(),
        Command::Ci => run_ci(),
        Command::Lint => lint::run(),
        Command::Setup(setup) => setup.run(),
        Command::Db(db) => db.run(),
        Command::Keys(keys) => keys.run(),
        Command::Migrate(migrate) => migrate.run(),
        Command::Admin(admin) => admin.run(),
        Command::Maintenance => function::invoke("maintenance", r#"{"action":"purge"}"#, "warn"),
        Command::Fuzz(fuzz) => fuzz.run(),
        Command::Mutants(mutants) => mutants.run(),
        Command::TemplateCheck => template::run(),
        Command::Package(package) => package.run(),
        Command::Upgrade(upgrade) => upgrade.run(),
        Command::Bench(bench) => bench.run(),
        Command::Deploy(deploy) => deploy.run(),
        Command::Secrets(secrets) => secrets.run(),
        Command::Invoke(invoke) => invoke.run(),
        Command::Smoke(smoke) => smoke.run(),
        Command::Openapi => openapi::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
