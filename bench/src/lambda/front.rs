//! API Gateway: HTTP in, events to the function whose route it is, HTTP out.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

use super::runtime_api::accept;
use super::{Answer, Call, Fleet};
use crate::Result;

/// How long the request waited for an instance, in microseconds; the load generator reads it.
pub(crate) const QUEUED: HeaderName = HeaderName::from_static("x-bench-queued");

/// Set if Lambda would have turned the request away.
pub(crate) const THROTTLED: HeaderName = HeaderName::from_static("x-bench-throttled");

/// The address the client claims; this front believes it.
pub(crate) const CLIENT: HeaderName = HeaderName::from_static("x-bench-client");

/// The fleets by the first segments of the paths they serve.
pub(crate) type Routes = BTreeMap<&'static str, Arc<Fleet>>;

/// A listening front, until it is dropped.
#[derive(Debug)]
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    serving: AbortHandle,
}

impl Front {
    pub(crate) async fn start(routes: Routes) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(serve(listener, Arc::new(routes))).abort_handle();
        Ok(Self { address, serving })
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, routes: Arc<Routes>) {
    let mut connections = JoinSet::new();
    loop {
        let stream = accept(&listener).await;
        let routes = Arc::clone(&routes);
        let service = service_fn(move |request| {
            let routes = Arc::clone(&routes);
            async move {
                let answer = pass_on(request, &routes).await;
                Ok::<_, Infallible>(answer.unwrap_or_else(|error| refusal(&error.to_string())))
            }
        });
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        while connections.try_join_next().is_some() {}
    }
}

async fn pass_on(request: Request<Incoming>, routes: &Routes) -> Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = parts.uri.path();
    let fleet = routes.iter().find(|(prefix, _)| path.starts_with(**prefix)).ok_or("no function serves this")?.1;
    let text = |name: &HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let call = Call {
        method: parts.method.as_str(),
        path,
        query: parts.uri.query().unwrap_or_default(),
        token: text(&AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ")),
        body: if body.is_empty() { None } else { Some(std::str::from_utf8(&body)?) },
        address: text(&CLIENT).unwrap_or("203.0.113.10"),
    };
    let invoked = fleet.invoke(call.event()?).await?;
    let answer = Answer::read(&invoked.payload)?;
    let mut headers = HeaderMap::with_capacity(answer.headers.len() + 1);
    for (name, value) in &answer.headers {
        headers.insert(HeaderName::try_from(name.as_ref())?, HeaderValue::try_from(value.as_ref())?);
    }
    headers.insert(QUEUED, HeaderValue::from(u64::try_from(invoked.queued.as_micros())?));
    if invoked.throttled {
        headers.insert(THROTTLED, HeaderValue::from_static("1"));
    }
    let body = answer.body.map_or_else(Bytes::new, |body| Bytes::from(body.into_owned()));
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(answer.status_code)?;
    *response.headers_mut() = headers;
    response.headers_mut().remove(http::header::CONTENT_LENGTH);
    Ok(response)
}

/// What API Gateway says when there is no answer: 503 if Lambda throttled, else 500.
fn refusal(error: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(error.to_owned())));
    let throttled = error == "throttled";
    *response.status_mut() =
        if throttled { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR };
    response
}
