//! `cargo xtask smoke`: the black-box tests, against an API that runs somewhere.

use clap::Args;
use local::Result;

use crate::cargo;

#[derive(Args)]
pub(crate) struct Smoke {
    /// Where the API answers, as in https://api.example.com
    url: String,
}

impl Smoke {
    pub(crate) fn run(&self) -> Result<()> {
        println!("  trying {}; it makes accounts and deletes them", self.url);
        let mut command =
            cargo::cargo(&["test", "--quiet", "--workspace", "--test", "e2e", "--", "smoke::", "--nocapture"]);
        command.env("SMOKE_URL", self.url.trim_end_matches('/'));
        let next = "the last call is the one that failed; look for its request id in the logs";
        cargo::finish(command, "the smoke test", next)?;
        println!("  {} serves strangers, users, and nobody else's tasks", self.url);
        Ok(())
    }
}
