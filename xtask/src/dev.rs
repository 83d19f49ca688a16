//! `cargo xtask dev`: from a clone to a running API.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Args;
use local::postgres::{Cluster, Keep, Programs};
use local::service::{Service, Stop, listens};
use local::{Failure, Result, tools, workspace};

use crate::lock::{Lock, unwritable};
use crate::{cargo, environment, migrate};

/// The name of the development database.
const DATABASE: &str = "todo";

#[derive(Args)]
pub(crate) struct Dev {
    /// The port of the API on 127.0.0.1
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// Wipe the development database first
    #[arg(long)]
    reset: bool,
}

impl Dev {
    pub(crate) fn run(&self) -> Result<()> {
        let stopping = stop_on_signal()?;
        let mut running = Lock::take(&environment::folder(), "the API of this clone is running already")?;
        running.note(&format!("process {}, starting", std::process::id()))?;
        let cargo_lambda = tools::cargo_lambda()?;
        if listens(self.port) {
            return Err(Failure::new(
                format!("port {} is in use by another program", self.port),
                format!("cargo xtask dev --port {}", self.port.saturating_add(1)),
            ));
        }

        let (mut cluster, pooled, direct) = match environment::own_database() {
            Some((pooled, direct)) if !self.reset => {
                println!("  using the database of DATABASE_URL");
                let _ = fs::remove_file(environment::folder().join("url"));
                (None, pooled, direct)
            }
            Some(_) => {
                return Err(Failure::new(
                    "--reset wipes the cluster under target/dev, but DATABASE_URL names another database",
                    "unset DATABASE_URL, or leave --reset out",
                ));
            }
            None => {
                let cluster = start_cluster(self.reset)?;
                let url = cluster.url(DATABASE);
                (Some(cluster), url.clone(), url)
            }
        };
        println!("  building the functions");
        cargo::build_functions()?;
        let settings = environment::settings(&pooled, &direct)?;
        migrate::up(&settings)?;
        if stopping.load(Ordering::Relaxed) {
            return Ok(());
        }

        let started = Instant::now();
        let mut watch = Command::new(cargo_lambda);
        watch.args(["lambda", "watch", "-A", "127.0.0.1", "-P", &self.port.to_string()]);
        watch.current_dir(workspace()).envs(&settings);
        // The emulator reports every instance it starts; what the functions say is enough.
        if environment::given("RUST_LOG").is_none() {
            watch.env("RUST_LOG", "warn");
        }
        let mut watch = Service::start("cargo lambda watch", &mut watch, Stop::Interrupt, None)?;
        running.note(&format!("http://127.0.0.1:{} (process {})", self.port, std::process::id()))?;
        watch.wait_until(Duration::from_secs(300), None, || {
            stopping.load(Ordering::Relaxed) || database_answers(self.port)
        })?;
        if !stopping.load(Ordering::Relaxed) {
            self.welcome(started.elapsed());
        }
        while !stopping.load(Ordering::Relaxed) {
            if watch.ended().is_some() {
                return Err(Failure::new(
                    "cargo lambda watch has stopped",
                    "read the lines above, then cargo xtask dev",
                ));
            }
            if cluster.as_mut().is_some_and(Cluster::has_stopped) {
                return Err(Failure::new(
                    "PostgreSQL has stopped",
                    "read target/dev/postgres/log, then cargo xtask dev",
                ));
            }
            sleep(Duration::from_millis(100));
        }
        println!("\nStopping.");
        Ok(())
    }

    fn welcome(&self, took: Duration) {
        let url = format!("http://127.0.0.1:{}", self.port);
        println!(
            "
Ready after {:.1} s. Edits reload; Ctrl-C stops everything.

  API    {url}
  docs   {url}/api/docs
  psql   cargo xtask db psql

Try it:

  curl -s {url}/api/v1/auth/signup -H 'content-type: application/json' \\
    -d '{{\"email\":\"ada@example.com\",\"password\":\"correct horse battery\",\"name\":\"Ada\"}}'
",
            took.as_secs_f64()
        );
    }
}

/// The development cluster with its database.
pub(crate) fn start_cluster(reset: bool) -> Result<Cluster> {
    let programs = Programs::find_or_install()?;
    let folder = environment::folder().join("postgres");
    if reset && folder.exists() {
        println!("  wiping the development database");
        wipe(&folder)?;
    }
    let cluster = Cluster::start(&folder, &programs, Keep::Safe)?;
    cluster.ensure_database(DATABASE)?;
    println!("  PostgreSQL {} on 127.0.0.1:{}, data in {}", cluster.programs.version, cluster.port, folder.display());
    let file = environment::folder().join("url");
    let kept = fs::write(&file, cluster.url(DATABASE));
    let kept = kept.and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o600)));
    kept.map_err(|error| unwritable(&environment::folder(), &error))?;
    Ok(cluster)
}

fn wipe(folder: &std::path::Path) -> Result<()> {
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    fs::remove_dir_all(&real).map_err(|error| {
        Failure::new(format!("{} cannot be removed: {error}", real.display()), "check its permissions")
    })?;
    // A link to a folder elsewhere goes with it.
    let _ = fs::remove_file(folder);
    Ok(())
}

/// The development database's URL, if `cargo xtask dev` keeps one running.
pub(crate) fn running_url() -> Option<String> {
    let taken = Lock::is_taken(&environment::folder());
    taken.then(|| fs::read_to_string(environment::folder().join("url")).ok()).flatten()
}

fn stop_on_signal() -> Result<Arc<AtomicBool>> {
    let stopping = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stopping);
    let set = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    set.map_err(|error| Failure::new(format!("signals cannot be caught: {error}"), "check the machine"))?;
    Ok(stopping)
}

/// Whether `GET /health/db` answers 200.
fn database_answers(port: u16) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.write_all(b"GET /health/db HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        let mut answer = [0_u8; 12];
        stream.read_exact(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    let answered = ask().is_ok_and(|answer| answer == *b"HTTP/1.1 200");
    if !answered {
        sleep(Duration::from_millis(100));
    }
    answered
}
