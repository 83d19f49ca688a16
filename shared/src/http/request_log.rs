//! The log line of a request: structured, without body, token, email address and IP address.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::MatchedPath;
use axum::response::Response;
use http::{Method, StatusCode};

use super::RequestId;
use super::trace::Trace;
use crate::deadline;
use crate::error::{ApiError, Code};
use crate::metrics::{Metrics, RequestRecord, millis};

/// What is known of a request before it is handled.
pub(super) struct RequestLog {
    pub(super) method: Method,
    pub(super) route: Option<MatchedPath>,
    /// The trace id in X-Ray.
    pub(super) xray_trace: Option<String>,
    /// The trace that the caller sent.
    pub(super) trace: Option<Trace>,
    pub(super) gateway_request_id: Option<String>,
}

impl RequestLog {
    /// Writes the line, which contains the metrics if they are on.
    pub(super) fn write(
        &self,
        metrics: &Metrics,
        id: &RequestId,
        response: &Response,
        (total, database): (Duration, Duration),
    ) {
        static COLD: AtomicBool = AtomicBool::new(true);
        let cold_start = COLD.swap(false, Ordering::Relaxed);
        let status = response.status();
        let error = response.extensions().get::<Arc<ApiError>>();
        let code = error.map(|error| error.code());
        let cause = error.and_then(|error| error.cause_line());
        // The health function catches unknown paths with a wildcard, which is not the route of an endpoint.
        let route = self.route.as_ref().map_or("", MatchedPath::as_str);
        let route = if route.starts_with("/{*") { "" } else { route };
        let own_id = id.own().to_string();
        let (method, request_id, given_request_id) = (self.method.as_str(), own_id.as_str(), id.given());
        let (trace_id, w3c) = (self.xray_trace.as_deref(), self.trace.as_ref());
        let (w3c_trace_id, span_id) = w3c.map(|trace| (trace.id.as_str(), trace.span.as_str())).unzip();
        let (slow_statement, slow_statement_ms) =
            deadline::slow_statement().map(|slow| (slow.name, millis(slow.took))).unzip();
        let record = RequestRecord {
            request_id,
            given_request_id,
            gateway_request_id: self.gateway_request_id.as_deref(),
            trace_id,
            w3c_trace_id,
            span_id,
            method,
            route,
            status: status.as_u16(),
            total,
            database,
            cold_start,
            code,
            cause: cause.as_deref(),
            slow_statement: slow_statement.zip(slow_statement_ms),
        };
        if metrics.record(&record) {
            return;
        }
        let (total_ms, db_ms, code) = (millis(total), millis(database), code.map(Code::as_str));
        // `tracing` needs the level at compile time.
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    request_id,
                    given_request_id,
                    trace_id,
                    w3c_trace_id,
                    span_id,
                    method,
                    route,
                    status = status.as_u16(),
                    total_ms,
                    db_ms,
                    slow_statement,
                    slow_statement_ms,
                    cold_start,
                    code,
                    cause,
                    "request"
                )
            };
        }
        if status >= StatusCode::INTERNAL_SERVER_ERROR {
            line!(error);
        } else {
            line!(info);
        }
    }
}
