//! A database for each test, copied from a template that is migrated once.

use std::sync::Arc;

use migrate::MigrateCommand;
use shared::App;
use shared::clock::Clock;
use shared::config::{Function, LiveSettings, Sources};
use shared::lambda::{Invocation, assemble};
use tokio_postgres::{Client, Config, NoTls};
use uuid::Uuid;

use crate::server;

/// A database, which is dropped when this value is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    admin: Config,
}

impl TestDatabase {
    /// Creates a migrated database without users.
    pub async fn new() -> Self {
        let template = template().await;
        Self::copy_of(&template).await
    }

    /// Creates an empty database.
    pub async fn empty() -> Self {
        Self::copy_of("template1").await
    }

    #[expect(clippy::disallowed_methods, reason = "no test depends on the name")]
    async fn copy_of(template: &str) -> Self {
        let admin: Config = server().parse().expect("TEST_DATABASE_URL is a PostgreSQL URL");
        let name = format!("test_{}", Uuid::new_v4().simple());
        let client = connect(&admin).await;
        let sql = format!("CREATE DATABASE {name} TEMPLATE {template}");
        client.batch_execute(&sql).await.expect("a database can be created");
        Self { name, admin }
    }

    /// The URL of the database on the server.
    #[must_use]
    pub fn url(&self) -> String {
        url(&self.admin, &self.name)
    }

    /// The URL of the database with another port, such as that of a proxy.
    #[must_use]
    pub fn url_at(&self, port: u16) -> String {
        let own = self.admin.get_ports().first().copied().unwrap_or(5432);
        self.url().replace(&format!(":{own}/"), &format!(":{port}/"))
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The configuration for connections to the server.
    #[must_use]
    pub fn server(&self) -> &Config {
        &self.admin
    }

    /// Waits until a statement in this database waits for a lock, so that a race is in the intended state.
    pub async fn wait_for_lock_wait(&self) {
        let sql = "SELECT count(*) FROM pg_locks WHERE NOT granted
                   AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
        let watcher = self.connect().await;
        while watcher.query_typed_one(sql, &[]).await.expect("the database responds").get::<_, i64>(0) == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Ends every connection to the database, as a restart of the server does.
    pub async fn end_connections(&self) {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        self.connect().await.query_typed(sql, &[]).await.expect("the owner may end its connections");
    }

    /// Opens a connection as the owner, which the code under test does not use.
    pub async fn connect(&self) -> Client {
        let mut config = self.admin.clone();
        connect(config.dbname(&self.name)).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (name, admin) = (self.name.clone(), self.admin.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let client = connect(&admin).await;
                client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.map_err(std::io::Error::other)
            })
        });
        if let Ok(Err(error)) = dropping.join() {
            eprintln!("the database {} cannot be dropped: {error}", self.name);
        }
    }
}

/// Opens a connection to the server of the run.
pub(crate) async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.expect("the PostgreSQL of the run responds");
    tokio::spawn(connection);
    client
}

pub(crate) fn url(config: &Config, database: &str) -> String {
    let user = config.get_user().unwrap_or_default();
    let password = String::from_utf8_lossy(config.get_password().unwrap_or_default()).into_owned();
    let host = match config.get_hosts().first() {
        Some(tokio_postgres::config::Host::Tcp(host)) => host.clone(),
        _ => "127.0.0.1".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    format!("postgresql://{user}:{password}@{host}:{port}/{database}?sslmode=disable")
}

/// The name of the migrated template, which is created once for each set of migrations on a server.
async fn template() -> String {
    let admin: Config = server().parse().expect("TEST_DATABASE_URL is a PostgreSQL URL");
    let name = format!("todo_template_{}", migrate::fingerprint());
    let client = connect(&admin).await;
    // Of several test processes that get here at the same time, one creates the template and the others wait.
    client.batch_execute("SELECT pg_advisory_lock(7310)").await.expect("the lock can be taken");
    let found = client.query_typed_opt(&format!("SELECT 1 FROM pg_database WHERE datname = '{name}'"), &[]).await;
    if found.expect("databases can be listed").is_none() {
        let building = format!("{name}_building");
        let remove = format!("DROP DATABASE IF EXISTS {building} WITH (FORCE)");
        client.batch_execute(&remove).await.expect("an abandoned template can be dropped");
        client.batch_execute(&format!("CREATE DATABASE {building}")).await.expect("a database can be created");
        migrate_all(&url(&admin, &building)).await;
        let rename = format!("ALTER DATABASE {building} RENAME TO {name}");
        client.batch_execute(&rename).await.expect("no client is connected to the template");
    }
    name
}

/// Applies all migrations, with the code of the migrate function.
async fn migrate_all(url: &str) {
    let app = migrator(url, Clock::system()).await;
    migrate::perform(&app, &Invocation::default(), &MigrateCommand::Migrate).await.expect("the migrations apply");
}

/// The state of the migrate function in this process, for the database at `url`.
pub async fn migrator(url: &str, clock: Clock) -> App {
    let sources = Sources::environment([("DATABASE_URL_UNPOOLED".to_owned(), url.to_owned())]);
    let live = LiveSettings::load(Function::Migrate, clock.clone(), sources).await.expect("migrate always starts");
    assemble(Function::Migrate, Arc::new(live), clock, 1)
}
