//! What the functions run against: a durable PostgreSQL with the data, behind a PgBouncer in transaction mode with
//! TLS.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use local::postgres::{Cluster, OWNER, Profile, Programs};
use nix::unistd::Pid;
use shared::clock::Clock;
use shared::config::{Function as Kind, LiveSettings, Settings, Sources};
use shared::domain::Password;
use shared::lambda::Invocation;
use shared::passwords;
use testkit::{PgBouncer, PgBouncerSettings, migrator};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls};

use crate::data::{self, Account};
use crate::fleet::{Fleet, Function};
use crate::{Result, process};

/// The password of all users.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The database of a run, a fresh copy of the template.
pub(crate) const DATABASE: &str = "bench";

/// The pooler's connections to the server.
const SERVER_CONNECTIONS: u16 = 20;

/// This many accounts are measured one at a time, and are not part of the load test.
const PROBES: usize = 3;

/// A running PostgreSQL and PgBouncer, and what functions need to use them.
pub(crate) struct Environment {
    tasks: u64,
    /// A connection to the server as its superuser.
    pub(crate) admin: Client,
    pub(crate) bouncer: PgBouncer,
    pub(crate) cluster: Cluster,
    pub(crate) settings: Arc<Settings>,
    pub(crate) folder: PathBuf,
    pub(crate) programs: Programs,
    function_settings: BTreeMap<String, String>,
}

impl Environment {
    /// Starts everything. Loads the data unless an earlier run has loaded it.
    pub(crate) async fn start(tasks: u64) -> Result<Self> {
        let folder = local::target().join("bench");
        let programs = Programs::find_or_install()?;
        let cluster = Cluster::start(&folder.join("postgres"), &programs, Profile::Benchmark)?;
        let mut function_settings = testkit::settings();
        function_settings.insert("DATABASE_URL".to_owned(), cluster.url(DATABASE));
        let sources = Sources::environment(function_settings.clone());
        let settings = LiveSettings::load(Kind::Auth, Clock::system(), sources).await?.current();

        let server = connect(&cluster.admin_url("postgres")).await?;
        let template = prepare_template(&cluster, &server, &settings, tasks).await?;
        server.batch_execute(&format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")).await?;
        let copy = format!("CREATE DATABASE {DATABASE} TEMPLATE {template} STRATEGY file_copy OWNER {OWNER}");
        server.batch_execute(&copy).await?;
        let admin = connect(&cluster.admin_url(DATABASE)).await?;

        let owner: Config = cluster.url(DATABASE).parse()?;
        let sql = "SELECT rolpassword FROM pg_authid WHERE rolname = $1";
        let stored: String = admin.query_typed_one(sql, &[(&owner.get_user(), Type::TEXT)]).await?.try_get(0)?;
        let pooling = PgBouncerSettings { servers: SERVER_CONNECTIONS, clients: 2_000, stored: Some(&stored) };
        let bouncer = PgBouncer::with(&owner, pooling);
        let database = [
            ("DATABASE_URL", bouncer.url(DATABASE, None)),
            ("DATABASE_CA_CERT", bouncer.authority.clone()),
            ("STACK_NAME", "todo-bench".to_owned()),
            ("RATE_LIMITS", "on".to_owned()),
        ];
        function_settings.extend(database.map(|(name, value)| (name.to_owned(), value)));
        // The logs of the run before.
        let _ = std::fs::remove_dir_all(folder.join("logs"));
        std::fs::create_dir_all(folder.join("logs"))?;
        Ok(Self { tasks, admin, bouncer, cluster, settings, folder, programs, function_settings })
    }

    /// The program of a function, where `cargo lambda build` puts it.
    pub(crate) fn program(name: &str) -> PathBuf {
        local::target().join("lambda").join(name).join("bootstrap")
    }

    /// A function with the settings of a deployment: metrics and rate limits are enabled.
    pub(crate) fn function(&self, name: &str) -> Function {
        let log = self.folder.join("logs").join(format!("{name}.log"));
        let settings = self.function_settings.clone();
        Function { name: name.to_owned(), program: Self::program(name), settings, log }
    }

    /// A function with one instance, whose rate limits are checked but never reached, because measuring sends more
    /// requests than any user.
    pub(crate) fn single_instance(&self, name: &str) -> Arc<Fleet> {
        let mut function = self.function(name);
        for limit in ["SIGN_IN_ADDRESS", "SIGN_IN_ACCOUNT", "REFRESH", "WRITES"] {
            function.settings.insert(format!("RATE_LIMIT_{limit}"), "1000000, 1000/s".to_owned());
        }
        Fleet::new(function, 1)
    }

    /// The accounts that are measured one at a time: one that is written to, one behind a slow connection, and one
    /// whose tasks stay as they were loaded.
    pub(crate) fn probes(&self) -> Vec<Account> {
        data::accounts(self.tasks).take(PROBES).collect()
    }

    /// All other accounts.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = Account> + use<> {
        data::accounts(self.tasks).skip(PROBES)
    }

    /// Updates statistics and loads all data into memory, as on a server that has been running for some time.
    pub(crate) async fn warm_up(&self) -> Result<()> {
        self.admin.batch_execute("VACUUM (ANALYZE)").await?;
        let sql = "CREATE EXTENSION IF NOT EXISTS pg_prewarm;
                   SELECT pg_prewarm(oid) FROM pg_class
                   WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')";
        // Ignore a missing extension: the server then warms up during the run.
        let _ = self.admin.batch_execute(sql).await;
        Ok(())
    }

    /// The processor time so far of PostgreSQL with all its processes, and of PgBouncer.
    pub(crate) fn cpu(&self) -> [(&'static str, Duration); 2] {
        let of = |pid: u32| process::cpu_with_children(Pid::from_raw(pid.cast_signed()));
        [("PostgreSQL", of(self.cluster.process_id())), ("PgBouncer", of(self.bouncer.process_id()))]
    }

    /// Removes the copy; the template stays for the next run.
    pub(crate) async fn remove_copy(self) -> Result<()> {
        let server = connect(&self.cluster.admin_url("postgres")).await?;
        Ok(server.batch_execute(&format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")).await?)
    }
}

/// Creates the database with the data unless it exists. Drops databases of other data or migrations.
async fn prepare_template(cluster: &Cluster, server: &Client, settings: &Settings, tasks: u64) -> Result<String> {
    let template = data::template(tasks);
    let sql = "SELECT datname FROM pg_database WHERE datname LIKE 'data\\_%' OR datname = 'building'";
    let mut exists = false;
    for row in server.query_typed(sql, &[]).await? {
        let name: String = row.try_get(0)?;
        if name == template {
            exists = true;
        } else {
            server.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        }
    }
    if !exists {
        eprintln!("  loading {tasks} tasks");
        let building = "building";
        cluster.ensure_database(building)?;
        let app = migrator(&cluster.url(building), Clock::system()).await;
        migrate::perform(&app, &Invocation::default(), &migrate::MigrateCommand::Migrate).await?;
        drop(app);
        let client = connect(&cluster.admin_url(building)).await?;
        let password = passwords::hash(&settings.passwords, Password::new(PASSWORD)).await?;
        data::load(&client, tasks, &password).await?;
        drop(client);
        // End these connections: the server may not have detected yet that they are closed.
        let others = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{building}'");
        server.batch_execute(&others).await?;
        server.batch_execute(&format!("ALTER DATABASE {building} RENAME TO {template}")).await?;
    }
    Ok(template)
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = url.parse::<Config>()?.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
