//! `cargo xtask smoke`: runs the smoke tests against a running API.

use clap::Args;
use local::Result;

use crate::cargo;

#[derive(Args)]
pub(crate) struct SmokeOptions {
    /// The URL of the API, as in https://api.example.com
    url: String,
}

impl SmokeOptions {
    pub(crate) fn run(&self) -> Result<()> {
        println!("  testing {}; the tests create accounts and delete them", self.url);
        let mut command =
            cargo::cargo(&["test", "--quiet", "--workspace", "--test", "e2e", "--", "smoke::", "--nocapture"]);
        command.env("SMOKE_URL", self.url.trim_end_matches('/'));
        let next = "the last call above failed; look for its request id in the logs";
        cargo::run(command, "the smoke test", next)?;
        println!("  {} passed: public routes, sign-in, tasks, and the isolation of users", self.url);
        Ok(())
    }
}
