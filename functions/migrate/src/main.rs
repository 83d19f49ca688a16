//! Runs migrations: in Lambda by direct invocation, elsewhere once, with the event as the first argument.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::lambda::answer(shared::config::Function::Migrate, migrate::handle)
}
