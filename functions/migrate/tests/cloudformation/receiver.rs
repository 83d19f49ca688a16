//! A server in place of the S3 bucket where CloudFormation waits for responses.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::put;
use serde_json::Value;
use tokio::net::TcpListener;

/// The signature in the URL. Anyone who has it can answer, so it is a secret.
pub(crate) const SIGNATURE: &str = "0a1b2c3d4e5f-signature";

/// A running receiver.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    state: Arc<Mutex<ReceiverState>>,
}

#[derive(Debug, Default)]
struct ReceiverState {
    refusals: u32,
    answers: Vec<Value>,
}

impl Receiver {
    /// Starts a receiver that refuses the first `refusals` responses.
    pub(crate) async fn start(refusals: u32) -> Self {
        let state = Arc::new(Mutex::new(ReceiverState { refusals, ..ReceiverState::default() }));
        let bucket = Router::new().route("/answer%7Chere", put(receive)).with_state(Arc::clone(&state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, bucket).await });
        Self { url: format!("http://{address}/answer%7Chere?X-Amz-Signature={SIGNATURE}&X-Amz-Expires=7199"), state }
    }

    /// Removes the only response and returns it.
    pub(crate) fn answer(&self) -> Value {
        let mut answers = std::mem::take(&mut self.state.lock().unwrap().answers);
        assert_eq!(answers.len(), 1, "{answers:?}");
        answers.remove(0)
    }
}

async fn receive(
    State(state): State<Arc<Mutex<ReceiverState>>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    let mut state = state.lock().unwrap();
    if state.refusals > 0 {
        state.refusals -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    // S3 checks the signature over these.
    let signed = uri.query().is_some_and(|query| query.contains(SIGNATURE)) && !headers.contains_key("content-type");
    if !signed || !headers.contains_key("content-length") {
        return StatusCode::FORBIDDEN;
    }
    assert!(body.len() <= 4096, "CloudFormation reads at most 4096 bytes");
    state.answers.push(serde_json::from_str(&body).unwrap());
    StatusCode::OK
}
