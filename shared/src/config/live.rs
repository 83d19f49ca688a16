//! The settings in force, which change when the secret behind them does.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::{Function, Problems, SecretReader, Settings, Sources};
use crate::clock::Clock;

/// Settings that can be read again while the function runs.
#[derive(Debug)]
pub struct Live {
    function: Function,
    clock: Clock,
    current: RwLock<Arc<Settings>>,
    problems: Problems,
    secret: Option<Secret>,
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
    out_of_turn: Option<Timestamp>,
}

/// The shortest time between two readings out of turn, so that forged key ids cost nothing.
const OUT_OF_TURN: SignedDuration = SignedDuration::from_secs(60);

impl Live {
    /// Reads the settings of `function`, with its secret if the environment names one.
    ///
    /// # Errors
    /// If the secret cannot be read, or with everything that is wrong with the settings. The health function
    /// starts all the same, to say so.
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
        let (secret, sources) = match reader {
            None => (None, sources),
            Some(reader) => {
                let values = reader.read().await?;
                let asked = Mutex::new(Asked { at: clock.now(), out_of_turn: None });
                let secret = Secret { reader, environment: sources.clone(), asked };
                (Some(secret), sources.with_secret(values))
            }
        };
        let (settings, problems) = Settings::inspect(function, &sources);
        if !problems.is_empty() && function != Function::Health {
            return Err(problems.into());
        }
        Ok(Self { function, clock, current: RwLock::new(Arc::new(settings)), problems, secret })
    }

    /// The settings as they are now.
    #[must_use]
    pub fn current(&self) -> Arc<Settings> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was wrong at the start; empty in every function but health.
    #[must_use]
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// Reads the secret again if its time has come. A failure is logged and the old settings stay.
    pub async fn keep_fresh(&self) {
        let Some(secret) = &self.secret else { return };
        let mut asked = secret.asked.lock().await;
        if self.clock.now().duration_since(asked.at) >= self.current().secret_ttl {
            self.ask(secret, &mut asked).await;
        }
    }

    /// Reads the secret again because something did not fit it: an unknown key id, a refused password.
    /// Happens at most once a minute; answers whether the settings were read.
    pub async fn reread(&self) -> bool {
        let Some(secret) = &self.secret else { return false };
        let mut asked = secret.asked.lock().await;
        let now = self.clock.now();
        if asked.out_of_turn.is_some_and(|last| now.duration_since(last) < OUT_OF_TURN) {
            return false;
        }
        asked.out_of_turn = Some(now);
        self.ask(secret, &mut asked).await
    }

    async fn ask(&self, secret: &Secret, asked: &mut Asked) -> bool {
        asked.at = self.clock.now();
        let values = match secret.reader.read().await {
            Ok(values) => values,
            Err(error) => {
                tracing::error!(%error, "the secret could not be read again; the settings stay as they are");
                return false;
            }
        };
        match Settings::read(self.function, &secret.environment.clone().with_secret(values)) {
            Ok(settings) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
                true
            }
            Err(problems) => {
                tracing::error!(%problems, "the secret changed to something unusable; the settings stay as they are");
                false
            }
        }
    }
}
