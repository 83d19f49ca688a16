//! `cargo xtask package`: builds what `sam deploy` uploads, and tests it.

use std::env::consts::ARCH;
use std::fs;

use clap::{Args, ValueEnum};
use local::{Result, ToolError, packages, tools, workspace};

use crate::cargo;
use crate::template::sam_command;
use crate::test::TestOptions;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Architecture {
    Arm64,
    #[value(name = "x86_64")]
    X86_64,
}

impl Architecture {
    fn of_this_machine() -> Self {
        if ARCH == "aarch64" { Self::Arm64 } else { Self::X86_64 }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }
}

#[derive(Args, Default)]
pub(crate) struct PackageOptions {
    /// The processor of the functions; default: that of this machine
    #[arg(long)]
    architecture: Option<Architecture>,
}

impl PackageOptions {
    pub(crate) fn run(&self) -> Result<()> {
        let architecture = self.architecture.unwrap_or(Architecture::of_this_machine());
        build(architecture)?;
        if architecture == Architecture::of_this_machine() {
            println!("\nTesting the built functions with an emulated Lambda Runtime API:");
            let arguments = ["--workspace", "--features", "conformance/artefacts", "--test", "artefacts"];
            return TestOptions::with_tools(&arguments, &[]).run();
        }
        println!("  built for another processor, so not tested here");
        Ok(())
    }
}

/// Builds every function into `.aws-sam/build`, and prints their sizes.
pub(crate) fn build(architecture: Architecture) -> Result<()> {
    let cargo_lambda = tools::CARGO_LAMBDA.find_or_install()?;
    println!("  building for {}; the first build takes ten minutes or more", architecture.name());
    let mut build = sam_command()?;
    build.args(["build", "--parameter-overrides"]).arg(format!("Architecture={}", architecture.name()));
    // SAM finds cargo-lambda on the PATH.
    build.env("PATH", packages::path_with(cargo_lambda.parent()));
    cargo::run(build, "sam build", "read the lines above")?;
    let folder = workspace().join(".aws-sam/build");
    let unreadable = |error| ToolError::new(format!("{} cannot be read: {error}", folder.display()), "run it again");
    for entry in fs::read_dir(&folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if let Ok(bootstrap) = fs::metadata(entry.path().join("bootstrap")) {
            let (name, kib) = (entry.file_name(), bootstrap.len() / 1024);
            println!("  {:20} {:3}.{} MiB", name.to_string_lossy(), kib / 1024, kib % 1024 * 10 / 1024);
        }
    }
    Ok(())
}
