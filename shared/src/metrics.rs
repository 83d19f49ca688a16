//! Metrics as lines of the log, in CloudWatch's embedded metric format: no call to anybody, no loss at the end of
//! an instance. The line of a request is its log line too, so that it is paid for once.

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

/// The name of every metric.
pub const NAMES: [&str; 12] = [
    "Requests",
    "ServerErrors",
    "Latency",
    "DatabaseLatency",
    "ColdStarts",
    "Errors",
    "VersionErrors",
    Event::SignInFailures.name(),
    Event::RefreshReuse.name(),
    Event::RateLimited.name(),
    Event::DatabaseErrors.name(),
    Event::MigrationFailures.name(),
];

/// Where metrics go; nowhere outside of a stack. Cheap to clone.
#[derive(Clone, Default)]
pub struct Metrics(Option<Arc<Mutex<Lines>>>);

/// What is known of a request when it is answered: no body, no token, no address of a person.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// Our own id of the request; on the answer, unless the caller gave one.
    pub request_id: &'a str,
    /// The caller's id of the request, which others may have as well.
    pub given_request_id: Option<&'a str>,
    /// API Gateway's own name for the request, which stands in its access log.
    pub gateway_request_id: Option<&'a str>,
    /// The trace it belongs to in X-Ray.
    pub trace_id: Option<&'a str>,
    /// The trace of the caller (`traceparent`).
    pub w3c_trace_id: Option<&'a str>,
    /// The request's own place in that trace.
    pub span_id: Option<&'a str>,
    /// The HTTP method.
    pub method: &'a str,
    /// The pattern of the route; empty if none matched.
    pub route: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// From the first layer to the last.
    pub total: Duration,
    /// Of that, waiting for the database.
    pub database: Duration,
    /// Whether it is the first of its instance.
    pub cold_start: bool,
    /// Which failure it is.
    pub code: Option<Code>,
    /// Why, for operators.
    pub cause: Option<&'a str>,
}

/// What is counted for the whole stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody gave a wrong address or password.
    SignInFailures,
    /// An old refresh token came from elsewhere.
    RefreshReuse,
    /// A limit refused a request.
    RateLimited,
    /// There was no database, or it did not answer in time.
    DatabaseErrors,
    /// A migration failed.
    MigrationFailures,
}

impl Event {
    const fn name(self) -> &'static str {
        match self {
            Self::SignInFailures => "SignInFailures",
            Self::RefreshReuse => "RefreshReuse",
            Self::RateLimited => "RateLimited",
            Self::DatabaseErrors => "DatabaseErrors",
            Self::MigrationFailures => "MigrationFailures",
        }
    }

    /// What a failure of a request also counts as.
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

/// Formats lines, and writes all of a request at once.
struct Lines {
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
    /// Metrics of a version of a function of the stack `stack`, as lines of `output`.
    #[must_use]
    pub fn new(stack: &str, function: Function, version: &str, output: Box<dyn Write + Send>) -> Self {
        let by = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Emf::builder(NAMESPACE.to_owned(), vec![names]).build()
        };
        Self(Some(Arc::new(Mutex::new(Lines {
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

    /// Writes the lines of a request; `false` if there is nowhere to write.
    pub(crate) fn answered(&self, request: &Answered<'_>) -> bool {
        self.write(|lines| {
            let Lines { stack, function, requests, codes, events, versions, version, buffer, .. } = lines;
            line(requests, &RequestLine { stack, function, request }, buffer);
            if request.status >= 500 {
                line(versions, &VersionLine { stack, function, version }, buffer);
            }
            if let Some(code) = request.code {
                line(codes, &CodeLine { stack, code }, buffer);
                if let Some(event) = Event::of(code) {
                    line(events, &EventLine { stack, event }, buffer);
                }
            }
        })
    }

    /// Counts one event.
    pub fn count(&self, event: Event) {
        self.write(|Lines { stack, events, buffer, .. }| line(events, &EventLine { stack, event }, buffer));
    }

    fn write(&self, fill: impl FnOnce(&mut Lines)) -> bool {
        let Some(lines) = &self.0 else { return false };
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.buffer.clear();
        fill(&mut lines);
        let Lines { buffer, output, .. } = &mut *lines;
        // One write, so that lines of others do not come between; a log that is gone is no reason to fail.
        let _ = output.write_all(buffer).and_then(|()| output.flush());
        true
    }
}

/// Adds a line to the buffer, or nothing: an entry that is not valid is a mistake that tests find.
fn line(format: &mut Emf, entry: &impl Entry, buffer: &mut Vec<u8>) {
    let before = buffer.len();
    if let Err(error) = format.format(entry, buffer) {
        buffer.truncate(before);
        tracing::error!(%error, "a metric could not be written");
    }
}

struct RequestLine<'a> {
    stack: &'a str,
    function: &'a str,
    request: &'a Answered<'a>,
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
        line.value("Requests", &1_u64);
        line.value("ServerErrors", &u64::from(failed));
        line.value("Latency", &Milliseconds(request.total));
        line.value("DatabaseLatency", &Milliseconds(request.database));
        if request.cold_start {
            line.value("ColdStarts", &1_u64);
        }
    }
}

/// With two decimals: a duration as it is would have seventeen, and bytes are paid for.
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
    event: Event,
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

/// Milliseconds with two decimals.
pub(crate) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}
