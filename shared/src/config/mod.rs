//! Every setting: its name, its source, its type, its default, and which values production refuses. All problems are
//! reported in one message.

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
use serde::Serialize;

pub use deployment::{Environment, Function};
pub use live::{LiveSettings, RereadReason};
pub use origins::Origins;
pub use reader::{SettingProblem, SettingProblems};
pub use secret::{SecretError, SecretReader};
pub use sources::{Source, Sources};

use crate::db::DatabaseUrl;
use crate::domain::Limits;
use crate::keys::{MacKeys, SigningKeys, VerificationKeys};
use crate::passwords::PasswordSettings;
use crate::tokens::AccessTokenSettings;
use reader::{Reader, short_text, whole_number};

/// The parsed settings of one function. Settings that the function does not use are empty.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `ENVIRONMENT`.
    pub environment: Environment,
    /// `LOG_LEVEL`, in `tracing`'s filter syntax.
    pub log_level: String,
    /// `ALLOWED_ORIGINS`: the web pages that may call, for CORS.
    pub origins: Origins,
    /// `ALLOWED_HEADERS`: request headers that CORS allows in addition to those of the contract.
    pub allowed_headers: Vec<http::HeaderName>,
    /// `REFRESH_COOKIE_SAMESITE`: the attribute `SameSite` of the refresh cookie.
    pub cookie_same_site: SameSite,
    /// `MAX_TASKS_PER_USER`: how many tasks one user may store; 1 to 10,000,000.
    pub max_tasks: i64,
    /// `DATABASE_URL`, or `DATABASE_URL_UNPOOLED` in migrate; `None` in functions without a database.
    pub database: Option<DatabaseUrl>,
    /// How access tokens are signed and verified.
    pub access_tokens: AccessTokenSettings,
    /// How passwords are hashed and verified.
    pub passwords: PasswordSettings,
    /// `ACCESS_TOKEN_TTL_SECONDS`, how long an access token is valid; 60 s to 1 day.
    pub access_ttl: SignedDuration,
    /// `JWT_EXPIRATION_DELTA_HOURS`, how long the field `token` of a sign-in is valid, for clients that never refresh;
    /// up to 30 days, and at least `access_ttl`.
    pub token_ttl: SignedDuration,
    /// `REFRESH_TOKEN_KEYS`; empty in every function but auth.
    pub refresh_keys: MacKeys,
    /// `REFRESH_REUSE_STRICT`: whether every use of a superseded refresh token ends the session.
    pub strict_reuse: bool,
    /// `RATE_LIMITS` and each limit; `None` if they are off or the function has none.
    pub limits: Option<Limits>,
    /// `STACK_NAME`: the stack that the metrics belong to; `None` for no metrics.
    pub stack: Option<String>,
    /// `SECRET_CACHE_SECONDS`: how long a secret is used before it is read again; 10 s to 1 day.
    pub secret_ttl: SignedDuration,
    /// Which settings have a value, and from which source, for `/health/config`.
    pub report: Vec<SettingReport>,
}

/// Which requests of a browser carry the refresh cookie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameSite {
    /// Requests of pages on the same site.
    #[default]
    Strict,
    /// As `Strict`, and navigation to the site from another site.
    Lax,
    /// Requests of pages on any site, with a separate cookie for each site (`Partitioned`).
    None,
}

/// What is known of one setting without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Finding)]
pub struct SettingReport {
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

/// Whether web pages may call the function.
const fn serves_pages(function: Function) -> bool {
    function.has_http()
}

impl Settings {
    /// Reads every setting of `function`.
    ///
    /// # Errors
    /// All problems. A problem never contains a value.
    pub fn read(function: Function, sources: &Sources) -> Result<Self, SettingProblems> {
        let (settings, problems) = Self::inspect(function, sources);
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }

    /// Reads every setting. Returns the settings that could be read, and the problems.
    #[must_use]
    pub fn inspect(function: Function, sources: &Sources) -> (Self, SettingProblems) {
        let mut read = Reader::new(sources);
        let environment =
            read.or_default(&["ENVIRONMENT"], "development", "development, staging or production", |text| match text {
                "development" => Some(Environment::Development),
                "staging" => Some(Environment::Staging),
                "production" => Some(Environment::Production),
                _ => None,
            });
        // An unknown environment counts as development, so that the problems of production are not reported as well.
        let environment = environment.unwrap_or(Environment::Development);
        let production = environment == Environment::Production;

        let log_level = read.or_default(&["LOG_LEVEL"], "info", "trace, debug, info, warn or error", |text| {
            let known = ["trace", "debug", "info", "warn", "error"];
            let lower = text.to_ascii_lowercase();
            // Python's names for log levels, which existing deployments use.
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
                whole_number(text, 60, 86_400).map(SignedDuration::from_secs)
            });
        let token_ttl =
            read.or_default(&["JWT_EXPIRATION_DELTA_HOURS"], "24", "a whole number from 0 to 720", |text| {
                whole_number(text, 0, 720).map(SignedDuration::from_hours)
            });
        let access_ttl = access_ttl.unwrap_or(SignedDuration::from_mins(15));

        let (signing_keys, verification_keys) = keys::access_token_keys(&mut read, function);
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
        let legacy_hashes = passwords::legacy_password_hashes(&mut read, function);
        let max_tasks = if function == Function::Tasks {
            read.or_default(&["MAX_TASKS_PER_USER"], "100000", "a whole number from 1 to 10000000", |text| {
                whole_number(text, 1, 10_000_000)
            })
        } else {
            None
        };
        let strict_reuse =
            read.or_default(&["REFRESH_REUSE_STRICT"], "false", "true or false", |text| text.parse().ok());
        let secret_ttl = read.or_default(&["SECRET_CACHE_SECONDS"], "300", "a whole number from 10 to 86400", |text| {
            whole_number(text, 10, 86_400).map(SignedDuration::from_secs)
        });

        let stack = read.optional(&["STACK_NAME"], "1 to 200 visible characters", short_text);
        let limits = limits::limits(&mut read, function, production);
        let breached_passwords_url = passwords::breached_passwords(&mut read, function, production);
        let decoy_bcrypt_cost = passwords::decoy_bcrypt_cost(&mut read, function);
        let (report, problems) = read.finish();
        let settings = Self {
            environment,
            log_level: log_level.unwrap_or_else(|| "info".to_owned()),
            origins: origins.unwrap_or_default(),
            allowed_headers,
            cookie_same_site,
            max_tasks: max_tasks.unwrap_or(i64::MAX),
            database,
            access_tokens: AccessTokenSettings {
                issuer: issuer.unwrap_or_default(),
                audience: audience.unwrap_or_default(),
                signing_keys: signing_keys.unwrap_or_default(),
                verification_keys: verification_keys.unwrap_or_default(),
                legacy_secret,
            },
            passwords: PasswordSettings {
                peppers: peppers.unwrap_or_default(),
                legacy_hashes,
                decoy_bcrypt_cost,
                breached_passwords_url,
            },
            access_ttl,
            token_ttl: token_ttl.unwrap_or_default().max(access_ttl),
            refresh_keys: refresh_keys.unwrap_or_default(),
            strict_reuse: strict_reuse.unwrap_or(true),
            limits,
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
