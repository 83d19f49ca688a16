//! Metrics as log lines in CloudWatch's embedded metric format: no network call, and no loss when an instance ends. The
//! metrics of a request are in its log line, so that CloudWatch stores and bills one line.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrique_writer_core::format::Format;
use metrique_writer_core::unit::NegativeScale;
use metrique_writer_core::{Entry, EntryWriter, MetricFlags, Observation, Unit, Value, ValueWriter};
use metrique_writer_format_emf::{Emf, NoMetric};

use crate::config::Function;
use crate::error::Code;

/// The namespace of all metrics.
const NAMESPACE: &str = "TodoBackend";

/// The names of all metrics.
pub const NAMES: [&str; 12] = [
    "Requests",
    "ServerErrors",
    "Latency",
    "DatabaseLatency",
    "ColdStarts",
    "Errors",
    "VersionErrors",
    MetricEvent::SignInFailures.name(),
    MetricEvent::RefreshReuse.name(),
    MetricEvent::RateLimited.name(),
    MetricEvent::DatabaseErrors.name(),
    MetricEvent::MigrationFailures.name(),
];

/// The metrics of a function; off outside of a stack. Cheap to clone.
#[derive(Clone, Default)]
pub struct Metrics(Option<Arc<Mutex<MetricWriter>>>);

/// A finished request, for its log line. Contains no body, no token, no email address and no IP address.
#[derive(Clone, Copy, Debug)]
pub struct RequestRecord<'a> {
    /// The id that we generated. The response has it unless the caller sent an id.
    pub request_id: &'a str,
    /// The id that the caller sent, which may not be unique.
    pub given_request_id: Option<&'a str>,
    /// The id of the request in the access log of API Gateway.
    pub gateway_request_id: Option<&'a str>,
    /// The trace id in X-Ray.
    pub trace_id: Option<&'a str>,
    /// The trace id of the caller (`traceparent`).
    pub w3c_trace_id: Option<&'a str>,
    /// The span id of this request in the trace of the caller.
    pub span_id: Option<&'a str>,
    pub method: &'a str,
    /// The pattern of the route; empty if no route matched.
    pub route: &'a str,
    pub status: u16,
    /// The time from the first layer to the last.
    pub total: Duration,
    /// The part of `total` that the request spent waiting for the database.
    pub database: Duration,
    /// Whether it is the first request of the instance.
    pub cold_start: bool,
    /// The error code; `None` for a success.
    pub code: Option<Code>,
    /// The cause of the error, for operators.
    pub cause: Option<&'a str>,
    /// The slowest statement that took longer than 100 ms, with its milliseconds.
    pub slow_statement: Option<(&'static str, f64)>,
}

/// An event that is counted for the whole stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricEvent {
    /// A sign-in failed because of a wrong email address or password.
    SignInFailures,
    /// A superseded refresh token was used from elsewhere, and its session was revoked.
    RefreshReuse,
    /// A limit refused a request.
    RateLimited,
    /// The database could not be reached, or did not answer in time.
    DatabaseErrors,
    /// A migration failed.
    MigrationFailures,
}

impl MetricEvent {
    const fn name(self) -> &'static str {
        match self {
            Self::SignInFailures => "SignInFailures",
            Self::RefreshReuse => "RefreshReuse",
            Self::RateLimited => "RateLimited",
            Self::DatabaseErrors => "DatabaseErrors",
            Self::MigrationFailures => "MigrationFailures",
        }
    }

    /// The event that a request with this error counts; `None` for most errors.
    const fn of(code: Code) -> Option<Self> {
        match code {
            Code::InvalidCredentials => Some(Self::SignInFailures),
            Code::RefreshTokenReused => Some(Self::RefreshReuse),
            Code::RateLimited | Code::TooManyFailures => Some(Self::RateLimited),
            Code::DatabaseUnavailable => Some(Self::DatabaseErrors),
            _ => None,
        }
    }
}

/// Formats the lines of a request, and writes them in one call.
struct MetricWriter {
    stack: String,
    function: &'static str,
    requests: Emf,
    codes: Emf,
    events: Emf,
    versions: Emf,
    version: String,
    buffer: Vec<u8>,
    output: Box<dyn Write + Send>,
}

impl Metrics {
    /// Metrics of one version of a function in the stack `stack`, written to `output`.
    #[must_use]
    pub fn new(stack: &str, function: Function, version: &str, output: Box<dyn Write + Send>) -> Self {
        let by = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Emf::builder(NAMESPACE.to_owned(), vec![names]).build()
        };
        Self(Some(Arc::new(Mutex::new(MetricWriter {
            stack: stack.to_owned(),
            function: function.as_str(),
            requests: by(&["Stack", "Function"]),
            codes: by(&["Stack", "Code"]),
            events: by(&["Stack"]),
            versions: by(&["Stack", "Function", "Version"]),
            version: version.to_owned(),
            buffer: Vec::new(),
            output,
        }))))
    }

    /// Writes the lines of a request; `false` if metrics are off.
    pub(crate) fn record(&self, request: &RequestRecord<'_>) -> bool {
        self.write(|lines| {
            let MetricWriter { stack, function, requests, codes, events, versions, version, buffer, .. } = lines;
            line(requests, &RequestLine { stack, function, request }, buffer);
            if request.status >= 500 {
                line(versions, &VersionLine { stack, function, version }, buffer);
            }
            if let Some(code) = request.code {
                line(codes, &CodeLine { stack, code }, buffer);
                if let Some(event) = MetricEvent::of(code) {
                    line(events, &EventLine { stack, event }, buffer);
                }
            }
        })
    }

    /// Counts one event.
    pub fn count(&self, event: MetricEvent) {
        self.write(|MetricWriter { stack, events, buffer, .. }| line(events, &EventLine { stack, event }, buffer));
    }

    fn write(&self, fill: impl FnOnce(&mut MetricWriter)) -> bool {
        let Some(lines) = &self.0 else { return false };
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.buffer.clear();
        fill(&mut lines);
        let MetricWriter { buffer, output, .. } = &mut *lines;
        // A single write, so that no other line gets in between. A failed write to the log must not fail the request.
        let _ = output.write_all(buffer).and_then(|()| output.flush());
        true
    }
}

/// Appends a line to the buffer, or nothing if the entry is invalid, which is a bug that tests find.
fn line(format: &mut Emf, entry: &impl Entry, buffer: &mut Vec<u8>) {
    let before = buffer.len();
    if let Err(error) = format.format(entry, buffer) {
        buffer.truncate(before);
        tracing::error!(%error, "a metric could not be formatted");
    }
}

struct RequestLine<'a> {
    stack: &'a str,
    function: &'a str,
    request: &'a RequestRecord<'a>,
}

impl Entry for RequestLine<'_> {
    fn write<'a>(&'a self, line: &mut impl EntryWriter<'a>) {
        let request = self.request;
        let failed = request.status >= 500;
        line.value("Stack", self.stack);
        line.value("Function", self.function);
        line.value("level", if failed { "ERROR" } else { "INFO" });
        line.value("message", "request");
        line.value("request_id", request.request_id);
        line.value("given_request_id", &request.given_request_id);
        line.value("gateway_request_id", &request.gateway_request_id);
        line.value("trace_id", &request.trace_id);
        line.value("w3c_trace_id", &request.w3c_trace_id);
        line.value("span_id", &request.span_id);
        line.value("method", request.method);
        line.value("route", request.route);
        line.value("status", &NoMetric::from(u64::from(request.status)));
        line.value("cold_start", if request.cold_start { "true" } else { "false" });
        line.value("code", &request.code.map(Code::as_str));
        line.value("cause", &request.cause);
        if let Some((name, took)) = request.slow_statement {
            line.value("slow_statement", name);
            line.value("slow_statement_ms", &NoMetric::from(took));
        }
        line.value("Requests", &1_u64);
        line.value("ServerErrors", &u64::from(failed));
        line.value("Latency", &Milliseconds(request.total));
        line.value("DatabaseLatency", &Milliseconds(request.database));
        if request.cold_start {
            line.value("ColdStarts", &1_u64);
        }
    }
}

/// A duration with two decimals: the full value has seventeen, and CloudWatch bills bytes.
struct Milliseconds(Duration);

impl Value for Milliseconds {
    fn write(&self, writer: impl ValueWriter) {
        let observation = Observation::Floating(millis(self.0));
        let unit = Unit::Second(NegativeScale::Milli);
        writer.metric([observation], unit, [], MetricFlags::empty());
    }
}

struct CodeLine<'a> {
    stack: &'a str,
    code: Code,
}

impl Entry for CodeLine<'_> {
    fn write<'a>(&'a self, line: &mut impl EntryWriter<'a>) {
        line.value("Stack", self.stack);
        line.value("Code", self.code.as_str());
        line.value("Errors", &1_u64);
    }
}

struct VersionLine<'a> {
    stack: &'a str,
    function: &'a str,
    version: &'a str,
}

impl Entry for VersionLine<'_> {
    fn write<'a>(&'a self, line: &mut impl EntryWriter<'a>) {
        line.value("Stack", self.stack);
        line.value("Function", self.function);
        line.value("Version", self.version);
        line.value("VersionErrors", &1_u64);
    }
}

struct EventLine<'a> {
    stack: &'a str,
    event: MetricEvent,
}

impl Entry for EventLine<'_> {
    fn write<'a>(&'a self, line: &mut impl EntryWriter<'a>) {
        line.value("Stack", self.stack);
        line.value(self.event.name(), &1_u64);
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Metrics(on)" } else { "Metrics(off)" })
    }
}

/// A duration in milliseconds, rounded to two decimals.
pub(crate) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}
