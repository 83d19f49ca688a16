//! Serves the administration of accounts.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::lambda::serve(shared::config::Function::Users, users::routes)
}
