//! `cargo xtask db`

use std::process::Command;

use clap::Subcommand;
use local::postgres::Programs;
use local::{Failure, Result};

use crate::{cargo, dev, environment, migrate};

#[derive(Subcommand)]
pub(crate) enum Db {
    /// Open psql on the development database (starts it if it is not running)
    Psql {
        /// Arguments for psql
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Wipe the development database and migrate it anew
    Reset,
    /// Print the URL of the development database, which `cargo xtask dev` keeps running
    Url,
}

impl Db {
    pub(crate) fn run(&self) -> Result<()> {
        let running = environment::own_database().map(|(_, direct)| direct).or_else(dev::running_url);
        match self {
            Self::Psql { arguments } => {
                let cluster = if running.is_none() { Some(dev::start_cluster(false)?) } else { None };
                let url = cluster.map(|cluster| (cluster.url("todo"), Some(cluster)));
                let (url, _cluster) = url.unwrap_or((running.unwrap_or_default(), None));
                let mut psql = Command::new(Programs::find_or_install()?.program("psql"));
                psql.arg(url).args(arguments);
                // Ctrl-C is psql's: it cancels a query. Children get the default back.
                let _ = ctrlc::set_handler(|| {});
                cargo::finish(psql, "psql", "read the lines above")
            }
            Self::Reset => {
                if running.is_some() {
                    return Err(Failure::new(
                        "the development database is in use, or DATABASE_URL names another one",
                        "stop cargo xtask dev, or unset DATABASE_URL",
                    ));
                }
                let cluster = dev::start_cluster(true)?;
                let url = cluster.url("todo");
                cargo::build_functions()?;
                migrate::up(&environment::settings(&url, &url)?)
            }
            Self::Url => {
                let url = running
                    .ok_or_else(|| Failure::new("the development database is not running", "cargo xtask dev"))?;
                println!("{url}");
                Ok(())
            }
        }
    }
}
