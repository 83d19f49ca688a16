//! Whether a password is known from a breach, by asking for all digests that start like its own: the service
//! learns five hexadecimal digits of a SHA-1 (k-anonymity, as haveibeenpwned.com offers it).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use http::{Request, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::policy::BREACH_PATIENCE;
use crate::domain::Password;

/// The largest answer that is read; ranges have about 40 KiB.
const MAX_ANSWER: usize = 512 * 1024;

/// Asks the service at `url`. A service that is slow, down or unintelligible knows nothing.
pub async fn is_breached(url: &Uri, password: &Password) -> bool {
    match tokio::time::timeout(BREACH_PATIENCE, ask(url, password)).await {
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
        // Answers of one size tell an eavesdropper nothing.
        .header("add-padding", "true")
        .header("user-agent", "todo-backend")
        .body(Empty::<bytes::Bytes>::new())?;
    let connector =
        hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
    let answer = Client::builder(TokioExecutor::new()).build(connector).request(request).await?;
    if !answer.status().is_success() {
        return Err(format!("the service answers {}", answer.status()).into());
    }
    let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await?.to_bytes();
    let text = std::str::from_utf8(&body)?;
    // Padding has the count 0.
    let known = |line: &str| {
        line.trim().split_once(':').is_some_and(|(rest, count)| rest.eq_ignore_ascii_case(suffix) && count != "0")
    };
    Ok(text.lines().any(known))
}
