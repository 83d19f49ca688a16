//! What is measured stands here: a durable PostgreSQL with the data, a PgBouncer in transaction mode with TLS before
//! it, and the settings that connect functions to them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use local::postgres::{Cluster, Keep, Programs};
use nix::unistd::Pid;
use secrecy::ExposeSecret;
use shared::clock::Clock;
use shared::config::{Function as Kind, Live, Settings, Sources};
use shared::domain::Password;
use shared::lambda::Invocation;
use shared::passwords::{self, StoredPassword};
use shared::tokens::{self, Claims, RefreshToken};
use testkit::{Bouncer, Pooling, migrator};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls};
use uuid::Uuid;

use crate::data::{self, Account, Data};
use crate::lambda::{Fleet, Function, Limits};
use crate::{Result, machine};

/// Everybody's.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The name of the database that is measured.
const NAME: &str = "bench";

/// Connections of the pooler to the server.
const SERVERS: u16 = 20;

/// Accounts that are asked one at a time, and are none of the crowd: one that is written to, one behind the proxy
/// that delays, one whose lists are as they were loaded.
const PROBES: usize = 3;

/// The fleets of the functions that people use.
pub(crate) type Fleets = BTreeMap<&'static str, Arc<Fleet>>;

/// The running stand.
pub(crate) struct Stand {
    pub(crate) data: Data,
    /// Straight to the database, as somebody whom row-level security does not bind.
    pub(crate) admin: Client,
    pub(crate) bouncer: Bouncer,
    pub(crate) cluster: Cluster,
    pub(crate) settings: Arc<Settings>,
    programs: PathBuf,
    logs: PathBuf,
    environment: BTreeMap<String, String>,
}

/// Somebody with a session.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) account: Account,
    pub(crate) session: Uuid,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Stand {
    /// Starts everything; the data is loaded if it is not there from an earlier run.
    pub(crate) async fn build(folder: &Path, functions: &Path, data: Data) -> Result<Self> {
        let cluster = Cluster::start(&folder.join("postgres"), &Programs::find_or_install()?, Keep::Measured)?;
        let mut environment = testkit::settings();
        environment.insert("DATABASE_URL".to_owned(), cluster.url(NAME));
        let sources = Sources::environment(environment.clone());
        let settings = Live::load(Kind::Auth, Clock::system(), sources).await?.current();
        let password = passwords::hash(&settings.passwords, Password::new(PASSWORD)).await?;

        let template = format!("data_{}_{}_{}", migrate::fingerprint(), data.seed, data.tasks);
        let server = connect(&cluster.admin_url("postgres")).await?;
        prepare(&cluster, &server, &template, data, &password).await?;
        let drop = format!("DROP DATABASE IF EXISTS {NAME} WITH (FORCE)");
        server.batch_execute(&drop).await?;
        let copy =
            format!("CREATE DATABASE {NAME} TEMPLATE {template} STRATEGY file_copy OWNER {}", local::postgres::OWNER);
        server.batch_execute(&copy).await?;
        let admin = connect(&cluster.admin_url(NAME)).await?;

        let owner: Config = cluster.url(NAME).parse()?;
        let sql = "SELECT rolpassword FROM pg_authid WHERE rolname = $1";
        let stored: String = admin.query_typed_one(sql, &[(&owner.get_user(), Type::TEXT)]).await?.try_get(0)?;
        let pooling = Pooling { servers: SERVERS, clients: 2_000, stored: Some(&stored) };
        let bouncer = Bouncer::with(&owner, pooling);
        let logs = folder.join("logs");
        // Of this run alone.
        let _ = std::fs::remove_dir_all(&logs);
        std::fs::create_dir_all(&logs)?;
        Ok(Self { data, admin, bouncer, cluster, settings, programs: functions.to_owned(), logs, environment })
    }

    /// A function of ours as it would be deployed: with limits, metrics, and the pooler at this port.
    pub(crate) fn function(&self, name: &str, pooler: Option<u16>) -> Function {
        let mut settings = self.environment.clone();
        let database = [
            ("DATABASE_URL", self.bouncer.url(NAME, pooler)),
            ("DATABASE_CA_CERT", self.bouncer.authority.clone()),
            ("STACK_NAME", "todo-bench".to_owned()),
            ("RATE_LIMITS", "on".to_owned()),
        ];
        settings.extend(database.map(|(name, value)| (name.to_owned(), value)));
        let program = self.programs.join(name).join("bootstrap");
        Function { name: name.to_owned(), program, settings, log: self.log(name) }
    }

    /// One instance of a function.
    pub(crate) fn alone(&self, name: &str) -> Arc<Fleet> {
        Fleet::new(self.function(name, None), Limits { instances: 1, waiting: 100 })
    }

    /// A function of ours with limits that are kept, and never reached: nobody asks as often as one who measures.
    pub(crate) fn with_wide_limits(&self, name: &str) -> Function {
        let mut function = self.function(name, None);
        let limits = ["SIGN_IN_ADDRESS", "SIGN_IN_ACCOUNT", "REFRESH", "WRITES"];
        let wide = limits.map(|limit| (format!("RATE_LIMIT_{limit}"), "1000000, 1000/s".to_owned()));
        function.settings.extend(wide);
        function
    }

    /// One instance of such a function.
    pub(crate) fn alone_with_wide_limits(&self, name: &str) -> Arc<Fleet> {
        Fleet::new(self.with_wide_limits(name), Limits { instances: 1, waiting: 100 })
    }

    /// Everybody but the probes.
    pub(crate) fn users(&self) -> impl Iterator<Item = Account> + use<> {
        self.data.accounts().skip(PROBES)
    }

    /// The probes, with sessions.
    pub(crate) async fn probes(&self) -> Result<[Visitor; PROBES]> {
        let accounts: Vec<Account> = self.data.accounts().take(PROBES).collect();
        self.visitors(&accounts).await?.try_into().map_err(|_| "there is nobody in the data".into())
    }

    /// What functions have written into their logs, in bytes.
    pub(crate) fn logged<'a>(&self, functions: impl Iterator<Item = &'a str>) -> Result<u64> {
        functions.map(|name| Ok(std::fs::metadata(self.log(name))?.len())).sum()
    }

    fn log(&self, function: &str) -> PathBuf {
        self.logs.join(format!("{function}.log"))
    }

    /// Signs people in, without asking the API: a session each.
    pub(crate) async fn visitors(&self, accounts: &[Account]) -> Result<Vec<Visitor>> {
        let now = Clock::system().now();
        let visitors = accounts.iter().zip(0..).map(|(account, number)| self.visitor(*account, number, now));
        let visitors: Vec<Visitor> = visitors.collect::<Result<_>>()?;
        let rows: Vec<(Uuid, Uuid)> = visitors.iter().map(|visitor| (visitor.session, visitor.account.id())).collect();
        data::sessions(&self.admin, &rows, now).await?;
        Ok(visitors)
    }

    fn visitor(&self, account: Account, number: u64, now: Timestamp) -> Result<Visitor> {
        // Another run of the same data has other sessions.
        let session = self.data.id(30, account.number, number, now.as_millisecond());
        let user = account.id();
        let claims = Claims {
            iss: self.settings.access_tokens.issuer.clone(),
            aud: self.settings.access_tokens.audience.clone(),
            sub: user,
            iat: now.as_second(),
            exp: (now + SignedDuration::from_hours(2)).as_second(),
            jti: session,
            sid: session,
            generation: 0,
            role: "user".to_owned(),
            user_id: user,
            email: account.email(),
            name: Some(format!("Person {}", account.number)),
        };
        let access = tokens::sign(&self.settings.access_tokens, &claims).ok_or("there is no signing key")?;
        let refresh = RefreshToken { session, generation: 0 };
        let refresh =
            tokens::derive_refresh_token(&self.settings.refresh_keys, refresh).ok_or("there is no refresh key")?;
        Ok(Visitor { account, session, access, refresh: refresh.expose_secret().to_owned() })
    }

    /// The processor time so far of the server with all its children, and of the pooler.
    pub(crate) fn database_cpu(&self) -> (std::time::Duration, std::time::Duration) {
        let of = |pid: u32| machine::cpu_of_group(Pid::from_raw(pid.cast_signed()));
        (of(self.cluster.process()), of(self.bouncer.process()))
    }

    /// Removes the copy that was measured; the data stays for the next run.
    pub(crate) async fn clear(self) -> Result<()> {
        let server = connect(&self.cluster.admin_url("postgres")).await?;
        server.batch_execute(&format!("DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")).await?;
        Ok(())
    }
}

/// Makes the template with the data, unless it is there. Templates of other data or migrations go.
async fn prepare(
    cluster: &Cluster,
    server: &Client,
    template: &str,
    data: Data,
    password: &StoredPassword,
) -> Result<()> {
    let names = server.query_typed("SELECT datname FROM pg_database WHERE datname LIKE 'data\\_%'", &[]).await?;
    let names: Vec<String> = names.iter().map(|row| row.try_get(0)).collect::<std::result::Result<_, _>>()?;
    if names.iter().any(|name| name == template) {
        eprintln!("  the data is there from an earlier run");
        return Ok(());
    }
    for name in names {
        server.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
    }
    let building = "building";
    server.batch_execute(&format!("DROP DATABASE IF EXISTS {building} WITH (FORCE)")).await?;
    cluster.ensure_database(building)?;
    let app = migrator(&cluster.url(building), Clock::system()).await;
    migrate::perform(&app, &Invocation::default(), &migrate::MigrateCommand::Migrate).await?;
    drop(app);
    let client = connect(&cluster.admin_url(building)).await?;
    data::load(&client, data, password).await?;
    drop(client);
    let done = format!("ALTER DATABASE {building} RENAME TO {template}");
    // The server may not have seen that we left.
    let others = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{building}'");
    server.batch_execute(&others).await?;
    server.batch_execute(&done).await?;
    Ok(())
}

pub(crate) async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = url.parse::<Config>()?.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
