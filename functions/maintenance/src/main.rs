//! Runs the purge and operators' commands: in Lambda by schedule and direct invocation, elsewhere once, with the event
//! as the first argument.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::lambda::serve_invocations(shared::config::Function::Maintenance, maintenance::handle)
}
