//! The database URL, and the certificate authorities that its server is verified with.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A URL of PostgreSQL, with the certificate authorities for TLS.
#[derive(Clone)]
pub struct DatabaseUrl {
    config: Config,
    certificates: Option<Certificates>,
    tls: Arc<OnceLock<MakeRustlsConnect>>,
}

/// Ignores the TLS connector, which is built from the other fields.
impl PartialEq for DatabaseUrl {
    fn eq(&self, other: &Self) -> bool {
        (&self.config, &self.certificates) == (&other.config, &other.certificates)
    }
}

impl DatabaseUrl {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // The driver has neither mode. It always verifies certificate and host name, as verify-full requires.
        let text =
            text.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
        let config: Config = text.parse().ok()?;
        let complete = !config.get_hosts().is_empty() && config.get_user().is_some() && config.get_dbname().is_some();
        complete.then(|| Self { config, certificates: None, tls: Arc::default() })
    }

    /// Whether the URL asks for direct TLS negotiation without requiring TLS: the driver never connects then.
    pub(crate) fn is_direct_without_tls(&self) -> bool {
        self.config.get_ssl_negotiation() == SslNegotiation::Direct && !self.requires_tls()
    }

    pub(crate) fn with_certificates(mut self, certificates: Option<Certificates>) -> Self {
        self.certificates = certificates;
        self
    }

    pub(crate) fn requires_tls(&self) -> bool {
        self.config.get_ssl_mode() == SslMode::Require
    }

    fn hosts(&self) -> impl Iterator<Item = &str> {
        self.config.get_hosts().iter().filter_map(|host| match host {
            Host::Tcp(name) => Some(name.as_str()),
            #[cfg(unix)]
            Host::Unix(_) => None,
        })
    }

    pub(crate) fn is_neon(&self) -> bool {
        self.hosts().any(|host| host.ends_with(".neon.tech"))
    }

    pub(crate) fn is_pooled(&self) -> bool {
        self.hosts().any(|host| host.split('.').next().is_some_and(|name| name.ends_with("-pooler")))
    }

    /// The URL as the driver's configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The TLS connector, which trusts the public certificate authorities and those of `DATABASE_CA_CERT`. It is built
    /// once, so that later connections resume the TLS session if the server allows it.
    ///
    /// # Errors
    /// If a certificate cannot be used.
    pub fn tls(&self) -> Result<MakeRustlsConnect, rustls::Error> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls.clone());
        }
        let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        for certificate in self.certificates.iter().flat_map(|certificates| &*certificates.0) {
            roots.add(certificate.clone())?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        if self.config.get_ssl_negotiation() == SslNegotiation::Direct {
            // With direct negotiation the server learns the protocol only from ALPN, and requires it.
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(self.tls.get_or_init(|| MakeRustlsConnect::new(config)).clone())
    }
}

/// Leaves out the URL, which contains a password.
impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(…)")
    }
}

/// The certificate authorities of a private PostgreSQL or pooler (`DATABASE_CA_CERT`).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Certificates(Arc<[CertificateDer<'static>]>);

impl Certificates {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let found: Result<Vec<_>, _> = if text.contains("-----BEGIN") {
            CertificateDer::pem_slice_iter(text.as_bytes()).collect()
        } else {
            CertificateDer::pem_file_iter(text).ok()?.collect()
        };
        let mut store = RootCertStore::empty();
        let usable = |list: &Vec<_>| {
            let added = list.iter().cloned().try_for_each(|certificate: CertificateDer<'_>| store.add(certificate));
            !list.is_empty() && added.is_ok()
        };
        found.ok().filter(usable).map(|list| Self(list.into()))
    }
}

/// Where the pool reads its URL. The settings implement this, because the URL changes with the secret that holds it.
pub trait UrlSource: fmt::Debug + Send + Sync {
    /// The current URL; `None` if the settings have none.
    fn url(&self) -> Option<DatabaseUrl>;

    /// Whether `url` is the current URL.
    fn is_current(&self, url: &DatabaseUrl) -> bool;

    /// Reads the settings again, because the server refused the password of the current URL.
    fn reread(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}
