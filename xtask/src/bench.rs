//! `cargo xtask bench`: builds the functions as they are deployed, and the program that measures them.

use std::process::Command;

use functions::Function;
use local::{Result, ToolError, packages, target, tools, workspace};

use crate::cargo;

#[path = "../../bench/src/options.rs"]
mod options;
pub(crate) use options::Options as Bench;

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
                // In the folder of the function, as SAM does, so that its libraries have just the features it needs.
                build.args(["lambda", "build", "--release", "--bin", name]).current_dir(workspace().join(folder));
                // The floor belongs to the workspace of `bench`, but its binary goes to the others.
                build.arg("--lambda-dir").arg(target().join("lambda"));
                // The compiler for other systems lies beside cargo-lambda.
                build.env("PATH", packages::path_with(cargo_lambda.parent()));
                cargo::finish(build, &format!("building {name}"), "fix the errors above")?;
            }
        }
        let folder = workspace().join("bench");
        let mut harness = cargo::cargo(&["build", "--profile", "harness", "--target-dir", "target"]);
        harness.current_dir(&folder);
        cargo::finish(harness, "building the harness", "fix the errors above")?;
        let mut measure = Command::new(folder.join("target/harness/bench"));
        measure.args(std::env::args_os().skip(2)).env("PGBOUNCER", tools::PGBOUNCER.find_or_install()?);
        match measure.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(ToolError::new("measuring failed, or a budget is exceeded", "read the lines above")),
            Err(error) => Err(ToolError::new(format!("the harness could not be started: {error}"), "run it again")),
        }
    }
}
