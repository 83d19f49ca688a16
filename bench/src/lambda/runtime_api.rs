//! The Runtime API of one instance: hands out events, takes answers. Small writes go out at once.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{SetOnce, oneshot};
use tokio::task::{AbortHandle, JoinSet};

use super::Instance;
use super::fleet::{Fleet, Job};
use crate::Result;

/// What a function made of an event, or the error it reported.
pub(super) type Outcome = std::result::Result<Bytes, Bytes>;

/// The API of one instance, until it is dropped.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    pub(super) address: String,
    running: Arc<Running>,
    serving: AbortHandle,
}

/// The invocations it has handed out, by request id.
type Running = Mutex<HashMap<String, oneshot::Sender<Outcome>>>;

impl RuntimeApi {
    /// Serves an instance of `fleet`, which is set as soon as its process is started.
    pub(super) async fn start(fleet: Weak<Fleet>, instance: Arc<SetOnce<Arc<Instance>>>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?.to_string();
        let running: Arc<Running> = Arc::default();
        let asking = Asking { fleet, instance, running: Arc::clone(&running) };
        let serving = tokio::spawn(serve(listener, asking)).abort_handle();
        Ok(Self { address, running, serving })
    }

    /// Gives up what is running: who waits for it sees that the instance has ended.
    pub(super) fn abandon(&self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The next connection, with Nagle's algorithm off. Without a descriptor left, one will be free soon.
pub(super) async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Who asks.
#[derive(Clone, Debug)]
struct Asking {
    fleet: Weak<Fleet>,
    instance: Arc<SetOnce<Arc<Instance>>>,
    running: Arc<Running>,
}

async fn serve(listener: TcpListener, asking: Asking) {
    let mut connections = JoinSet::new();
    loop {
        let stream = accept(&listener).await;
        let asking = asking.clone();
        let service = service_fn(move |request| answer(request, asking.clone()));
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(request: Request<Incoming>, asking: Asking) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let Asking { fleet, instance, running } = asking;
    let path = request.uri().path().strip_prefix("/2018-06-01/runtime/invocation/").unwrap_or_default().to_owned();
    let response = match (request.method(), path.rsplit_once('/')) {
        (&Method::GET, _) if path == "next" => {
            // A quick process asks before its starter has noted it.
            let instance = instance.wait().await;
            let Some(job) = fleet.upgrade().map(|fleet| fleet.poll(instance)) else {
                return Ok(status(StatusCode::GONE));
            };
            match (job.await, fleet.upgrade()) {
                (Ok(job), Some(fleet)) => hand_out(job, fleet.deadline(), &running),
                _ => status(StatusCode::GONE),
            }
        }
        (&Method::POST, Some((id, what))) => {
            let (id, failed) = (id.to_owned(), what == "error");
            let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            let sender = running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            match sender {
                Some(sender) => {
                    // Who asked may have gone.
                    let _ = sender.send(if failed { Err(body) } else { Ok(body) });
                    status(StatusCode::ACCEPTED)
                }
                None => status(StatusCode::BAD_REQUEST),
            }
        }
        _ => status(StatusCode::NOT_FOUND),
    };
    Ok(response)
}

fn hand_out(job: Job, deadline: i64, running: &Running) -> Response<Full<Bytes>> {
    let Job { id, event, done, taken } = job;
    let _ = taken.send(Instant::now());
    let response = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", id.as_str())
        .header("lambda-runtime-deadline-ms", deadline)
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:bench:live")
        .header("lambda-runtime-trace-id", "Root=1-67891233-abcdef012345678912345678;Parent=1234567890abcdef;Sampled=0")
        .body(Full::new(event));
    running.lock().unwrap_or_else(PoisonError::into_inner).insert(id, done);
    response.unwrap_or_else(|error| unreachable!("the headers are valid: {error}"))
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
