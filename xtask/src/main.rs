//! Developer commands: `cargo xtask --help`.
#![expect(clippy::print_stdout, reason = "a command line talks to a person")]

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
    Dev(dev::Dev),
    /// Run tests against a real PostgreSQL: all, or those of a package
    Test(test::Test),
    /// What CI runs: `setup --all`, `lint`, `template-check`, `test`, `test --oldest`, `upgrade`, `package`
    Ci,
    /// Check format, lints and house rules
    Lint,
    Setup(setup::Setup),
    /// The development database
    #[command(subcommand)]
    Db(db::Db),
    /// Keys for tokens and passwords
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Migrations, and the import of the old backend's data
    #[command(subcommand)]
    Migrate(migrate::Migrate),
    /// Change accounts: administrators, locked sign-ins, deletion
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Delete expired rows, as the scheduled function does
    Maintenance,
    /// Fuzz the parsers of untrusted input: tokens, addresses, hashes, cursors, events
    Fuzz(fuzz::Fuzz),
    /// Change the code in small ways (cargo-mutants), and list the changes that no test notices
    Mutants(mutants::Mutants),
    /// Check the template, its policies and alarms, and the workflows, without AWS
    TemplateCheck,
    /// Build the functions for a deploy (sam build), and test them under a Lambda Runtime API
    Package(package::Package),
    /// Rehearse a deploy under load: migrate, serve two versions side by side, roll back
    Upgrade(upgrade::Upgrade),
    Bench(bench::Bench),
    /// Deploy a stage of samconfig.toml (sam deploy), with a new DeployId
    Deploy(deploy::Deploy),
    /// Fill and rotate the secrets of a stack
    #[command(subcommand)]
    Secrets(secrets::Secrets),
    /// Call a deployed function directly: migrate, maintenance
    Invoke(invoke::Invoke),
    /// Test a running API from outside, from sign-up to the deletion of the account
    Smoke(smoke::Smoke),
    /// Write openapi.json and the generated parts of template.yaml and Cargo.toml from the code
    Openapi,
}

fn ci() -> Result<()> {
    setup::Setup { all: true }.run()?;
    lint::run()?;
    template::run()?;
    test::Test::default().run()?;
    test::Test::on_oldest().run()?;
    upgrade::Upgrade::default().run()?;
    package::Package::default().run()
}

fn main() -> ExitCode {
    // Ends quietly, as other programs do, when the reader of its output has gone.
    sigpipe::reset();
    let result: Result<()> = match Arguments::parse().command {
        Command::Dev(dev) => dev.run(),
        Command::Test(test) => test.run(),
        Command::Ci => ci(),
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
