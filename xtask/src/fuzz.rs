//! `cargo xtask fuzz`: runs the fuzz targets of `shared/fuzz`, one after the other.

use std::process::{Command, Stdio};

use clap::Args;
use local::{Result, ToolError, target, workspace};

use crate::cargo;

/// All fuzz targets. Their bodies are in `shared/fuzz/bodies.rs`.
const TARGETS: [&str; 6] = ["refresh_token", "jwt", "email", "stored_hash", "cursor", "event"];

#[derive(Args)]
pub(crate) struct FuzzOptions {
    /// Run only this target
    #[arg(value_parser = TARGETS)]
    target: Option<String>,
    /// How long to run each target
    #[arg(long, default_value_t = 600)]
    seconds: u32,
}

impl FuzzOptions {
    pub(crate) fn run(&self) -> Result<()> {
        let mut probe = Command::new("cargo");
        let probe = probe.args(["+nightly", "fuzz", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !probe.is_ok_and(|status| status.success()) {
            let next = "rustup toolchain install nightly && cargo install cargo-fuzz; without them `cargo xtask test` runs the same bodies with random input";
            return Err(ToolError::new("fuzzing needs a nightly compiler and cargo-fuzz", next));
        }
        let folder = workspace().join("shared/fuzz");
        let build = target().join("fuzz");
        for name in TARGETS.into_iter().filter(|name| self.target.as_ref().is_none_or(|target| target == name)) {
            let (corpus, findings) = (build.join("corpus").join(name), build.join("findings"));
            for folder in [&corpus, &findings] {
                let done = std::fs::create_dir_all(folder);
                done.map_err(|error| ToolError::new(format!("{}: {error}", folder.display()), "check the folder"))?;
            }
            println!("  {name}: {} s", self.seconds);
            let mut command = Command::new("cargo");
            command.args(["+nightly", "fuzz", "run", "--sanitizer", "none", "--fuzz-dir", "."]);
            command.arg("--target-dir").arg(&build).arg(name).arg(&corpus).arg("--");
            command.args([
                format!("-max_total_time={}", self.seconds),
                "-timeout=20".to_owned(),
                "-max_len=800".to_owned(),
            ]);
            command.arg(format!("-artifact_prefix={}/{name}-", findings.display())).arg("-print_final_stats=1");
            cargo::run(command.current_dir(&folder), name, "the input that failed is in target/fuzz/findings")?;
        }
        Ok(())
    }
}
