//! A PgBouncer in transaction mode with SCRAM and TLS, like the pooler of Neon.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use local::service::{Service, StopSignal, free_port, listens};
use local::unprivileged::{self, User};
use tokio_postgres::Config;

use crate::certificates::generate_certificates;
use crate::program;

/// The settings of a PgBouncer.
#[derive(Clone, Copy, Debug)]
pub struct PgBouncerSettings<'a> {
    /// The maximum number of server connections per database.
    pub servers: u16,
    /// The maximum number of client connections.
    pub clients: u16,
    /// The SCRAM verifier of the password, as the server stores it. Without it PgBouncer gets the password and derives
    /// the verifier again for each client, in 4,096 rounds.
    pub stored: Option<&'a str>,
}

/// A running PgBouncer in front of the PostgreSQL server of the run.
#[derive(Debug)]
pub struct PgBouncer {
    service: Service,
    port: u16,
    user: String,
    password: String,
    /// The certificate authority of its certificate, in PEM.
    pub authority: String,
}

impl PgBouncer {
    /// Starts a PgBouncer with two server connections per database.
    #[must_use]
    pub fn start(server: &Config) -> Self {
        Self::with(server, PgBouncerSettings { servers: 2, clients: 500, stored: None })
    }

    /// Starts a PgBouncer.
    ///
    /// # Panics
    /// If PgBouncer is missing or does not start: a test never skips.
    #[must_use]
    pub fn with(server: &Config, PgBouncerSettings { servers, clients, stored }: PgBouncerSettings<'_>) -> Self {
        let owner = User::find().unwrap_or_else(|error| panic!("{error}"));
        // Not under target/, which another user may not be able to enter.
        let folder =
            tempfile::Builder::new().prefix("bouncer-").tempdir_in("/tmp").expect("/tmp can be written").keep();
        unprivileged::change_owner(&folder, owner).expect("root may change owners");
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).expect("the folder can be written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
            unprivileged::change_owner(&path, owner).expect("root may change owners");
        };
        let (authority, certificate, key) = generate_certificates();
        write("server.crt", &certificate);
        write("server.key", &key);
        let user = server.get_user().expect("the URL names a user").to_owned();
        let password =
            String::from_utf8(server.get_password().unwrap_or_default().to_vec()).expect("passwords are text");
        write("users.txt", &format!("\"{user}\" \"{}\"\n", stored.unwrap_or(&password)));
        let port = free_port(None).unwrap_or_else(|error| panic!("{error}"));
        let server_port = server.get_ports().first().copied().unwrap_or(5432);
        let server_host = match server.get_hosts().first() {
            Some(tokio_postgres::config::Host::Tcp(host)) => host.clone(),
            _ => "127.0.0.1".to_owned(),
        };
        let path = |name: &str| folder.join(name).display().to_string();
        write(
            "pgbouncer.ini",
            &format!(
                "[databases]\n* = host={server_host} port={server_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
                 unix_socket_dir =\npool_mode = transaction\ndefault_pool_size = {servers}\nmax_client_conn = {clients}\n\
                 auth_type = scram-sha-256\nauth_file = {}\nclient_tls_sslmode = require\nclient_tls_cert_file = {}\n\
                 client_tls_key_file = {}\nlogfile =\n",
                path("users.txt"),
                path("server.crt"),
                path("server.key"),
            ),
        );
        let log = folder.join("log");
        let mut command = Command::new(program(&local::tools::PGBOUNCER));
        command.arg(folder.join("pgbouncer.ini"));
        unprivileged::run_as(&mut command, owner);
        let service = Service::start_in("PgBouncer", &mut command, StopSignal::Quit, Some(&log), Some(&folder));
        let mut service = service.unwrap_or_else(|error| panic!("{error}"));
        let ready = service.wait_until(Duration::from_secs(20), Some(&log), || listens(port));
        ready.unwrap_or_else(|error| panic!("{error}"));
        Self { service, port, user, password, authority }
    }

    /// The URL of a database through this PgBouncer; `port` is that of a proxy in front of it.
    #[must_use]
    pub fn url(&self, database: &str, port: Option<u16>) -> String {
        let port = port.unwrap_or(self.port);
        format!("postgresql://{}:{}@127.0.0.1:{port}/{database}?sslmode=require", self.user, self.password)
    }

    /// The process id of the PgBouncer.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.service.process_id()
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}
