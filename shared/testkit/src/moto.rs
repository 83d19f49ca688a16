//! A moto server, which emulates Secrets Manager and other AWS services for the real SDK.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_secretsmanager::config::Credentials;
use local::service::{Service, StopSignal, free_port, listens};
use serde_json::Value;

use crate::program;

/// A running moto server.
#[derive(Debug)]
pub struct Moto {
    _service: Service,
    _folder: tempfile::TempDir,
    /// The URL of the server.
    pub url: String,
}

impl Moto {
    /// Starts a moto server.
    ///
    /// # Panics
    /// If moto is missing or does not start: a test never skips.
    #[must_use]
    pub fn start() -> Self {
        let port = free_port(None).unwrap_or_else(|error| panic!("{error}"));
        let folder = tempfile::tempdir().expect("a temporary folder can be created");
        let log = folder.path().join("log");
        let mut command = Command::new(program(&local::tools::MOTO));
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        let service = Service::start("moto", &mut command, StopSignal::Terminate, Some(&log));
        let mut service = service.unwrap_or_else(|error| panic!("{error}"));
        let ready = service.wait_until(Duration::from_secs(60), Some(&log), || listens(port));
        ready.unwrap_or_else(|error| panic!("{error}"));
        Self { _service: service, _folder: folder, url: format!("http://127.0.0.1:{port}") }
    }

    /// The SDK configuration that calls this server.
    pub async fn sdk(&self) -> SdkConfig {
        aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .endpoint_url(&self.url)
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .load()
            .await
    }

    /// Calls a service whose requests are forms and whose responses are XML.
    ///
    /// # Panics
    /// If moto returns no success.
    pub async fn form(&self, service: &str, parameters: &[(&str, &str)]) -> String {
        let request = reqwest::Client::new().post(&self.url).form(parameters);
        self.send(service, request).await
    }

    /// Calls a service with REST paths.
    ///
    /// # Panics
    /// If moto returns no success.
    pub async fn get(&self, service: &str, path: &str) -> String {
        self.send(service, reqwest::Client::new().get(format!("{}{path}", self.url))).await
    }

    /// Calls a service whose requests and responses are JSON.
    ///
    /// # Panics
    /// If moto returns no success.
    pub async fn json(&self, service: &str, target: &str, body: &Value) -> Value {
        let request = reqwest::Client::new().post(&self.url).header("x-amz-target", target).json(body);
        serde_json::from_str(&self.send(service, request).await).expect("the response is JSON")
    }

    async fn send(&self, service: &str, request: reqwest::RequestBuilder) -> String {
        // moto finds the service in the credential scope, and does not check the signature.
        let scope = format!("test/20260101/eu-central-1/{service}/aws4_request");
        let authorization = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none");
        let response = request.header("authorization", authorization).send().await.expect("moto responds");
        let (status, text) = (response.status(), response.text().await.expect("the body arrives"));
        assert!(status.is_success(), "{service}: {status} {text}");
        text
    }

    /// Creates a secret and returns its ARN.
    ///
    /// # Panics
    /// If moto returns an error.
    pub async fn create_secret(&self, name: &str, values: &Value) -> String {
        let client = aws_sdk_secretsmanager::Client::new(&self.sdk().await);
        let created = client.create_secret().name(name).secret_string(values.to_string()).send().await;
        created.expect("moto creates secrets").arn().expect("a secret has an ARN").to_owned()
    }

    /// Creates a secret without a value and returns its ARN.
    ///
    /// # Panics
    /// If moto returns an error.
    pub async fn create_empty_secret(&self, name: &str) -> String {
        let client = aws_sdk_secretsmanager::Client::new(&self.sdk().await);
        let created = client.create_secret().name(name).send().await;
        created.expect("moto creates secrets").arn().expect("a secret has an ARN").to_owned()
    }

    /// The environment variables with which a function reads the secret `arn` from this server.
    #[must_use]
    pub fn environment(&self, arn: &str) -> BTreeMap<String, String> {
        let settings = [
            ("APP_SECRET_ARN", arn),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &self.url),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "eu-central-1"),
        ];
        settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// Changes the value of a secret.
    ///
    /// # Panics
    /// If moto returns an error.
    pub async fn put_secret(&self, arn: &str, values: &Value) {
        let client = aws_sdk_secretsmanager::Client::new(&self.sdk().await);
        let put = client.put_secret_value().secret_id(arn).secret_string(values.to_string()).send().await;
        put.expect("moto updates secrets");
    }
}
