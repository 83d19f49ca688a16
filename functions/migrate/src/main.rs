//! In Lambda, handles direct invocations. Elsewhere, runs once, with the event as the first argument.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::lambda::serve_invocations(shared::config::Function::Migrate, migrate::handle)
}
