//! Every setting: its name, source, type, default and what production refuses. All problems are reported at once.

mod database_url;
mod deployment;
mod limits;
mod live;
mod origins;
mod passwords;
mod reader;
mod secret;
mod sources;

use jiff::SignedDuration;
use secrecy::SecretString;
use serde::Serialize;

pub use database_url::DatabaseUrl;
pub use deployment::{Environment, Function};
pub use limits::{Limit, Limits, Policy, Refused};
pub use live::{Live, Mismatch};
pub use origins::Origins;
pub use reader::{Problem, Problems};
pub use secret::{SecretError, SecretReader};
pub use sources::{Source, Sources};

use crate::tokens::{MacKeys, SigningKeys, VerificationKeys};
use reader::{Reader, short_text, whole};

/// The settings of one function, parsed. What a function does not need is empty.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `ENVIRONMENT`.
    pub environment: Environment,
    /// `LOG_LEVEL`, in `tracing`'s filter syntax.
    pub log_level: String,
    /// `ALLOWED_ORIGINS`, for CORS.
    pub origins: Origins,
    /// `DATABASE_URL`, or `DATABASE_URL_UNPOOLED` for migrations.
    pub database: Option<DatabaseUrl>,
    /// `JWT_ISSUER`, the `iss` of access tokens.
    pub issuer: String,
    /// `JWT_AUDIENCE`, the `aud` of access tokens.
    pub audience: String,
    /// `ACCESS_TOKEN_TTL_SECONDS`, how long an access token lives.
    pub access_ttl: SignedDuration,
    /// `JWT_EXPIRATION_DELTA_HOURS`, how long `token` lives after signing in; never shorter than `access_ttl`.
    pub token_ttl: SignedDuration,
    /// Private keys from `JWT_SIGNING_KEYS`; empty but in auth.
    pub signing_keys: SigningKeys,
    /// Public keys, from `JWT_PUBLIC_KEYS` or derived from the private ones.
    pub verification_keys: VerificationKeys,
    /// `BETTER_AUTH_SECRET`, which verifies tokens of the old backend.
    pub legacy_secret: Option<SecretString>,
    /// `REFRESH_TOKEN_KEYS`; empty but in auth.
    pub refresh_keys: MacKeys,
    /// `PASSWORD_PEPPERS`; empty but in auth.
    pub peppers: MacKeys,
    /// `REFRESH_REUSE_STRICT`: any superseded refresh token ends its session.
    pub strict_reuse: bool,
    /// `RATE_LIMITS` and each limit; none if they are off.
    pub limits: Option<Limits>,
    /// `BREACHED_PASSWORDS_URL`: where to ask whether a new password is known from a breach; none for nowhere.
    pub breached_passwords: Option<http::Uri>,
    /// `DECOY_BCRYPT_COST`: every sign-in takes as long as one with a bcrypt hash of this cost; none for no decoy.
    pub decoy_bcrypt_cost: Option<u32>,
    /// `STACK_NAME`: whose metrics these are; none for no metrics.
    pub stack: Option<String>,
    /// `SECRET_CACHE_SECONDS`: how long a secret is used before it is read again.
    pub secret_ttl: SignedDuration,
    /// What was found where, for `/health/config`.
    pub report: Vec<Finding>,
}

/// What is known of one setting without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Finding {
    /// The name of the setting.
    #[schema(example = "DATABASE_URL")]
    pub name: &'static str,
    /// Whether a value was found.
    pub set: bool,
    /// Where: `environment`, `secret`, `.env.local`, `.env` or `default`; null if nowhere.
    #[schema(value_type = Option<String>, example = "secret")]
    pub source: Option<Source>,
    /// Whether this function cannot work without it.
    pub required: bool,
    /// What is wrong with it, if anything.
    pub problem: Option<String>,
}

/// Parts of secrets that tutorials and templates ship with.
pub(crate) const PLACEHOLDERS: [&str; 10] = [
    "changeme",
    "change-me",
    "change_me",
    "change-in-production",
    "change_in_production",
    "your-secret",
    "your_secret",
    "your-super-secret",
    "placeholder",
    "example",
];

impl Settings {
    /// Reads every setting of `function`.
    ///
    /// # Errors
    /// With all problems, none of which contains a value.
    pub fn read(function: Function, sources: &Sources) -> Result<Self, Problems> {
        let (settings, problems) = Self::inspect(function, sources);
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }

    /// Reads what can be read and says what could not.
    #[must_use]
    pub fn inspect(function: Function, sources: &Sources) -> (Self, Problems) {
        let mut read = Reader::new(sources);
        let environment =
            read.or_default(&["ENVIRONMENT"], "development", "development, staging or production", |text| match text {
                "development" => Some(Environment::Development),
                "staging" => Some(Environment::Staging),
                "production" => Some(Environment::Production),
                _ => None,
            });
        // What production refuses is only said of production.
        let environment = environment.unwrap_or(Environment::Development);
        let production = environment == Environment::Production;

        let log_level = read.or_default(&["LOG_LEVEL"], "info", "trace, debug, info, warn or error", |text| {
            let known = ["trace", "debug", "info", "warn", "error"];
            let lower = text.to_ascii_lowercase();
            // Python's names, which existing deployments have set.
            let lower = match lower.as_str() {
                "warning" => "warn".to_owned(),
                "critical" => "error".to_owned(),
                _ => lower,
            };
            known.contains(&lower.as_str()).then_some(lower)
        });

        let origins = Self::origins(&mut read, function, environment);
        let database = Self::database(&mut read, function, production);

        let issuer = read.or_default(&["JWT_ISSUER"], "todo-backend", "1 to 200 visible characters", short_text);
        let audience = read.or_default(&["JWT_AUDIENCE"], "todo-api", "1 to 200 visible characters", short_text);
        let access_ttl =
            read.or_default(&["ACCESS_TOKEN_TTL_SECONDS"], "900", "a whole number from 60 to 86400", |text| {
                whole(text, 60, 86_400).map(SignedDuration::from_secs)
            });
        let token_ttl =
            read.or_default(&["JWT_EXPIRATION_DELTA_HOURS"], "24", "a whole number from 0 to 720", |text| {
                whole(text, 0, 720).map(SignedDuration::from_hours)
            });
        let access_ttl = access_ttl.unwrap_or(SignedDuration::from_mins(15));

        let jwks = "a JWK set with Ed25519 keys, one of them active (`cargo xtask keys generate` prints one)";
        let signing_keys = if function == Function::Auth {
            read.required(&["JWT_SIGNING_KEYS"], jwks, SigningKeys::parse)
        } else {
            None
        };
        let verification_keys = match (function, &signing_keys) {
            (Function::Auth, Some(keys)) => Some(keys.verification_keys()),
            (Function::Tasks | Function::Users, _) => read.required(
                &["JWT_PUBLIC_KEYS"],
                "a JWK set with public Ed25519 keys (`cargo xtask keys jwks` prints one)",
                VerificationKeys::parse,
            ),
            _ => None,
        };
        let mac = "a JWK set with `oct` keys of at least 32 bytes, one of them active (`cargo xtask keys generate` prints one)";
        let (mut refresh_keys, mut peppers) = (None, None);
        if function == Function::Auth {
            refresh_keys = read.required(&["REFRESH_TOKEN_KEYS"], mac, MacKeys::parse);
            peppers = read.required(&["PASSWORD_PEPPERS"], mac, MacKeys::parse);
        }
        if production {
            let rings = [
                ("JWT_SIGNING_KEYS", signing_keys.as_ref().is_some_and(SigningKeys::has_development_key)),
                (
                    "JWT_PUBLIC_KEYS",
                    matches!(function, Function::Tasks | Function::Users)
                        && verification_keys.as_ref().is_some_and(VerificationKeys::has_development_key),
                ),
                ("REFRESH_TOKEN_KEYS", refresh_keys.as_ref().is_some_and(MacKeys::has_weak_key)),
                ("PASSWORD_PEPPERS", peppers.as_ref().is_some_and(MacKeys::has_weak_key)),
            ];
            for (name, _) in rings.into_iter().filter(|(_, weak)| *weak) {
                read.refuse(
                    &[name],
                    "keys of your own, neither placeholders nor generated for development, in production",
                );
            }
        }

        let legacy_secret = if matches!(function, Function::Auth | Function::Tasks | Function::Users) {
            read.optional(&["BETTER_AUTH_SECRET"], "text", |text| Some(SecretString::from(text)))
        } else {
            None
        };
        if production && let Some(secret) = &legacy_secret {
            let secret = secrecy::ExposeSecret::expose_secret(secret);
            if secret.len() < 32 {
                read.refuse(&["BETTER_AUTH_SECRET"], "at least 32 bytes, in production");
            }
            let lower = secret.to_ascii_lowercase();
            if PLACEHOLDERS.iter().any(|known| lower.contains(known)) {
                read.refuse(&["BETTER_AUTH_SECRET"], "a secret of your own and no placeholder, in production");
            }
        }

        let strict_reuse =
            read.or_default(&["REFRESH_REUSE_STRICT"], "false", "true or false", |text| text.parse().ok());
        let secret_ttl = read.or_default(&["SECRET_CACHE_SECONDS"], "300", "a whole number from 10 to 86400", |text| {
            whole(text, 10, 86_400).map(SignedDuration::from_secs)
        });

        let stack = read.optional(&["STACK_NAME"], "1 to 200 visible characters", short_text);
        let limits = Limits::read(&mut read, function, production);
        let breached_passwords = passwords::breached_passwords(&mut read, function, production);
        let decoy_bcrypt_cost = passwords::decoy_bcrypt_cost(&mut read, function);
        let (report, problems) = read.finish();
        let settings = Self {
            environment,
            log_level: log_level.unwrap_or_else(|| "info".to_owned()),
            origins: origins.unwrap_or_default(),
            database,
            issuer: issuer.unwrap_or_default(),
            audience: audience.unwrap_or_default(),
            access_ttl,
            token_ttl: token_ttl.unwrap_or_default().max(access_ttl),
            signing_keys: signing_keys.unwrap_or_default(),
            verification_keys: verification_keys.unwrap_or_default(),
            legacy_secret,
            refresh_keys: refresh_keys.unwrap_or_default(),
            peppers: peppers.unwrap_or_default(),
            strict_reuse: strict_reuse.unwrap_or(true),
            limits,
            breached_passwords,
            decoy_bcrypt_cost,
            stack,
            secret_ttl: secret_ttl.unwrap_or(SignedDuration::from_mins(5)),
            report,
        };
        (settings, problems)
    }

    fn origins(read: &mut Reader<'_>, function: Function, environment: Environment) -> Option<Origins> {
        const EXPECTED: &str = "origins as in https://app.example.com, separated by commas";
        if matches!(function, Function::Migrate | Function::Maintenance) {
            return None;
        }
        let names = &["ALLOWED_ORIGINS"];
        if environment == Environment::Development {
            return read.or_default(names, "http://localhost:3000,http://127.0.0.1:3000", EXPECTED, Origins::parse);
        }
        let origins = read.required(names, EXPECTED, Origins::parse)?;
        if environment == Environment::Production && !origins.are_public() {
            read.refuse(&["ALLOWED_ORIGINS"], "https origins, neither `*` nor this machine, in production");
        }
        Some(origins)
    }

    fn database(read: &mut Reader<'_>, function: Function, production: bool) -> Option<DatabaseUrl> {
        const EXPECTED: &str = "a PostgreSQL URL as in postgresql://user:password@host/database?sslmode=require";
        let direct = function == Function::Migrate;
        let names: &[&'static str] =
            if direct { &["DATABASE_URL_UNPOOLED"] } else { &["DATABASE_URL", "NEON_DATABASE_URL"] };
        if !direct && !function.uses_database() {
            return None;
        }
        let url = read.required(names, EXPECTED, DatabaseUrl::parse);
        let certificate = read.optional(
            &["DATABASE_CA_CERT"],
            "certificates in PEM, or the path of a file with them",
            database_url::Certificates::parse,
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
}
