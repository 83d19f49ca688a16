//! A TCP proxy that delays the data of the server by 25 ms, as if it were far away, and counts round trips: how often
//! the client sends data after it has received some. On connections without TLS it also counts statements.

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

/// How long data of the server is delayed.
const DELAY: Duration = Duration::from_millis(25);

/// A running proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// The port on 127.0.0.1.
    pub port: u16,
    round_trips: Arc<AtomicU64>,
    statements: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
    cut: Arc<tokio::sync::Notify>,
    frozen: Arc<AtomicU64>,
    /// The number of the round trip that freezes the open connections; 0 for none.
    freeze_after: Arc<AtomicU64>,
}

impl Proxy {
    /// Starts a proxy in front of the port `server` of this machine.
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
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let Ok((client, _)) = accepted else { return };
                        let number = running.connections.fetch_add(1, Ordering::SeqCst) + 1;
                        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server));
                        if let Ok(server) = TcpStream::connect(address).await {
                            connections.spawn(forward(client, server, number, running.clone()));
                        }
                    }
                    () = running.cut.notified() => connections.shutdown().await,
                }
            }
        });
        proxy
    }

    /// The number of round trips since the last call.
    #[must_use]
    pub fn take_round_trips(&self) -> u64 {
        self.round_trips.swap(0, Ordering::SeqCst)
    }

    /// The number of statements since the last call, on connections without TLS.
    #[must_use]
    pub fn take_statements(&self) -> u64 {
        self.statements.swap(0, Ordering::SeqCst)
    }

    /// The number of connections so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// Stops forwarding on every open connection, as if the server had vanished. New connections work.
    pub fn freeze(&self) {
        self.frozen.store(self.connections(), Ordering::SeqCst);
    }

    /// Forwards one more round trip on the open connections, and then freezes them.
    pub fn freeze_from_the_second_request(&self) {
        self.freeze_at(2);
    }

    /// Freezes the open connections at the `round_trip`th round trip from now.
    pub fn freeze_at(&self, round_trip: u64) {
        let _ = self.take_round_trips();
        self.freeze_after.store(round_trip, Ordering::SeqCst);
    }

    /// Closes every open connection. New connections work.
    pub fn cut(&self) {
        self.cut.notify_one();
    }
}

async fn forward(client: TcpStream, server: TcpStream, number: u64, proxy: Proxy) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let has_received = Arc::new(AtomicBool::new(true));
    tokio::select! {
        () = forward_requests(from_client, to_server, Arc::clone(&has_received), proxy.clone()) => {}
        () = forward_responses(from_server, to_client, has_received, number, Arc::clone(&proxy.frozen)) => {}
    }
}

async fn forward_requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    has_received: Arc<AtomicBool>,
    proxy: Proxy,
) {
    let mut buffer = vec![0; 64 * 1024];
    let mut messages = MessageParser::default();
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        proxy.statements.fetch_add(messages.count_statements(&buffer[..length]), Ordering::SeqCst);
        // Data that the client sends before it receives some belongs to the same round trip.
        if has_received.swap(false, Ordering::SeqCst) {
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

/// Splits the data of a client into messages of the PostgreSQL protocol.
#[derive(Default)]
struct MessageParser {
    /// The start of a message whose length has not arrived yet.
    head: Vec<u8>,
    /// How many bytes of the current message are left.
    left: usize,
    started: bool,
}

impl MessageParser {
    /// Counts the statements that start in `bytes`: messages of the types Query and Parse.
    fn count_statements(&mut self, mut bytes: &[u8]) -> u64 {
        let mut statements = 0;
        while !bytes.is_empty() {
            let skipped = self.left.min(bytes.len());
            self.left -= skipped;
            bytes = &bytes[skipped..];
            let Some((byte, rest)) = bytes.split_first() else { break };
            self.head.push(*byte);
            bytes = rest;
            // The first message has no type byte.
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

async fn forward_responses(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    has_received: Arc<AtomicBool>,
    number: u64,
    frozen: Arc<AtomicU64>,
) {
    // Delay each chunk from its own arrival, so that chunks keep their distances.
    let (sender, mut receiver) = unbounded_channel();
    let read = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            if sender.send((Instant::now() + DELAY, buffer[..length].to_vec())).is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((due, bytes)) = receiver.recv().await {
            sleep_until(due).await;
            if number <= frozen.load(Ordering::SeqCst) {
                continue;
            }
            has_received.store(true, Ordering::SeqCst);
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}
