//! A TCP proxy that delays whatever the server says by 25 ms, as a longer line would, and counts round trips: how often the client speaks
//! after it was answered. Where nothing is encrypted it also counts statements: messages that hold one or more.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// The delay of one answer.
const DELAY: Duration = Duration::from_millis(25);

/// A running proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    round_trips: Arc<AtomicU64>,
    statements: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
    cut: Arc<tokio::sync::Notify>,
    frozen: Arc<AtomicU64>,
    /// The round trip that freezes the open connections; 0 for none.
    freeze_after: Arc<AtomicU64>,
}

impl Proxy {
    /// Starts a proxy before a port of this machine.
    pub async fn start(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let port = listener.local_addr().expect("the listener is bound").port();
        let proxy = Self {
            port,
            round_trips: Arc::default(),
            statements: Arc::default(),
            connections: Arc::default(),
            cut: Arc::default(),
            frozen: Arc::default(),
            freeze_after: Arc::default(),
        };
        let running = proxy.clone();
        tokio::spawn(async move {
            let mut sessions = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let Ok((client, _)) = accepted else { return };
                        let number = running.connections.fetch_add(1, Ordering::SeqCst) + 1;
                        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server));
                        if let Ok(server) = TcpStream::connect(address).await {
                            sessions.spawn(session(client, server, number, running.clone()));
                        }
                    }
                    () = running.cut.notified() => sessions.shutdown().await,
                }
            }
        });
        proxy
    }

    /// How many round trips there were since the last call.
    #[must_use]
    pub fn take_round_trips(&self) -> u64 {
        self.round_trips.swap(0, Ordering::SeqCst)
    }

    /// How many statements were sent since the last call, on connections without TLS.
    #[must_use]
    pub fn take_statements(&self) -> u64 {
        self.statements.swap(0, Ordering::SeqCst)
    }

    /// How many connections were opened so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// Lets every open connection go silent, as one to a server that has vanished; new ones are served.
    pub fn freeze(&self) {
        self.frozen.store(self.connections(), Ordering::SeqCst);
    }

    /// Answers one more request on the open connections, and then lets them go silent.
    pub fn freeze_from_the_second_request(&self) {
        self.freeze_at(2);
    }

    /// Goes silent at the `round_trip`th request from now.
    pub fn freeze_at(&self, round_trip: u64) {
        let _ = self.take_round_trips();
        self.freeze_after.store(round_trip, Ordering::SeqCst);
    }

    /// Cuts every open connection; new ones are served.
    pub fn cut(&self) {
        self.cut.notify_one();
    }
}

async fn session(client: TcpStream, server: TcpStream, number: u64, proxy: Proxy) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let answered = Arc::new(AtomicBool::new(true));
    tokio::select! {
        () = ask(from_client, to_server, Arc::clone(&answered), proxy.clone()) => {}
        () = answer(from_server, to_client, answered, number, Arc::clone(&proxy.frozen)) => {}
    }
}

async fn ask(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, answered: Arc<AtomicBool>, proxy: Proxy) {
    let mut buffer = vec![0; 64 * 1024];
    let mut messages = Messages::default();
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        proxy.statements.fetch_add(messages.statements_in(&buffer[..length]), Ordering::SeqCst);
        // What the client sends before it sees an answer belongs to the same round trip.
        if answered.swap(false, Ordering::SeqCst) {
            let round_trip = proxy.round_trips.fetch_add(1, Ordering::SeqCst) + 1;
            if round_trip == proxy.freeze_after.load(Ordering::SeqCst) {
                proxy.freeze_after.store(0, Ordering::SeqCst);
                proxy.freeze();
            }
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// What a client says, message by message.
#[derive(Default)]
struct Messages {
    /// The start of a message whose length is not known yet.
    head: Vec<u8>,
    /// What is left of a message whose kind is known.
    left: usize,
    started: bool,
}

impl Messages {
    /// How many statements start here: simple queries, and parsed ones.
    fn statements_in(&mut self, mut bytes: &[u8]) -> u64 {
        let mut statements = 0;
        while !bytes.is_empty() {
            let skipped = self.left.min(bytes.len());
            self.left -= skipped;
            bytes = &bytes[skipped..];
            let Some((byte, rest)) = bytes.split_first() else { break };
            self.head.push(*byte);
            bytes = rest;
            // The first message has no kind.
            let kind = usize::from(self.started);
            if let Some(length) = self.head.get(kind..).and_then(|length| length.first_chunk()) {
                self.left = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX).saturating_sub(4);
                statements += u64::from(self.started && matches!(self.head[0], b'Q' | b'P'));
                self.started = true;
                self.head.clear();
            }
        }
        statements
    }
}

async fn answer(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    answered: Arc<AtomicBool>,
    number: u64,
    frozen: Arc<AtomicU64>,
) {
    // What follows closely arrives as closely: each part waits for its own time, and not for the one before.
    let (on_its_way, mut arriving) = unbounded_channel();
    let leave = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            if on_its_way.send((Instant::now() + DELAY, buffer[..length].to_vec())).is_err() {
                return;
            }
        }
    };
    let arrive = async move {
        while let Some((due, bytes)) = arriving.recv().await {
            sleep_until(due).await;
            if number <= frozen.load(Ordering::SeqCst) {
                continue;
            }
            answered.store(true, Ordering::SeqCst);
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(leave, arrive);
}
