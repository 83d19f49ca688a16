//! Access to a deployed stack with the aws CLI. Secrets go through pipes, never through arguments, which other users of
//! the machine can read.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use local::{Result, ToolError, tools, workspace};
use serde_json::Value;

use crate::environment;

/// A stack with its outputs.
pub(crate) struct Stack {
    name: String,
    region: Option<String>,
    outputs: Vec<Value>,
}

impl Stack {
    /// Finds the stack in the region of the environment, else in that of its stage in samconfig.toml.
    pub(crate) fn find(name: &str) -> Result<Self> {
        let region = environment::variable("AWS_REGION").or_else(|| environment::variable("AWS_DEFAULT_REGION"));
        let region = region.or_else(|| region_of_stage(name));
        let mut stack = Self { name: name.to_owned(), region, outputs: Vec::new() };
        let mut output = stack.aws(&["cloudformation", "describe-stacks", "--stack-name", name], "")?;
        if let Some(Value::Array(outputs)) = output.first_mut().map(|value| value["Stacks"][0]["Outputs"].take()) {
            stack.outputs = outputs;
        }
        Ok(stack)
    }

    /// The value of a function's output, such as `AuthSecret`.
    pub(crate) fn output(&self, function: &str, part: &str) -> Result<&str> {
        let name = format!("{}{}{part}", function[..1].to_uppercase(), &function[1..]);
        let output = self.outputs.iter().find(|output| output["OutputKey"] == name.as_str());
        output.and_then(|output| output["OutputValue"].as_str()).ok_or_else(|| {
            let problem = format!("the stack {} has no output {name}", self.name);
            ToolError::new(problem, "check that it is a stack of this backend")
        })
    }

    /// Runs `aws` with `input` on its standard input, and returns the JSON values that it prints.
    pub(crate) fn aws(&self, arguments: &[&str], input: &str) -> Result<Vec<Value>> {
        let failed = |problem: String| ToolError::new(problem, "check the arguments and your credentials");
        let mut command = Command::new(tools::AWS.find_or_install()?);
        command.args(arguments).args(["--output", "json"]).env("AWS_PAGER", "");
        command.args(self.region.iter().flat_map(|region| ["--region", region]));
        if arguments[0] == "lambda" {
            // Never retry a slow invocation: the first one may still be running.
            command.env("AWS_MAX_ATTEMPTS", "1");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| failed(format!("aws cannot be started: {error}")))?;
        // The write fails if `aws` rejects the call before it reads its input.
        let _ = child.stdin.take().map(|mut pipe| pipe.write_all(input.as_bytes()));
        let output = child.wait_with_output().map_err(|error| failed(format!("aws: {error}")))?;
        if !output.status.success() {
            return Err(failed(format!("AWS says: {}", String::from_utf8_lossy(&output.stderr).trim())));
        }
        let values = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
        values
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| failed(format!("aws did not print JSON: {error}")))
    }
}

fn region_of_stage(stack: &str) -> Option<String> {
    let config: toml::Table = fs::read_to_string(workspace().join("samconfig.toml")).ok()?.parse().ok()?;
    let of_stack = |stage: &&toml::Value| {
        let name = stage.get("deploy").and_then(|deploy| deploy.get("parameters")?.get("stack_name")?.as_str());
        name == Some(stack)
    };
    let stage = config.values().find(of_stack)?;
    Some(stage.get("global")?.get("parameters")?.get("region")?.as_str()?.to_owned())
}
