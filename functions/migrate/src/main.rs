//! In Lambda, answers direct invocations. Elsewhere, runs once with the event from the first argument.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::lambda::answer(shared::config::Function::Migrate, migrate::handle)
}
