//! The Runtime API of AWS Lambda, for functions that run on this machine: it hands out invocations and collects
//! their results. The caller decides which instance gets which invocation.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};

/// The response of a function, or the error that it reported.
pub type Outcome = Result<Bytes, Bytes>;

/// An event for a function.
#[derive(Debug)]
pub struct Invocation {
    /// The Lambda request id.
    pub id: String,
    /// The event, in JSON.
    pub event: Bytes,
    /// When Lambda would end the invocation, in milliseconds since 1970.
    pub deadline: i64,
    /// The trace header, as in `Root=…;Parent=…;Sampled=1`.
    pub trace: String,
    /// Receives the outcome. It is dropped if the Runtime API ends first.
    pub outcome: oneshot::Sender<Outcome>,
}

/// The Runtime API of one instance. It ends when this is dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    /// Host and port, for `AWS_LAMBDA_RUNTIME_API`.
    pub address: String,
    serving: AbortHandle,
}

/// Where to send the outcomes of pending invocations, by request id.
type Outcomes = Arc<Mutex<HashMap<String, oneshot::Sender<Outcome>>>>;

impl RuntimeApi {
    /// Listens on a free port. `next` is called whenever the instance asks for work. It resolves to the next
    /// invocation, or to `None` if there are no more.
    pub async fn start<F>(next: impl Fn() -> F + Clone + Send + Sync + 'static) -> io::Result<Self>
    where
        F: Future<Output = Option<Invocation>> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?.to_string();
        let serving = tokio::spawn(serve(listener, next, Outcomes::default())).abort_handle();
        Ok(Self { address, serving })
    }

    /// The environment variables that Lambda sets for a function.
    #[must_use]
    pub fn environment<'a>(
        &'a self,
        function: &'a str,
        version: &'a str,
        memory_mib: &'a str,
    ) -> [(&'static str, &'a str); 7] {
        [
            ("AWS_LAMBDA_RUNTIME_API", &self.address),
            ("AWS_LAMBDA_FUNCTION_NAME", function),
            ("AWS_LAMBDA_FUNCTION_VERSION", version),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_mib),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/local"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ]
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn locked(pending: &Outcomes) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Outcome>>> {
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve<F>(listener: TcpListener, next: impl Fn() -> F + Clone + Send + Sync + 'static, pending: Outcomes)
where
    F: Future<Output = Option<Invocation>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        let stream = accept(&listener).await;
        let (next, pending) = (next.clone(), Arc::clone(&pending));
        let service = service_fn(move |request| {
            let (next, pending) = (next.clone(), Arc::clone(&pending));
            async move { Ok::<_, Infallible>(respond(request, next, &pending).await) }
        });
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        while connections.try_join_next().is_some() {}
    }
}

/// Accepts the next connection. It sends small writes at once (`TCP_NODELAY`), or latencies would be wrong.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            return stream;
        }
        // All file descriptors are in use; one will be free soon.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn respond<F>(request: Request<Incoming>, next: impl Fn() -> F, pending: &Outcomes) -> Response<Full<Bytes>>
where
    F: Future<Output = Option<Invocation>>,
{
    let path = request.uri().path().strip_prefix("/2018-06-01/runtime/invocation/").unwrap_or_default().to_owned();
    match (request.method(), path.rsplit_once('/')) {
        (&Method::GET, None) if path == "next" => match next().await {
            Some(invocation) => hand_out(invocation, pending),
            None => status(StatusCode::GONE),
        },
        (&Method::POST, Some((id, result @ ("response" | "error")))) => {
            let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            let Some(outcome) = locked(pending).remove(id) else { return status(StatusCode::BAD_REQUEST) };
            // The caller may have stopped waiting.
            let _ = outcome.send(if result == "response" { Ok(body) } else { Err(body) });
            status(StatusCode::ACCEPTED)
        }
        _ => status(StatusCode::NOT_FOUND),
    }
}

fn hand_out(invocation: Invocation, pending: &Outcomes) -> Response<Full<Bytes>> {
    let Invocation { id, event, deadline, trace, outcome } = invocation;
    let response = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", &id)
        .header("lambda-runtime-deadline-ms", deadline)
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:local:live")
        .header("lambda-runtime-trace-id", trace)
        .body(Full::new(event));
    locked(pending).insert(id, outcome);
    response.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
