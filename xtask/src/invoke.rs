//! `cargo xtask invoke`: calls a deployed function directly, as operators call `migrate` and `maintenance`.

use clap::Args;
use local::{Result, ToolError};

use crate::stack::Stack;

#[derive(Args)]
pub(crate) struct Invoke {
    /// The stack, as in todo-prod
    #[arg(long)]
    stack: String,
    /// A version of the function, instead of the one that serves
    #[arg(long, default_value = "")]
    version: String,
    /// migrate or maintenance
    function: String,
    /// The event, as in '{"action":"status"}'
    event: String,
}

impl Invoke {
    pub(crate) fn run(&self) -> Result<()> {
        let stack = Stack::find(&self.stack)?;
        let alias = stack.output(&self.function, "Function")?;
        let unqualified = alias.rsplit_once(':').map_or(alias, |(function, _)| function);
        let version = format!("{unqualified}:{}", self.version);
        let name = if self.version.is_empty() { alias } else { &version };
        let patience = ["--cli-read-timeout", "910", "--cli-connect-timeout", "10"];
        let call = ["lambda", "invoke", "--function-name", name, "--payload", "fileb:///dev/stdin", "/dev/stdout"];
        let answers = stack.aws(&[&call[..], &patience].concat(), &self.event)?;
        let [payload, status] = answers.as_slice() else {
            return Err(ToolError::new("the function returned no JSON", "look at its log"));
        };
        println!("{payload:#}");
        if status.get("FunctionError").is_none() {
            return Ok(());
        }
        Err(ToolError::new(format!("{} failed", self.function), "read the lines above, and the function's log"))
    }
}
