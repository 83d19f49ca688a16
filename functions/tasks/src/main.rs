//! Serves tasks.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::lambda::serve(shared::config::Function::Tasks, tasks::routes)
}
