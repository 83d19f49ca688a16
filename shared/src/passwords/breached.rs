//! Asks a service whether a password was in a breach. The service learns only the first five hexadecimal digits of the
//! SHA-1 of the password, and returns all known digests that start with them (k-anonymity, as at
//! haveibeenpwned.com).

use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use http::{Request, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::domain::Password;

/// How long the check may take before it is skipped.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The largest response that is read, in bytes; a usual one has about 40 KiB.
const MAX_RESPONSE: usize = 512 * 1024;

/// Asks the service at `url`, for at most 1 s. Fails open: on a timeout, an error or a malformed response, the password
/// counts as not breached.
pub async fn is_breached(url: &Uri, password: &Password) -> bool {
    match tokio::time::timeout(TIMEOUT, ask(url, password)).await {
        Ok(Ok(known)) => known,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the check for breached passwords failed; the password is accepted without it");
            false
        }
        Err(_) => {
            tracing::warn!("the check for breached passwords took too long; the password is accepted without it");
            false
        }
    }
}

async fn ask(url: &Uri, password: &Password) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let sum = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.expose());
    let hex: String = sum.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    let (prefix, suffix) = hex.split_at(5);
    let request = Request::get(format!("{url}{prefix}"))
        // Pads responses to one size, so that an eavesdropper cannot recognise the range.
        .header("add-padding", "true")
        .header("user-agent", "todo-backend")
        .body(Empty::<bytes::Bytes>::new())?;
    let connector =
        hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
    let response = Client::builder(TokioExecutor::new()).build(connector).request(request).await?;
    if !response.status().is_success() {
        return Err(format!("the service responded with {}", response.status()).into());
    }
    let body = Limited::new(response.into_body(), MAX_RESPONSE).collect().await?.to_bytes();
    let text = std::str::from_utf8(&body)?;
    // Padding entries have the count 0.
    let known = |line: &str| {
        line.trim().split_once(':').is_some_and(|(rest, count)| rest.eq_ignore_ascii_case(suffix) && count != "0")
    };
    Ok(text.lines().any(known))
}
