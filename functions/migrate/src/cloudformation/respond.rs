//! The answer, at the URL that CloudFormation gave: an object of S3, which must be put before the time is over.

use std::time::Duration;

use aws_lambda_events::cloudformation::CloudFormationCustomResourceResponse as Response;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::time::{Instant, sleep, timeout, timeout_at};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long one try may take.
const ATTEMPT: Duration = Duration::from_secs(5);

/// The pause after the first try that failed; it doubles, up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(200);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// The longest that is tried at all: a URL that refuses for so long will not change its mind.
const LONGEST: Duration = Duration::from_secs(120);

/// Puts the answer, trying again until `left` is over, or two minutes.
///
/// # Errors
/// Of the last try. Without the URL, which is as good as a password.
pub(super) async fn put(url: &str, response: &Response, left: Duration) -> Result<(), Failure> {
    let until = Instant::now() + left.min(LONGEST);
    let body = Bytes::from(serde_json::to_vec(response)?);
    let mut pause = PAUSE;
    loop {
        let failed = match timeout_at(until, timeout(ATTEMPT, attempt(url, body.clone()))).await {
            Ok(Ok(Ok(()))) => return Ok(()),
            Ok(Ok(Err(error))) => error,
            Ok(Err(_)) | Err(_) => "no answer in time".into(),
        };
        if Instant::now() + pause >= until {
            return Err(format!("CloudFormation could not be told: {failed}").into());
        }
        tracing::warn!(error = %failed, "CloudFormation could not be told; trying again");
        sleep(pause).await;
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

async fn attempt(url: &str, body: Bytes) -> Result<(), Failure> {
    // The URL is signed for a request without a content type.
    let request =
        Request::builder().method(Method::PUT).uri(url).body(Full::new(body)).map_err(|_| "the URL is none")?;
    let connector =
        hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
    let answer = Client::builder(TokioExecutor::new()).build(connector).request(request).await;
    let answer = answer.map_err(|error| shared::error::line(&error))?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("the answer was {}", answer.status()).into()) }
}
