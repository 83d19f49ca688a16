//! `cargo xtask invoke`: invokes a deployed function directly, for `migrate` and `maintenance`.

use clap::Args;
use local::{Result, ToolError};

use crate::stack::Stack;

#[derive(Args)]
pub(crate) struct InvokeOptions {
    /// The stack, as in todo-prod
    #[arg(long)]
    stack: String,
    /// Invoke this version of the function instead of the live one
    #[arg(long, default_value = "")]
    version: String,
    /// The function: migrate or maintenance
    function: String,
    /// The event, as in '{"action":"status"}'
    event: String,
}

impl InvokeOptions {
    pub(crate) fn run(&self) -> Result<()> {
        let stack = Stack::find(&self.stack)?;
        let alias = stack.output(&self.function, "Function")?;
        let unqualified = alias.rsplit_once(':').map_or(alias, |(function, _)| function);
        let version = format!("{unqualified}:{}", self.version);
        let name = if self.version.is_empty() { alias } else { &version };
        let timeouts = ["--cli-read-timeout", "910", "--cli-connect-timeout", "10"];
        let call = ["lambda", "invoke", "--function-name", name, "--payload", "fileb:///dev/stdin", "/dev/stdout"];
        let output = stack.aws(&[&call[..], &timeouts].concat(), &self.event)?;
        let [payload, status] = output.as_slice() else {
            return Err(ToolError::new("the function returned no JSON", "look at its log"));
        };
        println!("{payload:#}");
        if status.get("FunctionError").is_none() {
            return Ok(());
        }
        Err(ToolError::new(format!("{} failed", self.function), "read the lines above and the function's log"))
    }
}
