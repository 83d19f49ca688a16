//! Every setting: its name, source, type, default and what production refuses. All problems are reported at once.

mod database_url;
mod deployment;
mod keys;
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
pub(crate) use keys::PLACEHOLDERS;
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
    /// `ALLOWED_HEADERS`: request headers that CORS allows beside those of the contract.
    pub allowed_headers: Vec<http::HeaderName>,
    /// `REFRESH_COOKIE_SAMESITE`.
    pub cookie_same_site: SameSite,
    /// `LEGACY_PASSWORD_HASHES`: whether hashes of the old backend are verified.
    pub legacy_password_hashes: bool,
    /// `MAX_TASKS_PER_USER`: how many tasks one user may store.
    pub max_tasks: i64,
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

/// Which requests of a browser carry the cookie with the refresh token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameSite {
    /// Those of pages of the same site.
    #[default]
    Strict,
    /// Those, and opening a page of the site from another one.
    Lax,
    /// Those of pages of any site, to each site a cookie of its own (`Partitioned`).
    None,
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

/// How public keys are written.
const PUBLIC_KEYS: &str = "a JWK set with public Ed25519 keys (`cargo xtask keys jwks` prints one)";

/// Whether web pages call the function.
const fn serves_pages(function: Function) -> bool {
    function.has_http()
}

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
        let allowed_headers = if serves_pages(function) {
            const EXPECTED: &str = "names of headers, separated by commas";
            read.optional(&["ALLOWED_HEADERS"], EXPECTED, origins::header_names).unwrap_or_default()
        } else {
            Vec::new()
        };
        let database = database_url::database(&mut read, function, production);

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
            (Function::Tasks | Function::Users, _) => {
                read.required(&["JWT_PUBLIC_KEYS"], PUBLIC_KEYS, VerificationKeys::parse)
            }
            // It shows its settings to administrators; without keys it knows none.
            (Function::Health, _) => read.optional(&["JWT_PUBLIC_KEYS"], PUBLIC_KEYS, VerificationKeys::parse),
            _ => None,
        };
        let mac = "a JWK set with `oct` keys of at least 32 bytes, one of them active (`cargo xtask keys generate` prints one)";
        let (mut refresh_keys, mut peppers) = (None, None);
        if function == Function::Auth {
            refresh_keys = read.required(&["REFRESH_TOKEN_KEYS"], mac, MacKeys::parse);
            peppers = read.required(&["PASSWORD_PEPPERS"], mac, MacKeys::parse);
        }
        if production {
            let verifies = matches!(function, Function::Tasks | Function::Users | Function::Health);
            let public = verification_keys.as_ref().filter(|_| verifies);
            keys::refuse_weak_keys(
                &mut read,
                [
                    ("JWT_SIGNING_KEYS", signing_keys.as_ref().is_some_and(SigningKeys::has_development_key)),
                    ("JWT_PUBLIC_KEYS", public.is_some_and(VerificationKeys::has_development_key)),
                    ("REFRESH_TOKEN_KEYS", refresh_keys.as_ref().is_some_and(MacKeys::has_weak_key)),
                    ("PASSWORD_PEPPERS", peppers.as_ref().is_some_and(MacKeys::has_weak_key)),
                ],
            );
        }

        let legacy_secret = keys::legacy_secret(&mut read, function, production);
        let cookie_same_site = passwords::cookie_same_site(&mut read, function);
        let legacy_password_hashes = passwords::legacy_password_hashes(&mut read, function);
        let max_tasks = if function == Function::Tasks {
            read.or_default(&["MAX_TASKS_PER_USER"], "100000", "a whole number from 1 to 10000000", |text| {
                whole(text, 1, 10_000_000)
            })
        } else {
            None
        };
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
            allowed_headers,
            cookie_same_site,
            legacy_password_hashes,
            max_tasks: max_tasks.unwrap_or(i64::MAX),
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
        const EXPECTED: &str = "origins as browsers send them, as in https://app.example.com (no path, no default port) or https://*.example.com for every sub-domain, separated by commas";
        const DEVELOPMENT: &str = "http://localhost:3000,http://127.0.0.1:3000,http://localhost:5173";
        if !serves_pages(function) {
            return None;
        }
        let names = &["ALLOWED_ORIGINS"];
        if environment == Environment::Development {
            return read.or_default(names, DEVELOPMENT, EXPECTED, Origins::parse);
        }
        let origins = read.required(names, EXPECTED, Origins::parse)?;
        if environment == Environment::Production && !origins.are_public() {
            read.refuse(&["ALLOWED_ORIGINS"], "https origins, neither `*` nor this machine, in production");
        }
        Some(origins)
    }
}
