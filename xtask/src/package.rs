//! `cargo xtask package`: builds what `sam deploy` uploads, and tests it.

use std::env::consts::ARCH;
use std::fs;

use clap::{Args, ValueEnum};
use local::{Result, ToolError, packages, tools, workspace};

use crate::cargo;
use crate::template::sam_command;
use crate::test::Test;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Architecture {
    Arm64,
    #[value(name = "x86_64")]
    X86_64,
}

impl Architecture {
    /// The architecture of this machine.
    fn here() -> Self {
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
pub(crate) struct Package {
    /// The processor of the functions; by default that of this machine
    #[arg(long)]
    architecture: Option<Architecture>,
}

impl Package {
    pub(crate) fn run(&self) -> Result<()> {
        let architecture = self.architecture.unwrap_or(Architecture::here());
        build(architecture)?;
        if architecture == Architecture::here() {
            println!("\nThe built functions under a Lambda Runtime API:");
            return Test::of(&["--workspace", "--features", "conformance/artefacts", "--test", "artefacts"], &[]).run();
        }
        println!("  built for another processor: not run here");
        Ok(())
    }
}

/// Builds every function into `.aws-sam/build`, and prints their sizes.
pub(crate) fn build(architecture: Architecture) -> Result<()> {
    let cargo_lambda = tools::CARGO_LAMBDA.find_or_install()?;
    println!("  building for {}; from nothing this takes ten minutes and more", architecture.name());
    let mut build = sam_command()?;
    build.args(["build", "--parameter-overrides"]).arg(format!("Architecture={}", architecture.name()));
    // SAM looks for cargo-lambda on the PATH.
    build.env("PATH", packages::path_with(cargo_lambda.parent()));
    cargo::finish(build, "sam build", "read the lines above")?;
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
