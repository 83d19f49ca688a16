//! The settings in force, which change when the secret behind them does.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{Finding, Function, Problem, Problems, SecretError, SecretReader, Settings, Source, Sources};
use crate::clock::Clock;

/// Settings that can be read again while the function runs.
#[derive(Debug)]
pub struct Live {
    function: Function,
    clock: Clock,
    current: RwLock<Arc<Inspected>>,
    secret: Option<Secret>,
}

/// Settings, and what is wrong with them; only health and migrate go on with problems, to tell them.
#[derive(Debug)]
struct Inspected {
    settings: Arc<Settings>,
    problems: Arc<Problems>,
    /// Why the secret could not be read. For the log: it may name the account.
    unread: Option<SecretError>,
}

#[derive(Debug)]
struct Secret {
    reader: SecretReader,
    environment: Sources,
    /// When the secret was last asked for, and last asked for out of turn. Held while asking, so that
    /// concurrent requests ask once.
    asked: Mutex<Asked>,
}

#[derive(Debug)]
struct Asked {
    at: Timestamp,
    /// By reason, so that forged tokens cannot use up what a rotated password needs.
    out_of_turn: [Option<Timestamp>; 2],
}

/// Why a secret may have changed before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// A token names a key we do not know.
    Key,
    /// The database does not accept our password.
    Database,
}

/// The shortest time between two readings out of turn, so that forged key ids cost nothing.
const OUT_OF_TURN: SignedDuration = SignedDuration::from_secs(60);

/// When to try again after Secrets Manager was slow.
const SOON: SignedDuration = SignedDuration::from_secs(15);

/// How long a request waits for the secret to be read again in turn; it has settings to go on with.
const IN_TURN_PATIENCE: Duration = Duration::from_secs(1);

impl Live {
    /// Reads the settings of `function`, with its secret if the environment names one.
    ///
    /// # Errors
    /// If the secret cannot be read, or with everything that is wrong with the settings. Health and migrate start
    /// all the same, to say so.
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

    /// As [`Live::load`], with the reader of the secret given.
    ///
    /// # Errors
    /// As [`Live::load`].
    pub async fn load_with(
        function: Function,
        clock: Clock,
        sources: Sources,
        reader: Option<SecretReader>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut unread = None;
        let lenient = function.row().starts_with_problems;
        let (secret, sources) = match reader {
            None => (None, sources),
            Some(reader) => {
                let values = match reader.read().await {
                    Ok(values) => values,
                    Err(error) if lenient => {
                        unread = Some(error);
                        HashMap::new()
                    }
                    Err(error) => return Err(error.into()),
                };
                let asked = Mutex::new(Asked { at: clock.now(), out_of_turn: [None; 2] });
                let secret = Secret { reader, environment: sources.clone(), asked };
                (Some(secret), sources.with_secret(values))
            }
        };
        let inspected = Inspected::of(function, &sources).without_secret(unread);
        if !inspected.problems.is_empty() && !lenient {
            return Err(Problems::clone(&inspected.problems).into());
        }
        Ok(Self { function, clock, current: RwLock::new(Arc::new(inspected)), secret })
    }

    /// Says in the log what the function has started in spite of.
    pub fn log_problems(&self) {
        let inspected = self.inspected();
        if let Some(error) = &inspected.unread {
            tracing::error!(%error, "the function starts without its secret");
        }
        let problems = &inspected.problems;
        if !problems.is_empty() {
            tracing::error!(%problems, "the function starts with problems");
        }
    }

    /// Reads the secret now, for work that must not be done with the settings of a while ago.
    ///
    /// # Errors
    /// If it cannot be read; the settings stay as they are then.
    pub async fn reload(&self) -> Result<(), SecretError> {
        let Some(secret) = &self.secret else { return Ok(()) };
        let mut asked = secret.asked.lock().await;
        self.read(secret, &mut asked).await
    }

    fn inspected(&self) -> Arc<Inspected> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The settings as they are now.
    #[must_use]
    pub fn current(&self) -> Arc<Settings> {
        Arc::clone(&self.inspected().settings)
    }

    /// What is wrong with the settings; empty in every function but health and migrate.
    #[must_use]
    pub fn problems(&self) -> Arc<Problems> {
        Arc::clone(&self.inspected().problems)
    }

    /// Reads the secret again if its time has come. Who finds another request doing so goes on with the old
    /// settings, as does everybody if it fails or takes more than a second.
    pub async fn keep_fresh(&self) {
        let Some(secret) = &self.secret else { return };
        let Ok(mut asked) = secret.asked.try_lock() else { return };
        let (now, every) = (self.clock.now(), self.current().secret_ttl);
        if now.duration_since(asked.at) >= every
            && timeout(IN_TURN_PATIENCE, self.ask(secret, &mut asked)).await.is_err()
        {
            tracing::warn!("Secrets Manager is slow; the settings stay as they are for now");
            asked.at = now - every + SOON;
        }
    }

    /// Reads the secret again because something did not fit it, at most once a minute for each reason. Look
    /// at the settings afterwards: another request may just have read them.
    pub async fn reread(&self, reason: Mismatch) {
        let Some(secret) = &self.secret else { return };
        let mut asked = secret.asked.lock().await;
        let now = self.clock.now();
        let last = &mut asked.out_of_turn[reason as usize];
        if last.is_some_and(|last| now.duration_since(last) < OUT_OF_TURN) {
            return;
        }
        *last = Some(now);
        self.ask(secret, &mut asked).await;
    }

    async fn ask(&self, secret: &Secret, asked: &mut Asked) {
        if let Err(error) = self.read(secret, asked).await {
            tracing::error!(%error, "the secret could not be read again; the settings stay as they are");
        }
    }

    async fn read(&self, secret: &Secret, asked: &mut Asked) -> Result<(), SecretError> {
        asked.at = self.clock.now();
        let values = secret.reader.read().await?;
        let mut inspected = Inspected::of(self.function, &secret.environment.clone().with_secret(values));
        inspected.keep_sessions_of(&self.current());
        if inspected.problems.is_empty() || self.function.row().starts_with_problems {
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(inspected);
        } else {
            let problems = &inspected.problems;
            tracing::error!(%problems, "the secret changed to something unusable; the settings stay as they are");
        }
        Ok(())
    }
}

impl Inspected {
    fn of(function: Function, sources: &Sources) -> Self {
        let (settings, problems) = Settings::inspect(function, sources);
        Self { settings: Arc::new(settings), problems: Arc::new(problems), unread: None }
    }

    /// Goes on with the TLS sessions of a database that is still the same.
    fn keep_sessions_of(&mut self, before: &Settings) {
        let settings = Arc::make_mut(&mut self.settings);
        if settings.database == before.database {
            settings.database.clone_from(&before.database);
        }
    }

    /// Adds the problem that explains the others, if there is one.
    fn without_secret(mut self, unread: Option<SecretError>) -> Self {
        if unread.is_none() {
            return self;
        }
        let problem = Problem {
            name: Sources::SECRET_ARN,
            expected: "the name of a secret that this function may read and that is a JSON object".to_owned(),
            found_in: Some(Source::Environment),
        };
        let finding = Finding {
            name: Sources::SECRET_ARN,
            set: true,
            source: problem.found_in,
            required: false,
            problem: Some(format!("expected {}", problem.expected)),
        };
        let mut settings = Settings::clone(&self.settings);
        settings.report.insert(0, finding);
        let mut problems = Problems::clone(&self.problems);
        problems.list.insert(0, problem);
        (self.settings, self.problems) = (Arc::new(settings), Arc::new(problems));
        self.unread = unread;
        self
    }
}
