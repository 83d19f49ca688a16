//! Serves accounts, sessions and tokens.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::lambda::serve(shared::config::Function::Auth, auth::routes)
}
