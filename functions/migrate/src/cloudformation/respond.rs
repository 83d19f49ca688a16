//! Sends the response to the URL in the request from CloudFormation, which is a presigned URL of S3.

use std::time::Duration;

use aws_lambda_events::cloudformation::CloudFormationCustomResourceResponse as Response;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::time::{Instant, sleep, timeout, timeout_at};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How long one try may take.
const TRY_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause after the first try; it doubles after each try, up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(4);

/// How long to keep trying. A URL that fails for so long will not recover.
const MAX_TIME: Duration = Duration::from_secs(120);

/// Sends the response, and tries again until `left` or two minutes are over.
///
/// # Errors
/// The error of the last try. It leaves out the URL, which is a secret: it grants the right to respond.
pub(super) async fn put(url: &str, response: &Response, left: Duration) -> Result<(), BoxError> {
    let until = Instant::now() + left.min(MAX_TIME);
    let body = Bytes::from(serde_json::to_vec(response)?);
    let mut pause = FIRST_PAUSE;
    loop {
        let failed = match timeout_at(until, timeout(TRY_TIMEOUT, attempt(url, body.clone()))).await {
            Ok(Ok(Ok(()))) => return Ok(()),
            Ok(Ok(Err(error))) => error,
            Ok(Err(_)) | Err(_) => "no answer in time".into(),
        };
        if Instant::now() + pause >= until {
            return Err(format!("the response could not be sent to CloudFormation: {failed}").into());
        }
        tracing::warn!(error = %failed, "the response could not be sent to CloudFormation; trying again");
        sleep(pause).await;
        pause = (2 * pause).min(MAX_PAUSE);
    }
}

async fn attempt(url: &str, body: Bytes) -> Result<(), BoxError> {
    // The URL is signed for a request without a content type, so there must be none.
    let request = Request::builder()
        .method(Method::PUT)
        .uri(url)
        .body(Full::new(body))
        .map_err(|_| "the URL for the response is not valid")?;
    let connector =
        hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
    let response = Client::builder(TokioExecutor::new()).build(connector).request(request).await;
    let response = response.map_err(|error| shared::error::describe_error(&error))?;
    if response.status().is_success() { Ok(()) } else { Err(format!("the URL returned {}", response.status()).into()) }
}
