//! `cargo xtask db`: psql, reset and URL of the development database.

use std::process::Command;

use clap::Subcommand;
use local::postgres::Programs;
use local::{Result, ToolError};

use crate::database::Database;
use crate::{cargo, database, environment, migrate};

#[derive(Subcommand)]
pub(crate) enum DbCommand {
    /// Open psql on the development database, and start the database if it is not running
    Psql {
        /// Arguments for psql
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Wipe the development database and apply all migrations
    Reset,
    /// Print the URL of the running development database; `cargo xtask dev` keeps it running
    Url,
}

impl DbCommand {
    pub(crate) fn run(&self) -> Result<()> {
        match self {
            Self::Psql { arguments } => {
                let database = Database::find_or_start()?;
                let mut psql = Command::new(Programs::find_or_install()?.program("psql"));
                psql.arg(&database.admin_url).args(arguments);
                // Ctrl-C cancels a query in psql and must not end this process. psql itself gets the default handler.
                let _ = ctrlc::set_handler(|| {});
                cargo::run(psql, "psql", "read the lines above")
            }
            Self::Reset => {
                if environment::own_database()?.is_some() {
                    return Err(ToolError::new(
                        "DATABASE_URL is set; only the development cluster in target/dev can be wiped",
                        "unset DATABASE_URL",
                    ));
                }
                let _lock = database::take_lock("the development database is in use")?;
                let cluster = database::start(true)?;
                let url = database::url(&cluster);
                cargo::build_functions()?;
                migrate::up(&environment::settings(&url, &url)?)
            }
            Self::Url => {
                let url = match environment::own_database()? {
                    Some((_, direct)) => Some(direct),
                    None => Database::running().map(|database| database.url),
                };
                let missing = || ToolError::new("the development database is not running", "cargo xtask dev");
                println!("{}", url.ok_or_else(missing)?);
                Ok(())
            }
        }
    }
}
