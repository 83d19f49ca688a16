//! `cargo xtask dev`: builds and runs the whole API on this machine, and reloads functions on edit.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Args;
use functions::Function;
use local::postgres::Cluster;
use local::service::{Service, StopSignal, free_port};
use local::{Result, ToolError, tools, workspace};

use crate::environment::Settings;
use crate::{cargo, database, environment, migrate};

#[derive(Args)]
pub(crate) struct DevOptions {
    /// The port of the API on 127.0.0.1
    #[arg(long, default_value_t = 9000, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Wipe the development database first
    #[arg(long)]
    reset: bool,
}

impl DevOptions {
    pub(crate) fn run(&self) -> Result<()> {
        let stopping = stop_on_signal()?;
        match self.start_and_watch(&stopping) {
            // A step that fails after Ctrl-C is not an error.
            Err(_) | Ok(()) if stopping.load(Ordering::Relaxed) => {
                println!("\nStopping.");
                Ok(())
            }
            result => result,
        }
    }

    fn start_and_watch(&self, stopping: &AtomicBool) -> Result<()> {
        let mut lock = database::take_lock("the API or the database of this clone is already running")?;
        let cargo_lambda = tools::CARGO_LAMBDA.find_or_install()?;
        if free_port(Some(self.port))? != self.port {
            let other = if self.port == u16::MAX { 9000 } else { self.port + 1 };
            let problem = format!("port {} is in use by another program", self.port);
            return Err(ToolError::new(problem, format!("cargo xtask dev --port {other}")));
        }
        let (mut cluster, pooled, direct) = match environment::own_database()? {
            Some((pooled, direct)) if !self.reset => {
                println!("  using the database of DATABASE_URL");
                (None, pooled, direct)
            }
            Some(_) => {
                return Err(ToolError::new(
                    "--reset wipes the cluster in target/dev, but DATABASE_URL points to another database",
                    "unset DATABASE_URL, or omit --reset",
                ));
            }
            None => {
                let cluster = database::start(self.reset)?;
                let url = database::url(&cluster);
                (Some(cluster), url.clone(), url)
            }
        };
        println!("  building the functions");
        cargo::build_functions()?;
        let settings = environment::settings(&pooled, &direct)?;
        migrate::up(&settings)?;

        let started = Instant::now();
        let mut watch = self.start_emulator(&cargo_lambda, &settings)?;
        lock.describe_holder(&format!("http://127.0.0.1:{} (process {})", self.port, std::process::id()))?;
        watch.wait_until(Duration::from_secs(300), None, || {
            stopping.load(Ordering::Relaxed) || self.get_status("/health/db") == Some(200)
        })?;
        self.probe_functions(stopping)?;
        if !stopping.load(Ordering::Relaxed) {
            self.print_welcome(started.elapsed());
        }
        while !stopping.load(Ordering::Relaxed) {
            if watch.exit_status().is_some() {
                let next = "read the lines above, then cargo xtask dev";
                return Err(ToolError::new("cargo lambda watch has stopped", next));
            }
            if cluster.as_mut().is_some_and(Cluster::has_stopped) {
                let next = "read target/dev/postgres/log, then cargo xtask dev";
                return Err(ToolError::new("PostgreSQL has stopped", next));
            }
            sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn start_emulator(&self, cargo_lambda: &Path, settings: &Settings) -> Result<Service> {
        let mut watch = Command::new(cargo_lambda);
        watch.args(["lambda", "watch", "-A", "127.0.0.1", "-P", &self.port.to_string()]);
        watch.current_dir(workspace()).envs(settings);
        // By default cargo-lambda logs every instance that it starts.
        if environment::variable("RUST_LOG").is_none() {
            watch.env("RUST_LOG", "warn");
        }
        Service::start("cargo lambda watch", &mut watch, StopSignal::Interrupt, None)
    }

    /// Checks that every function returns the expected status. One with invalid settings does not, and has logged why.
    fn probe_functions(&self, stopping: &AtomicBool) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        for (path, expected) in Function::ALL.iter().filter_map(|function| function.spec().probe) {
            let mut status = None;
            while status.is_none() && Instant::now() < deadline && !stopping.load(Ordering::Relaxed) {
                status = self.get_status(path);
            }
            if status != Some(expected) && !stopping.load(Ordering::Relaxed) {
                let status = status.map_or("nothing".to_owned(), |status| status.to_string());
                let problem = format!("GET {path} returned {status} instead of {expected}");
                return Err(ToolError::new(problem, "read the log of the function above; usually a setting is wrong"));
            }
        }
        Ok(())
    }

    /// The status of `GET path`, or `None` if no response arrives within ten seconds.
    fn get_status(&self, path: &str) -> Option<u16> {
        let send = || {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes())?;
            let mut start = [0_u8; 12];
            stream.read_exact(&mut start)?;
            Ok::<_, std::io::Error>(start)
        };
        let response = send().ok();
        if response.is_none() {
            sleep(Duration::from_millis(100));
        }
        std::str::from_utf8(&response?).ok()?.strip_prefix("HTTP/1.1 ")?.parse().ok()
    }

    fn print_welcome(&self, took: Duration) {
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

fn stop_on_signal() -> Result<Arc<AtomicBool>> {
    let stopping = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stopping);
    let handler = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    handler.map_err(|error| ToolError::new(format!("Ctrl-C cannot be handled: {error}"), "check the machine"))?;
    Ok(stopping)
}
