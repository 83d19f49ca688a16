//! The layers around every function, outermost first: request id, log line and rendering of errors; CORS; security
//! headers; panics; body limit. Every response passes the first three, so that browsers can read all responses.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
    IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, ORIGIN, REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Method};
use http_body::Body as _;
use lambda_runtime::Context;
use tokio::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowCredentials, AllowOrigin, CorsLayer};

use super::event::{Gateway, MalformedRequest};
use super::request_id::{self, RequestId};
use super::request_log::RequestLog;
use super::trace::{self, Trace};
use super::{prefer, problem};
use crate::deadline;
use crate::error::{ApiError, Code, panic_message};
use crate::metrics::millis;
use crate::state::App;

/// The largest body of a request in bytes.
pub const MAX_BODY: u64 = 256 * 1024;

/// Wraps the routes of a function in the layers.
pub fn stack(router: Router<App>, app: App) -> Router {
    router
        .fallback(|| async { ApiError::of(Code::RouteNotFound) })
        .method_not_allowed_fallback(|| async { ApiError::of(Code::MethodNotAllowed) })
        .layer(DefaultBodyLimit::max(usize::try_from(MAX_BODY).unwrap_or(usize::MAX)))
        .layer(middleware::from_fn(refuse_malformed))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::map_response(security_headers))
        .layer(cors(&app))
        .layer(middleware::from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

/// Gives the request an id and a deadline, renders its error, and writes its log line.
async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    let line = RequestLog {
        method: request.method().clone(),
        route: request.extensions().get::<MatchedPath>().cloned(),
        xray_trace: xray_trace(&request),
        trace: Trace::of(request.headers(), id.own()),
        gateway_request_id: request.extensions().get::<Gateway>().and_then(|gateway| gateway.request_id.clone()),
    };
    let left = time_left(&app, &request);
    let strict = prefer::is_strict(request.headers());
    // The liveness check must not depend on Secrets Manager.
    let is_liveness_check = request.uri().path() == "/health";
    deadline::run_with_deadline(left, async {
        if !is_liveness_check {
            app.live.keep_fresh().await;
        }
        let response = next.run(request).await;
        let mut response = problem::render(response, &id);
        let (total, database) = (started.elapsed(), deadline::database_time());
        line.write(&app.metrics, &id, &response, (total, database));
        if line.method == Method::HEAD {
            // The length that `GET` would have, without the body (RFC 9110 §9.3.2).
            let length = response.body().size_hint().exact();
            if let Some(length) = length.filter(|length| *length > 0) {
                response.headers_mut().insert(CONTENT_LENGTH, length.into());
            }
            *response.body_mut() = Body::empty();
        }
        let headers = response.headers_mut();
        headers.insert(request_id::HEADER, id.header());
        if let Some(trace) = line.trace.as_ref().and_then(Trace::header) {
            headers.insert(trace::HEADER, trace);
        }
        if strict {
            headers.insert(prefer::APPLIED, HeaderValue::from_static(prefer::STRICT));
        }
        // Only for authenticated callers: timings could reveal to others which accounts exist.
        if deadline::is_authenticated() {
            let timing = format!("db;dur={}, app;dur={}", millis(database), millis(total.saturating_sub(database)));
            if let Ok(timing) = HeaderValue::try_from(timing) {
                headers.insert("server-timing", timing);
            }
        }
        response
    })
    .await
}

/// The trace id in X-Ray: from the Lambda context, otherwise from the header, which the client may have written.
fn xray_trace(request: &Request) -> Option<String> {
    let context = request.extensions().get::<Context>();
    let header = request.headers().get("x-amzn-trace-id").and_then(|value| value.to_str().ok());
    let trace = context.and_then(|context| context.xray_trace_id.as_deref()).or(header)?;
    let root = trace.split(';').find_map(|part| part.trim().strip_prefix("Root="))?;
    let well_formed = root.len() == 35
        && root.starts_with("1-")
        && root.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    well_formed.then(|| root.to_owned())
}

/// The time until Lambda ends this invocation; `None` if unknown.
fn time_left(app: &App, request: &Request) -> Option<Duration> {
    let context = request.extensions().get::<Context>()?;
    let now = u64::try_from(app.clock.now().as_millisecond()).ok()?;
    // Outside of Lambda the deadline may be missing or from another clock.
    context.deadline.checked_sub(now).filter(|left| *left > 0).map(Duration::from_millis)
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    ApiError::internal(format!("panic: {}", panic_message(&*panic))).into_response()
}

/// Refuses a malformed request (400), and a body whose declared size is too large (413).
async fn refuse_malformed(request: Request, next: Next) -> Response {
    if let Some(MalformedRequest(reason)) = request.extensions().get() {
        return ApiError::new(Code::BadRequest, *reason).into_response();
    }
    if request.body().size_hint().lower() > MAX_BODY {
        return ApiError::of(Code::PayloadTooLarge).into_response();
    }
    next.run(request).await
}

/// Whether pages of any origin may read the path: its responses are public.
fn is_for_any_origin(path: &str) -> bool {
    matches!(path, "/api/openapi.json" | "/.well-known/jwks.json" | "/health") || path.starts_with("/health/")
}

fn cors(app: &App) -> CorsLayer {
    let name = HeaderName::from_static;
    let (live, ours) = (Arc::clone(&app.live), Arc::clone(&app.live));
    let origins = AllowOrigin::predicate(move |origin, request| {
        is_for_any_origin(request.uri.path()) || live.current().origins.allow(origin)
    });
    // Pages of allowed origins may send cookies to every path, also to public ones.
    let credentials = AllowCredentials::predicate(move |origin, request| {
        !is_for_any_origin(request.uri.path()) || ours.current().origins.allow(origin)
    });
    let allowed = [
        CONTENT_TYPE,
        AUTHORIZATION,
        ACCEPT,
        ORIGIN,
        name("x-requested-with"),
        name("idempotency-key"),
        IF_MATCH,
        IF_NONE_MATCH,
        name(request_id::HEADER),
        name("prefer"),
        CACHE_CONTROL,
        name(trace::HEADER),
        name("tracestate"),
        name("baggage"),
        name("sentry-trace"),
        name("x-client-info"),
    ];
    let more = app.settings().allowed_headers.clone();
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS])
        .allow_headers(allowed.into_iter().chain(more).collect::<Vec<_>>())
        .allow_credentials(credentials)
        .max_age(Duration::from_secs(600))
        .expose_headers([
            name(request_id::HEADER),
            name(prefer::APPLIED),
            name("idempotency-replayed"),
            name("deprecation"),
            ETAG,
            LOCATION,
            RETRY_AFTER,
            name("ratelimit"),
            name("ratelimit-policy"),
            LINK,
            name("server-timing"),
        ])
}

/// Adds headers that restrict what a browser may do. A header that the handler has set stays.
async fn security_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(CACHE_CONTROL, "no-store");
    default(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    default(REFERRER_POLICY, "no-referrer");
    default(STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains");
    default(X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}
