//! A TLS proxy in front of the PostgreSQL server of the run, like that of Neon. Clients request TLS first (SSLRequest),
//! or start with it (direct negotiation).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{HandshakeKind, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::certificates::generate_certificates;

/// How a client negotiated TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// Whether the client started without an SSLRequest.
    pub direct: bool,
    /// Whether the client resumed an earlier session. Then no certificate is sent and verified.
    pub resumed: bool,
    /// The protocols that the client offered (ALPN).
    pub protocol: Option<String>,
}

/// A listening proxy; it ends with the test's runtime.
#[derive(Clone, Debug)]
pub struct TlsFront {
    /// The port on every address of this machine.
    pub port: u16,
    /// The certificate authority of its certificate, in PEM.
    pub authority: String,
    handshakes: Arc<Mutex<Vec<Handshake>>>,
}

/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;

impl TlsFront {
    /// Starts a proxy in front of the server on `port`.
    pub async fn start(port: u16) -> Self {
        let (authority, certificate, key) = generate_certificates();
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("it was just generated");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("it was just generated");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("the provider has them").with_no_client_auth();
        let mut config = config.with_single_cert(vec![certificate], key).expect("the key fits");
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        // On every address, so that tests can connect with another host name.
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.expect("a port is free");
        let front =
            Self { port: listener.local_addr().expect("it listens").port(), authority, handshakes: Arc::default() };
        let listening = front.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, handshakes) = (acceptor.clone(), Arc::clone(&listening.handshakes));
                tokio::spawn(async move { serve(client, acceptor, port, &handshakes).await });
            }
        });
        front
    }

    /// All handshakes so far.
    #[must_use]
    pub fn handshakes(&self) -> Vec<Handshake> {
        self.handshakes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(
    mut client: TcpStream,
    acceptor: TlsAcceptor,
    port: u16,
    handshakes: &Mutex<Vec<Handshake>>,
) -> std::io::Result<()> {
    let mut first = [0];
    client.peek(&mut first).await?;
    let direct = first == [HANDSHAKE];
    if !direct {
        // SSLRequest, and the response "yes".
        client.read_exact(&mut [0; 8]).await?;
        client.write_all(b"S").await?;
    }
    let mut client = acceptor.accept(client).await?;
    let tls = client.get_ref().1;
    let handshake = Handshake {
        direct,
        resumed: tls.handshake_kind() == Some(HandshakeKind::Resumed),
        protocol: tls.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
    };
    handshakes.lock().unwrap_or_else(PoisonError::into_inner).push(handshake);
    let mut server = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
