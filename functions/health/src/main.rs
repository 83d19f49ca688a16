//! Serves health checks, and 404 for what nobody else serves.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::lambda::serve(shared::config::Function::Health, health::routes)
}
