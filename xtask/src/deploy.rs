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
pub(crate) struct DeployOptions {
    /// A stage of samconfig.toml: dev, staging or prod
    stage: String,
    /// A template that `sam build` or `sam package` wrote; without this option, the functions are built first
    #[arg(long)]
    template: Option<PathBuf>,
    /// Override a parameter of samconfig.toml, as NAME=VALUE
    #[arg(long = "parameter")]
    parameters: Vec<String>,
    /// Arguments for `sam deploy`
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl DeployOptions {
    pub(crate) fn run(&self) -> Result<()> {
        let file = workspace().join("samconfig.toml");
        let text = fs::read_to_string(&file)
            .map_err(|error| ToolError::new(format!("{} cannot be read: {error}", file.display()), "restore it"))?;
        let parameters = merge_parameters(&text, &self.stage, &self.parameters, &now())?;
        let mut deploy = sam_command()?;
        deploy.args(["deploy", "--config-env", &self.stage]);
        if let Some(template) = &self.template {
            deploy.arg("--template-file").arg(template);
        } else {
            let arm = parameters.iter().all(|parameter| parameter != "Architecture=x86_64");
            package::build(if arm { Architecture::Arm64 } else { Architecture::X86_64 })?;
        }
        deploy.arg("--parameter-overrides").args(&parameters).args(&self.arguments);
        cargo::run(deploy, "sam deploy", "docs/OPERATIONS.md, section \"A deploy that failed\"")
    }
}

/// The Unix time in seconds: ten digits, different for every deploy.
#[expect(clippy::disallowed_methods, reason = "an operator's command uses the system clock")]
fn now() -> String {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()).to_string()
}

/// Merges the parameters of the stage with those of the command line and the DeployId. SAM does not merge: it takes
/// parameters either from its file or from the command line.
fn merge_parameters(config: &str, stage: &str, given: &[String], id: &str) -> Result<Vec<String>> {
    let wrong = |problem: String| ToolError::new(problem, "look at samconfig.toml");
    let config: toml::Table = config.parse().map_err(|error| wrong(format!("samconfig.toml: {error}")))?;
    let stages = || config.iter().filter(|(_, commands)| commands.get("deploy").is_some());
    let Some((_, commands)) = stages().find(|(name, _)| *name == stage) else {
        let known: Vec<&str> = stages().map(|(name, _)| name.as_str()).collect();
        return Err(wrong(format!("unknown stage {stage}; samconfig.toml has {}", known.join(", "))));
    };
    let overrides = commands["deploy"].get("parameters").and_then(|all| all.get("parameter_overrides"));
    let overrides = overrides.and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let deploy_id = format!("DeployId={id}");
    let later: Vec<&str> = given.iter().map(String::as_str).chain([deploy_id.as_str()]).collect();
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
    fn parameters_are_merged_from_stage_command_line_and_deploy_id() {
        let given = ["LogLevel=info".to_owned(), "AllowedOrigins=https://a.example,https://b.example".to_owned()];
        assert_eq!(
            merge_parameters(CONFIG, "dev", &given, "1795000000").unwrap(),
            ["Environment=development", &given[0], &given[1], "DeployId=1795000000"]
        );
    }

    #[test]
    fn the_error_for_an_unknown_stage_lists_the_known_ones() {
        let error = merge_parameters(CONFIG, "default", &[], "1").unwrap_err().to_string();
        assert!(error.contains("unknown stage default; samconfig.toml has dev"), "{error}");
    }

    #[test]
    fn a_deploy_id_has_ten_digits() {
        assert_eq!(now().len(), 10);
    }
}
