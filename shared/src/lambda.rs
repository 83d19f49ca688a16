//! The start of a function: configuration, logs, connection pool, router and event loop.

use std::future::Future;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt;
use tracing_subscriber::EnvFilter;

use crate::clock::Clock;
use crate::config::{Environment, Function, LiveSettings, Source, Sources};
use crate::db::{Database, DatabaseRole};
use crate::http::event::HttpEvent;
use crate::http::response::LambdaResponse;
use crate::http::stack;
use crate::ids::Ids;
use crate::metrics::Metrics;
use crate::state::App;

/// The variable with the host of the Lambda runtime API. Only Lambda sets it.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Serves the routes of an HTTP function until Lambda ends the instance. Exits with 1 if it cannot start. The number of
/// concurrent requests comes from `AWS_LAMBDA_MAX_CONCURRENCY`; 1 by default.
pub fn serve(function: Function, routes: fn() -> Router<App>) -> ExitCode {
    with_sources(|sources, concurrency| async move {
        let app = start(function, sources, concurrency).await?;
        let router = stack(routes(), app);
        let service = service_fn(move |event| respond(router.clone(), event));
        lambda_runtime::run_concurrent(service).await
    })
}

async fn respond(router: Router, event: LambdaEvent<HttpEvent>) -> Result<LambdaResponse, BoxError> {
    let LambdaEvent { payload, context } = event;
    let response = router.oneshot(payload.into_request(Some(context))).await?;
    Ok(LambdaResponse::from_response(response).await?)
}

/// Runs a function with the settings of the process environment and its concurrency.
fn with_sources<Running>(main: impl FnOnce(Sources, usize) -> Running) -> ExitCode
where
    Running: Future<Output = Result<(), BoxError>>,
{
    match Sources::process(Path::new(".")) {
        Ok(sources) => {
            let concurrency = concurrency(&sources);
            let in_lambda = sources.get(RUNTIME_API).is_some();
            run(concurrency, in_lambda, main(sources, concurrency))
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How many requests Lambda sends to this instance concurrently.
fn concurrency(sources: &Sources) -> usize {
    let value = sources.get("AWS_LAMBDA_MAX_CONCURRENCY").filter(|(_, source)| *source == Source::Environment);
    value.and_then(|(text, _)| text.parse::<u16>().ok()).map_or(1, usize::from)
}

/// A direct invocation, without its event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Invocation {
    /// When Lambda ends the invocation; `None` outside of Lambda.
    pub deadline: Option<Timestamp>,
}

impl Invocation {
    /// The time until the deadline, at least 0; `None` without a deadline.
    #[must_use]
    pub fn time_left(&self, clock: &Clock) -> Option<Duration> {
        let left = self.deadline?.duration_since(clock.now());
        Some(left.try_into().unwrap_or(Duration::ZERO))
    }
}

/// Handles direct invocations of a function without HTTP. Outside of Lambda it runs the handler once: the first
/// argument is the event, and the result is printed as JSON.
#[expect(clippy::print_stdout, reason = "outside of Lambda the result is for a person")]
pub fn serve_invocations<Event, Answer, Handler, Handling>(function: Function, handler: Handler) -> ExitCode
where
    Event: DeserializeOwned,
    Answer: Serialize,
    Handler: Fn(App, Invocation, Event) -> Handling,
    Handling: Future<Output = Result<Answer, BoxError>>,
{
    with_sources(|sources, concurrency| async move {
        if sources.get(RUNTIME_API).is_some() {
            let app = start(function, sources, concurrency).await?;
            let handler = &handler;
            let service = service_fn(move |event: LambdaEvent<Event>| {
                let deadline = i64::try_from(event.context.deadline).ok();
                // An emulator may take the deadline from another clock, so that it is already in the past.
                let deadline = deadline.and_then(|deadline| Timestamp::from_millisecond(deadline).ok());
                let deadline = deadline.filter(|deadline| *deadline > app.clock.now());
                handler(app.clone(), Invocation { deadline }, event.payload)
            });
            return lambda_runtime::run(service).await;
        }
        let event = std::env::args().nth(1).ok_or("the first argument must be the event, as JSON")?;
        let event = serde_json::from_str(&event).map_err(|error| format!("the event is not valid: {error}"))?;
        let result = handler(start(function, sources, concurrency).await?, Invocation::default(), event).await?;
        // End silently if the reader closes the pipe, as `head` does.
        sigpipe::reset();
        println!("{}", serde_json::to_string_pretty(&result)?);
        Ok(())
    })
}

/// Runs `main` on one thread for one request at a time, otherwise on a thread for each CPU.
fn run(concurrency: usize, in_lambda: bool, main: impl Future<Output = Result<(), BoxError>>) -> ExitCode {
    let mut builder = if concurrency > 1 {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the async runtime cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(main) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // In Lambda, log the error if logging has started. Otherwise, print it for a person.
            if tracing::dispatcher::has_been_set() && in_lambda {
                tracing::error!(%error, "the function stops because of an error");
            } else {
                eprintln!("error: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Reads the settings and builds the state of the function. Opens no connection yet; later at most `connections`.
///
/// # Errors
/// If the secret cannot be read, or with all problems of the settings.
async fn start(function: Function, sources: Sources, connections: usize) -> Result<App, BoxError> {
    let clock = Clock::system();
    let lambda_wants_json = sources.get("AWS_LAMBDA_LOG_FORMAT").is_some_and(|(format, _)| format == "JSON");
    let version = sources.get("AWS_LAMBDA_FUNCTION_VERSION").map_or("none", |(version, _)| version).to_owned();
    let live = Arc::new(LiveSettings::load(function, clock.clone(), sources).await?);
    let settings = live.current();
    // Lambda sets AWS_LAMBDA_LOG_FORMAT to the log format in the template.
    let json = settings.environment != Environment::Development || lambda_wants_json;
    log_to_stdout(&settings.log_level, json);
    live.log_problems();
    let metrics = settings.stack.as_deref();
    let metrics = metrics.map(|stack| Metrics::new(stack, function, &version, Box::new(std::io::stdout())));
    Ok(App { metrics: metrics.unwrap_or_default(), ..assemble(function, live, clock, connections) })
}

/// The state of `function` from its parts, without metrics.
#[must_use]
pub fn assemble(function: Function, live: Arc<LiveSettings>, clock: Clock, connections: usize) -> App {
    let role = match function {
        Function::Tasks => DatabaseRole::Tasks,
        Function::Auth => DatabaseRole::Auth,
        Function::Users => DatabaseRole::Admin,
        Function::Maintenance => DatabaseRole::Maintenance,
        Function::Health | Function::Docs | Function::Migrate => DatabaseRole::Login,
    };
    let db = Database::new(live.clone(), clock.clone(), role, connections);
    App { live, db, ids: Ids::new(clock.clone()), clock, metrics: Metrics::default() }
}

/// The log filter for a level. Libraries are limited to warnings or errors: their debug output may contain statements
/// and secrets.
#[must_use]
pub fn log_filter(level: &str) -> EnvFilter {
    EnvFilter::new(format!("{level},lambda_runtime=error,tokio_postgres=warn,rustls=warn,hyper=warn,aws=warn"))
}

/// Logs to standard output, as JSON lines or as text.
fn log_to_stdout(level: &str, json: bool) {
    let subscriber = tracing_subscriber::fmt().with_env_filter(log_filter(level)).with_ansi(false);
    // Fails only if a test has already set a subscriber, which then stays.
    let _ = if json {
        subscriber.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        subscriber.with_target(false).try_init()
    };
}
