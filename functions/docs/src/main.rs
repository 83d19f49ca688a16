//! Serves the OpenAPI document and the page that shows it.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::lambda::serve(shared::config::Function::Docs, docs::routes)
}
