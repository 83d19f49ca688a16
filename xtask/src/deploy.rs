//! `cargo xtask deploy`: `sam deploy` for a stage, with a new DeployId.

use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use local::{Result, ToolError, workspace};

use crate::cargo;
use crate::package::{self, Architecture};
use crate::template::sam_command;

#[derive(Args)]
pub(crate) struct Deploy {
    /// A stage of samconfig.toml: dev, staging or prod
    stage: String,
    /// A template that `sam package` wrote; without it, the functions are built first
    #[arg(long)]
    template: Option<PathBuf>,
    /// A parameter that differs from samconfig.toml, as NAME=VALUE
    #[arg(long = "parameter")]
    parameters: Vec<String>,
    /// Arguments for `sam deploy`
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Deploy {
    pub(crate) fn run(&self) -> Result<()> {
        let file = workspace().join("samconfig.toml");
        let text = fs::read_to_string(&file)
            .map_err(|error| ToolError::new(format!("{} cannot be read: {error}", file.display()), "restore it"))?;
        let parameters = parameters(&text, &self.stage, &self.parameters, &now())?;
        let mut deploy = sam_command()?;
        deploy.args(["deploy", "--config-env", &self.stage]);
        if let Some(template) = &self.template {
            deploy.arg("--template-file").arg(template);
        } else {
            let arm = parameters.iter().all(|parameter| parameter != "Architecture=x86_64");
            package::build(if arm { Architecture::Arm64 } else { Architecture::X86_64 })?;
        }
        deploy.arg("--parameter-overrides").args(&parameters).args(&self.arguments);
        cargo::finish(deploy, "sam deploy", "docs/OPERATIONS.md, section \"A deploy that failed\"")
    }
}

/// The time in seconds: ten digits, different for every deploy.
#[expect(clippy::disallowed_methods, reason = "a command of an operator, who has one clock")]
fn now() -> String {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()).to_string()
}

/// The parameters of a stage, of the command line, and the DeployId. SAM reads parameters from its file or from the
/// command line, but does not merge them.
fn parameters(config: &str, stage: &str, given: &[String], id: &str) -> Result<Vec<String>> {
    let wrong = |problem: String| ToolError::new(problem, "look at samconfig.toml");
    let config: toml::Table = config.parse().map_err(|error| wrong(format!("samconfig.toml: {error}")))?;
    let stages = || config.iter().filter(|(_, commands)| commands.get("deploy").is_some());
    let Some((_, commands)) = stages().find(|(name, _)| *name == stage) else {
        let known: Vec<&str> = stages().map(|(name, _)| name.as_str()).collect();
        return Err(wrong(format!("there is no stage {stage}; there are {}", known.join(", "))));
    };
    let overrides = commands["deploy"].get("parameters").and_then(|all| all.get("parameter_overrides"));
    let overrides = overrides.and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let own = format!("DeployId={id}");
    let later: Vec<&str> = given.iter().map(String::as_str).chain([own.as_str()]).collect();
    let replaced = |pair: &str| later.iter().any(|other| name(other) == name(pair));
    let kept = overrides.iter().filter_map(toml::Value::as_str).filter(|pair| !replaced(pair));
    Ok(kept.chain(later.iter().copied()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
        version = 0.1
        [default.global.parameters]
        region = "eu-central-1"
        [dev.deploy.parameters]
        parameter_overrides = ["Environment=development", "LogLevel=debug", "DeployId=\"\""]
    "#;

    #[test]
    fn the_stage_the_command_and_the_id_make_the_parameters() {
        let given = ["LogLevel=info".to_owned(), "AllowedOrigins=https://a.example,https://b.example".to_owned()];
        assert_eq!(
            parameters(CONFIG, "dev", &given, "1795000000").unwrap(),
            ["Environment=development", &given[0], &given[1], "DeployId=1795000000"]
        );
    }

    #[test]
    fn an_unknown_stage_names_the_known_ones() {
        let error = parameters(CONFIG, "default", &[], "1").unwrap_err().to_string();
        assert!(error.contains("there is no stage default; there are dev"), "{error}");
    }

    #[test]
    fn an_id_has_ten_digits() {
        assert_eq!(now().len(), 10);
    }
}
