//! The current settings, which change when their secret changes.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{
    Function, SecretError, SecretReader, SettingProblem, SettingProblems, SettingReport, Settings, Source, Sources,
};
use crate::clock::Clock;
use crate::db::{DatabaseUrl, UrlSource};

/// Settings that can be read again while the function runs.
#[derive(Debug)]
pub struct LiveSettings {
    function: Function,
    clock: Clock,
    current: RwLock<Arc<InspectedSettings>>,
    secret: Option<Secret>,
}

/// Settings and their problems. Only health and migrate keep settings with problems, to report them.
#[derive(Debug)]
struct InspectedSettings {
    settings: Arc<Settings>,
    problems: Arc<SettingProblems>,
    /// Why the secret could not be read. Only for the log, because it may contain the AWS account.
    secret_error: Option<SecretError>,
}

#[derive(Debug)]
struct Secret {
    reader: SecretReader,
    environment: Sources,
    /// Locked during a read, so that concurrent requests read the secret once.
    times: Mutex<ReadTimes>,
}

/// When a secret was last read.
#[derive(Debug)]
struct ReadTimes {
    last: Timestamp,
    /// When it was last read early, for each [`RereadReason`]: forged tokens must not delay the read that a rotated
    /// password needs.
    early: [Option<Timestamp>; 2],
}

/// Why the secret is read before it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RereadReason {
    /// A token names an unknown key.
    Key,
    /// The database refuses the password.
    Database,
}

/// The shortest time between two early reads for the same reason, so that forged key ids cause no load.
const MIN_EARLY_INTERVAL: SignedDuration = SignedDuration::from_secs(60);

/// When to read again after Secrets Manager was too slow.
const SLOW_RETRY_INTERVAL: SignedDuration = SignedDuration::from_secs(15);

/// How long a request waits for a scheduled read of the secret, before it continues with the previous settings.
const SCHEDULED_READ_TIMEOUT: Duration = Duration::from_secs(1);

impl LiveSettings {
    /// Reads the settings of `function`, with its secret if the environment names one.
    ///
    /// # Errors
    /// If the secret cannot be read, or with all problems of the settings. Health and migrate start anyway, to report
    /// these problems.
    pub async fn load(
        function: Function,
        clock: Clock,
        sources: Sources,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let reader = match sources.get(Sources::SECRET_ARN) {
            Some((arn, _)) => Some(SecretReader::new(arn).await),
            None => None,
        };
        Self::load_with(function, clock, sources, reader).await
    }

    /// As [`LiveSettings::load`], with the given reader of the secret.
    ///
    /// # Errors
    /// See [`LiveSettings::load`].
    pub async fn load_with(
        function: Function,
        clock: Clock,
        sources: Sources,
        reader: Option<SecretReader>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut secret_error = None;
        let starts_with_problems = function.spec().starts_with_problems;
        let (secret, sources) = match reader {
            None => (None, sources),
            Some(reader) => {
                let values = match reader.read().await {
                    Ok(values) => values,
                    Err(error) if starts_with_problems => {
                        secret_error = Some(error);
                        HashMap::new()
                    }
                    Err(error) => return Err(error.into()),
                };
                let times = Mutex::new(ReadTimes { last: clock.now(), early: [None; 2] });
                let secret = Secret { reader, environment: sources.clone(), times };
                (Some(secret), sources.with_secret(values))
            }
        };
        let inspected = InspectedSettings::of(function, &sources).add_secret_error(secret_error);
        if !inspected.problems.is_empty() && !starts_with_problems {
            return Err(SettingProblems::clone(&inspected.problems).into());
        }
        Ok(Self { function, clock, current: RwLock::new(Arc::new(inspected)), secret })
    }

    /// Logs the problems that the function has started with.
    pub fn log_problems(&self) {
        let inspected = self.inspected();
        if let Some(error) = &inspected.secret_error {
            tracing::error!(%error, "the function starts without its secret");
        }
        let problems = &inspected.problems;
        if !problems.is_empty() {
            tracing::error!(%problems, "the function starts with problems");
        }
    }

    /// Reads the secret now, for work that needs the newest settings.
    ///
    /// # Errors
    /// If the secret cannot be read. The settings then stay the same.
    pub async fn reload(&self) -> Result<(), SecretError> {
        let Some(secret) = &self.secret else { return Ok(()) };
        let mut times = secret.times.lock().await;
        self.read(secret, &mut times).await
    }

    fn inspected(&self) -> Arc<InspectedSettings> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The current settings.
    #[must_use]
    pub fn current(&self) -> Arc<Settings> {
        Arc::clone(&self.inspected().settings)
    }

    /// The problems of the current settings; empty in every function but health and migrate.
    #[must_use]
    pub fn problems(&self) -> Arc<SettingProblems> {
        Arc::clone(&self.inspected().problems)
    }

    /// Reads the secret again if `SECRET_CACHE_SECONDS` have passed. If another request is reading it, or the read
    /// fails or takes more than a second, the request continues with the previous settings.
    pub async fn keep_fresh(&self) {
        let Some(secret) = &self.secret else { return };
        let Ok(mut times) = secret.times.try_lock() else { return };
        let (now, ttl) = (self.clock.now(), self.current().secret_ttl);
        if now.duration_since(times.last) >= ttl
            && timeout(SCHEDULED_READ_TIMEOUT, self.try_read(secret, &mut times)).await.is_err()
        {
            tracing::warn!("Secrets Manager is slow; keeping the previous settings");
            times.last = now - ttl + SLOW_RETRY_INTERVAL;
        }
    }

    /// Reads the secret again because of `reason`, at most once a minute for each reason. Check the settings afterwards
    /// even if this call was too early to read them: another request may just have done so.
    pub async fn reread(&self, reason: RereadReason) {
        let Some(secret) = &self.secret else { return };
        let mut times = secret.times.lock().await;
        let now = self.clock.now();
        let last = &mut times.early[reason as usize];
        if last.is_some_and(|last| now.duration_since(last) < MIN_EARLY_INTERVAL) {
            return;
        }
        *last = Some(now);
        self.try_read(secret, &mut times).await;
    }

    async fn try_read(&self, secret: &Secret, times: &mut ReadTimes) {
        if let Err(error) = self.read(secret, times).await {
            tracing::error!(%error, "the secret could not be read again; keeping the previous settings");
        }
    }

    async fn read(&self, secret: &Secret, times: &mut ReadTimes) -> Result<(), SecretError> {
        times.last = self.clock.now();
        let values = secret.reader.read().await?;
        let mut inspected = InspectedSettings::of(self.function, &secret.environment.clone().with_secret(values));
        inspected.keep_tls_sessions_from(&self.current());
        if inspected.problems.is_empty() || self.function.spec().starts_with_problems {
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(inspected);
        } else {
            let problems = &inspected.problems;
            tracing::error!(%problems, "the new value of the secret has problems; keeping the previous settings");
        }
        Ok(())
    }
}

impl UrlSource for LiveSettings {
    fn url(&self) -> Option<DatabaseUrl> {
        self.current().database.clone()
    }

    fn is_current(&self, url: &DatabaseUrl) -> bool {
        self.current().database.as_ref() == Some(url)
    }

    fn reread(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.reread(RereadReason::Database))
    }
}

impl InspectedSettings {
    fn of(function: Function, sources: &Sources) -> Self {
        let (settings, problems) = Settings::inspect(function, sources);
        Self { settings: Arc::new(settings), problems: Arc::new(problems), secret_error: None }
    }

    /// Keeps the TLS sessions if the database has not changed.
    fn keep_tls_sessions_from(&mut self, previous: &Settings) {
        let settings = Arc::make_mut(&mut self.settings);
        if settings.database == previous.database {
            settings.database.clone_from(&previous.database);
        }
    }

    /// Adds the error of the secret, if there is one, to the problems; it explains the missing settings.
    fn add_secret_error(mut self, secret_error: Option<SecretError>) -> Self {
        if secret_error.is_none() {
            return self;
        }
        let problem = SettingProblem {
            name: Sources::SECRET_ARN,
            expected: "the name of a secret that this function may read and that is a JSON object".to_owned(),
            found_in: Some(Source::Environment),
        };
        let report = SettingReport {
            name: Sources::SECRET_ARN,
            set: true,
            source: problem.found_in,
            required: false,
            problem: Some(format!("expected {}", problem.expected)),
        };
        let mut settings = Settings::clone(&self.settings);
        settings.report.insert(0, report);
        let mut problems = SettingProblems::clone(&self.problems);
        problems.list.insert(0, problem);
        (self.settings, self.problems) = (Arc::new(settings), Arc::new(problems));
        self.secret_error = secret_error;
        self
    }
}
