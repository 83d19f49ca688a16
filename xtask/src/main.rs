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
mod openapi;
mod package;
mod rules;
mod secrets;
mod setup;
mod smoke;
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
    /// Install what tests need and run all of them
    Test(test::Test),
    /// What CI runs: `lint`, `template-check`, `test`, `upgrade`, `package`
    Ci,
    /// Check format, lints and house rules
    Lint,
    /// Install what development needs, without starting anything
    Setup,
    /// The development database
    #[command(subcommand)]
    Db(db::Db),
    /// Keys for tokens and passwords
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Migrations, and taking over the old backend's data
    #[command(subcommand)]
    Migrate(migrate::Migrate),
    /// Administrators, and accounts that are locked out
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Delete what has expired, as the scheduled function does
    Maintenance,
    /// Fuzz what comes from outside: tokens, addresses, hashes, cursors, events
    Fuzz(fuzz::Fuzz),
    /// Check what deploys: template, policies, alarms, workflows; needs no AWS
    TemplateCheck,
    /// Build what deploys (sam build), and see it answer under a Lambda Runtime API
    Package(package::Package),
    /// Rehearse a deploy under load: migrate, serve two versions side by side, take it back
    Upgrade(upgrade::Upgrade),
    Bench(bench::Bench),
    /// Deploy a stage of samconfig.toml (sam deploy), with a deploy id of its own
    Deploy(deploy::Deploy),
    /// Fill and rotate the secrets of a stack
    #[command(subcommand)]
    Secrets(secrets::Secrets),
    /// Ask a deployed function directly: migrate, maintenance
    Invoke(invoke::Invoke),
    /// Try a running API from outside: sign-up to deleted account
    Smoke(smoke::Smoke),
    /// Write functions/docs/openapi.json from the code
    Openapi,
}

fn ci() -> Result<()> {
    lint::run()?;
    template::run()?;
    test::Test::default().run()?;
    upgrade::Upgrade::default().run()?;
    package::Package::default().run()
}

fn main() -> ExitCode {
    // As other programs: whoever reads what is printed may have read enough.
    sigpipe::reset();
    let result: Result<()> = match Arguments::parse().command {
        Command::Dev(dev) => dev.run(),
        Command::Test(test) => test.run(),
        Command::Ci => ci(),
        Command::Lint => lint::run(),
        Command::Setup => setup::run(),
        Command::Db(db) => db.run(),
        Command::Keys(keys) => keys.run(),
        Command::Migrate(migrate) => migrate.run(),
        Command::Admin(admin) => admin.run(),
        Command::Maintenance => function::invoke("maintenance", r#"{"action":"purge"}"#, "warn"),
        Command::Fuzz(fuzz) => fuzz.run(),
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
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
