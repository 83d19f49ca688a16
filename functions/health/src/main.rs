//! Serves health checks, and 404 for paths that no function serves.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::lambda::serve(shared::config::Function::Health, health::routes)
}
