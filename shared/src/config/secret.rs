//! Reads the secret of a function from AWS Secrets Manager.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::error::{DisplayErrorContext, SdkError};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;

/// Why a secret could not be read. Never contains its value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The secret exists, but has no value yet.
    #[error("the secret named by APP_SECRET_ARN has no value yet (`cargo xtask secrets fill` puts one in)")]
    NoValue,
    /// Secrets Manager refused, or did not answer.
    #[error("the secret named by APP_SECRET_ARN cannot be read: {0}")]
    Unreadable(String),
    /// The value is not a JSON object.
    #[error("the secret named by APP_SECRET_ARN is not a JSON object of settings")]
    NotAnObject,
}

/// Describes an error without the raw response, which may contain the secret.
fn describe(error: &SdkError<GetSecretValueError>) -> String {
    match error {
        SdkError::ServiceError(refused) => {
            let meta = refused.err().meta();
            format!("{}: {}", meta.code().unwrap_or("refused"), meta.message().unwrap_or("without a message"))
        }
        SdkError::ResponseError(_) => "the response is malformed".to_owned(),
        other => DisplayErrorContext(other).to_string(),
    }
}

/// Whether the secret exists without a value. The error code is the same for a secret that does not exist.
fn lacks_value(error: &GetSecretValueError) -> bool {
    error.is_resource_not_found_exception()
        && error.meta().message().is_some_and(|message| message.contains("staging label"))
}

/// Reads one secret; cheap to clone.
#[derive(Clone, Debug)]
pub struct SecretReader {
    client: aws_sdk_secretsmanager::Client,
    arn: String,
}

impl SecretReader {
    /// A reader for the secret `arn`, with credentials and region from the environment. A read takes up to 8 s.
    pub async fn new(arn: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(Duration::from_secs(3))
            .operation_timeout(Duration::from_secs(8))
            .build();
        let aws = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).load().await;
        Self::with_config(&aws, arn)
    }

    /// A reader for the secret `arn`, with the credentials and the region of `aws`.
    #[must_use]
    pub fn with_config(aws: &aws_config::SdkConfig, arn: &str) -> Self {
        Self { client: aws_sdk_secretsmanager::Client::new(aws), arn: arn.to_owned() }
    }

    /// Reads the settings in the secret. A value that is not a string is kept as JSON text.
    ///
    /// # Errors
    /// See [`SecretError`].
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
