//! `cargo xtask bench`: builds the functions as they are deployed, and the harness that measures them.

use std::path::PathBuf;
use std::process::Command;

use clap::Args;
use functions::Function;
use local::{Result, ToolError, packages, target, tools, workspace};

use crate::cargo;
use crate::upgrade::git;

#[derive(Args)]
pub(crate) struct Bench {
    /// Finish in two minutes, with fewer samples
    #[arg(long)]
    quick: bool,
    /// Fail if a budget is exceeded, and name it
    #[arg(long)]
    check: bool,
    /// Write the figures and charts into docs/PERFORMANCE.md
    #[arg(long)]
    publish: bool,
    /// Report an earlier run again, from its JSON, and measure nothing
    #[arg(long)]
    from: Option<PathBuf>,
    /// How many tasks there are, 10,000 to 10,000,000; 1,250,000 if it is not given
    #[arg(long)]
    tasks: Option<u64>,
    /// How many people use the service at once, 10 to 100,000; 10,000 if it is not given
    #[arg(long)]
    users: Option<u64>,
    /// The same seed makes the same data and the same requests
    #[arg(long)]
    seed: Option<u64>,
    /// How far a function may scale, 1 to 200; 8 if it is not given
    #[arg(long)]
    instances: Option<u16>,
}

impl Bench {
    pub(crate) fn run(&self) -> Result<()> {
        if self.from.is_none() {
            println!("  building as for a deploy; from nothing this takes ten minutes and more");
            let cargo_lambda = tools::CARGO_LAMBDA.find_or_install()?;
            let measured = Function::ALL.iter().map(|function| function.row()).filter(|row| row.is_measured);
            let measured = measured.map(|row| (row.name, format!("functions/{}", row.name)));
            // The empty function is what each is compared with.
            for (name, folder) in measured.chain([("floor", "bench/floor".to_owned())]) {
                let mut build = Command::new(&cargo_lambda);
                // In the folder of the function, as SAM does: the features of its libraries are its own.
                build.args(["lambda", "build", "--release", "--bin", name]).current_dir(workspace().join(folder));
                // Its compiler for other systems lies beside it.
                build.env("PATH", packages::path_with(cargo_lambda.parent()));
                cargo::finish(build, &format!("building {name}"), "fix the errors above")?;
            }
        }
        let harness = cargo::cargo(&["build", "--profile", "harness", "--package", "bench"]);
        cargo::finish(harness, "building the harness", "fix the errors above")?;
        let mut measure = Command::new(target().join("harness/bench"));
        measure.args(self.arguments()).env("PGBOUNCER", tools::PGBOUNCER.find_or_install()?);
        measure.args(["--version", &git(&["describe", "--always", "--dirty"])?]);
        match measure.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(ToolError::new("measuring failed, or a budget is exceeded", "read the lines above")),
            Err(error) => Err(ToolError::new(format!("the harness could not be started: {error}"), "run it again")),
        }
    }

    /// The options, as the harness takes them.
    fn arguments(&self) -> Vec<String> {
        let Self { quick, check, publish, from, tasks, users, seed, instances } = self;
        let flags = [("--quick", quick), ("--check", check), ("--publish", publish)];
        let values = [
            ("--from", from.as_ref().map(|path| path.display().to_string())),
            ("--tasks", tasks.map(|number| number.to_string())),
            ("--users", users.map(|number| number.to_string())),
            ("--seed", seed.map(|number| number.to_string())),
            ("--instances", instances.map(|number| number.to_string())),
        ];
        let flags = flags.into_iter().filter(|(_, set)| **set).map(|(name, _)| name.to_owned());
        let values = values.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?]));
        flags.chain(values.flatten()).collect()
    }
}
