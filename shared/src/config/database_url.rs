//! The database URL and the certificates that vouch for its server.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Function;
use super::reader::Reader;

/// How to reach PostgreSQL.
#[derive(Clone)]
pub struct DatabaseUrl {
    config: Config,
    certificates: Option<Certificates>,
    tls: Arc<OnceLock<MakeRustlsConnect>>,
}

/// TLS follows from the rest.
impl PartialEq for DatabaseUrl {
    fn eq(&self, other: &Self) -> bool {
        (&self.config, &self.certificates) == (&other.config, &other.certificates)
    }
}

impl DatabaseUrl {
    pub(super) fn parse(text: &str) -> Option<Self> {
        // The driver always checks certificate and host name, which is what verify-full asks for.
        let text =
            text.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
        let config: Config = text.parse().ok()?;
        let whole = !config.get_hosts().is_empty() && config.get_user().is_some() && config.get_dbname().is_some();
        whole.then(|| Self { config, certificates: None, tls: Arc::default() })
    }

    /// Whether TLS is spoken without asking for it first, although it is not demanded: that never connects.
    pub(super) fn is_direct_without_tls(&self) -> bool {
        self.config.get_ssl_negotiation() == SslNegotiation::Direct && !self.requires_tls()
    }

    pub(super) fn with_certificates(mut self, certificates: Option<Certificates>) -> Self {
        self.certificates = certificates;
        self
    }

    pub(super) fn requires_tls(&self) -> bool {
        self.config.get_ssl_mode() == SslMode::Require
    }

    fn hosts(&self) -> impl Iterator<Item = &str> {
        self.config.get_hosts().iter().filter_map(|host| match host {
            Host::Tcp(name) => Some(name.as_str()),
            #[cfg(unix)]
            Host::Unix(_) => None,
        })
    }

    pub(super) fn is_neon(&self) -> bool {
        self.hosts().any(|host| host.ends_with(".neon.tech"))
    }

    pub(super) fn is_pooled(&self) -> bool {
        self.hosts().any(|host| host.split('.').next().is_some_and(|name| name.ends_with("-pooler")))
    }

    /// The driver's form of the URL.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// TLS as the server is to be spoken to: trusts the public certificate authorities and those of the settings.
    /// Made for the first connection; later ones resume its session where the server allows it.
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
            // A server that is not asked first must be told what the connection is for.
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(self.tls.get_or_init(|| MakeRustlsConnect::new(config)).clone())
    }
}

/// The URL holds a password.
impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(…)")
    }
}

/// Certificate authorities of a private PostgreSQL or pooler.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Certificates(Arc<[CertificateDer<'static>]>);

impl Certificates {
    pub(super) fn parse(text: &str) -> Option<Self> {
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

/// `DATABASE_URL`, or that of migrations, with `DATABASE_CA_CERT`.
pub(super) fn database(read: &mut Reader<'_>, function: Function, production: bool) -> Option<DatabaseUrl> {
    const EXPECTED: &str = "a PostgreSQL URL as in postgresql://user:password@host/database?sslmode=require";
    let direct = function == Function::Migrate;
    let names: &[&'static str] =
        if direct { &["DATABASE_URL_UNPOOLED"] } else { &["DATABASE_URL", "NEON_DATABASE_URL"] };
    if !direct && !function.row().uses_database {
        return None;
    }
    let url = read.required(names, EXPECTED, DatabaseUrl::parse);
    let certificate = read.optional(
        &["DATABASE_CA_CERT"],
        "certificates in PEM, or the path of a file with them",
        Certificates::parse,
    );
    let url = url?;
    if url.is_direct_without_tls() {
        read.refuse(names, "sslmode=require beside sslnegotiation=direct");
    }
    if production && !url.requires_tls() {
        read.refuse(names, "a URL with sslmode=require, in production");
    }
    // A migration locks for its session, and would leave that to whoever gets the pooler's connection next.
    if (production || direct) && url.is_neon() && url.is_pooled() == direct {
        let expected = if direct {
            "the direct host of Neon (without -pooler)"
        } else {
            "the pooled host of Neon (with -pooler), in production"
        };
        read.refuse(names, expected);
    }
    Some(url.with_certificates(certificate))
}
