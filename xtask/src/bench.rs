//! `cargo xtask bench`: builds the functions as for a deploy, builds the harness in `bench`, and runs it.

use std::process::Command;

use functions::Function;
use local::{Result, ToolError, packages, target, tools, workspace};

use crate::cargo;

#[path = "../../bench/src/options.rs"]
mod options;
pub(crate) use options::Options as BenchOptions;

impl BenchOptions {
    pub(crate) fn run(&self) -> Result<()> {
        if self.from.is_none() {
            println!("  building as for a deploy; the first build takes ten minutes or more");
            let cargo_lambda = tools::CARGO_LAMBDA.find_or_install()?;
            let measured = Function::ALL.iter().map(|function| function.spec()).filter(|row| row.is_measured);
            let measured = measured.map(|row| (row.name, format!("functions/{}", row.name)));
            // The empty function is the baseline of the measurements.
            for (name, folder) in measured.chain([("floor", "bench/floor".to_owned())]) {
                let mut build = Command::new(&cargo_lambda);
                // Build in the function's folder, as SAM does, so that its libraries have only the features it needs.
                build.args(["lambda", "build", "--release", "--bin", name]).current_dir(workspace().join(folder));
                // `floor` is part of the workspace of `bench`, but its binary goes to those of the functions.
                build.arg("--lambda-dir").arg(target().join("lambda"));
                // The cross compiler is in the folder of cargo-lambda.
                build.env("PATH", packages::path_with(cargo_lambda.parent()));
                cargo::run(build, &format!("building {name}"), "fix the errors above")?;
            }
        }
        let folder = workspace().join("bench");
        let mut harness = cargo::cargo(&["build", "--profile", "harness", "--target-dir", "target"]);
        harness.current_dir(&folder);
        cargo::run(harness, "building the harness", "fix the errors above")?;
        let mut measure = Command::new(folder.join("target/harness/bench"));
        measure.args(std::env::args_os().skip(2)).env("PGBOUNCER", tools::PGBOUNCER.find_or_install()?);
        measure.env("PGBENCH", tools::OLD_POSTGRES.find_or_install()?.with_file_name("pgbench"));
        match measure.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(ToolError::new("measuring failed, or a budget is exceeded", "read the lines above")),
            Err(error) => Err(ToolError::new(format!("the harness cannot be started: {error}"), "run it again")),
        }
    }
}
