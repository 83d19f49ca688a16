//! Reads a function's secret from AWS Secrets Manager.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::error::{DisplayErrorContext, SdkError};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;

/// Why a secret could not be used. Never contains its value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It was made, and nobody has put a value into it.
    #[error("the secret named by APP_SECRET_ARN has no value yet (`cargo xtask secrets fill` puts one in)")]
    NoValue,
    /// Secrets Manager did not give it.
    #[error("the secret named by APP_SECRET_ARN cannot be read: {0}")]
    Unreadable(String),
    /// It is no JSON object.
    #[error("the secret named by APP_SECRET_ARN is not a JSON object of settings")]
    NotAnObject,
}

/// What went wrong, without the raw answer, which may hold the secret.
fn describe(error: &SdkError<GetSecretValueError>) -> String {
    match error {
        SdkError::ServiceError(refused) => {
            let meta = refused.err().meta();
            format!("{}: {}", meta.code().unwrap_or("refused"), meta.message().unwrap_or("without a message"))
        }
        SdkError::ResponseError(_) => "the answer cannot be understood".to_owned(),
        other => DisplayErrorContext(other).to_string(),
    }
}

/// Whether the secret itself was found. Its missing value has the same code as a missing secret.
fn lacks_value(error: &GetSecretValueError) -> bool {
    error.is_resource_not_found_exception()
        && error.meta().message().is_some_and(|message| message.contains("staging label"))
}

/// Reads one secret.
#[derive(Clone, Debug)]
pub struct SecretReader {
    client: aws_sdk_secretsmanager::Client,
    arn: String,
}

impl SecretReader {
    /// A reader for the secret `arn`, with credentials and region from the environment.
    pub async fn new(arn: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(Duration::from_secs(3))
            .operation_timeout(Duration::from_secs(8))
            .build();
        let aws = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).load().await;
        Self::with_config(&aws, arn)
    }

    /// A reader with credentials and region given.
    #[must_use]
    pub fn with_config(aws: &aws_config::SdkConfig, arn: &str) -> Self {
        Self { client: aws_sdk_secretsmanager::Client::new(aws), arn: arn.to_owned() }
    }

    /// The settings in the secret; values that are JSON themselves are kept as JSON text.
    ///
    /// # Errors
    /// If Secrets Manager refuses, does not answer, or holds no JSON object.
    pub async fn read(&self) -> Result<HashMap<String, String>, SecretError> {
        let answer = self.client.get_secret_value().secret_id(&self.arn).send().await;
        let answer = answer.map_err(|error| match &error {
            SdkError::ServiceError(refused) if lacks_value(refused.err()) => SecretError::NoValue,
            _ => SecretError::Unreadable(describe(&error)),
        })?;
        let text = answer.secret_string().ok_or(SecretError::NotAnObject)?;
        let values: HashMap<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|_| SecretError::NotAnObject)?;
        let text_of = |value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        Ok(values.into_iter().map(|(name, value)| (name, text_of(value))).collect())
    }
}
