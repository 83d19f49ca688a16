//! Runs a function in this process. Each call is an event of API Gateway, which is converted to a request as in Lambda.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use axum::Router;
use http::{Method, Request};
use http_body_util::BodyExt;
use jiff::Timestamp;
use lambda_runtime::Context;
use serde_json::{Value, json};
use shared::App;
use shared::config::{Function, LiveSettings, Sources};
use shared::http::event::HttpEvent;
use shared::lambda::assemble;
use tower::ServiceExt;

use crate::{Person, PgBouncer, Proxy, TestClock, TestDatabase, TestResponse, log_recorder, settings};

/// A sample event of API Gateway (HTTP API, payload format 2.0).
const EVENT: &str = include_str!("../events/http_api.json");

/// The event that API Gateway sends for a request.
///
/// # Panics
/// Never, because the example is valid JSON.
#[must_use]
pub fn http_event(method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> Value {
    let mut event: Value = serde_json::from_str(EVENT).expect("the event is JSON");
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    event["rawPath"] = path.into();
    event["rawQueryString"] = query.into();
    event["requestContext"]["http"]["method"] = method.into();
    event["requestContext"]["http"]["path"] = path.into();
    if let Some(token) = token {
        event["headers"]["authorization"] = format!("Bearer {token}").into();
    }
    if let Some(body) = body {
        event["headers"]["content-type"] = "application/json".into();
        event["body"] = body.to_string().into();
    }
    event
}

/// A function with its own database and clock.
#[derive(Debug)]
pub struct Api {
    pub database: TestDatabase,
    pub clock: TestClock,
    /// The state of its handlers.
    pub app: App,
    router: Router,
}

impl Api {
    /// Starts a function. With `TEST_THROUGH=pgbouncer` it connects through PgBouncer.
    pub async fn start(function: Function, routes: fn() -> Router<App>) -> Self {
        Self::start_with(function, routes, |_| {}).await
    }

    /// Starts a function with settings that differ from the usual ones.
    pub async fn start_with(
        function: Function,
        routes: fn() -> Router<App>,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Self {
        let database = TestDatabase::new().await;
        let mut settings = settings();
        for (name, value) in database_settings(&database) {
            settings.insert(name.to_owned(), value);
        }
        change(&mut settings);
        Self::start_on(database, function, routes, settings).await
    }

    /// Starts a function without limits, which connects to its database through a proxy that counts round trips.
    pub async fn behind_a_proxy(function: Function, routes: fn() -> Router<App>) -> (Self, Proxy) {
        let database = TestDatabase::new().await;
        let proxy = Proxy::start(database.server().get_ports()[0]).await;
        let mut settings = settings();
        // Limits take no additional round trip.
        settings.remove("RATE_LIMITS");
        settings.insert("DATABASE_URL".to_owned(), database.url_at(proxy.port));
        (Self::start_on(database, function, routes, settings).await, proxy)
    }

    /// Starts a function on the given database with exactly the given settings.
    ///
    /// # Panics
    /// If the settings are not valid.
    pub async fn start_on(
        database: TestDatabase,
        function: Function,
        routes: fn() -> Router<App>,
        settings: BTreeMap<String, String>,
    ) -> Self {
        log_recorder::record_logs();
        log_recorder::record_settings(settings.values());
        let clock = TestClock::default();
        let live = LiveSettings::load(function, clock.clock(), Sources::environment(settings)).await;
        let live = live.unwrap_or_else(|error| panic!("{error}"));
        let metrics = log_recorder::metrics(function);
        let app = App { metrics, ..assemble(function, Arc::new(live), clock.clock(), 8) };
        let router = shared::http::stack(routes(), app.clone());
        Self { database, clock, app, router }
    }

    /// The function's router with all layers.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Creates a user with an account and a session.
    pub async fn person(&self, email: &str) -> Person<'_> {
        Person::new(self, email).await
    }

    /// A call without a token.
    #[must_use]
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        Call::new(self, method, path)
    }

    /// Sends `GET` without a token.
    pub async fn get(&self, path: &str) -> TestResponse {
        self.call(Method::GET, path).send().await
    }

    /// Sends `POST` with JSON, without a token.
    pub async fn post(&self, path: &str, body: Value) -> TestResponse {
        self.call(Method::POST, path).json(body).send().await
    }

    /// The time of the function's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// The settings for a test database: direct, or through the PgBouncer of this process.
#[expect(clippy::disallowed_methods, reason = "`cargo xtask test` sets this variable")]
fn database_settings(database: &TestDatabase) -> Vec<(&'static str, String)> {
    static BOUNCER: OnceLock<PgBouncer> = OnceLock::new();
    match std::env::var("TEST_THROUGH").as_deref() {
        Err(_) | Ok("") => vec![("DATABASE_URL", database.url())],
        Ok("pgbouncer") => {
            let bouncer = BOUNCER.get_or_init(|| PgBouncer::start(database.server()));
            let url = bouncer.url(database.name(), None);
            vec![("DATABASE_URL", url), ("DATABASE_CA_CERT", bouncer.authority.clone())]
        }
        Ok(other) => panic!("TEST_THROUGH is {other}; only pgbouncer is supported"),
    }
}

/// A request that is being built.
#[derive(Debug)]
pub struct Call<'a> {
    api: &'a Api,
    event: Value,
    milliseconds_left: Option<u32>,
}

impl<'a> Call<'a> {
    fn new(api: &'a Api, method: Method, path: &str) -> Self {
        Self { api, event: http_event(method.as_str(), path, None, None), milliseconds_left: None }
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.event["headers"][name] = value.into();
        self
    }

    /// Sets the access token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sets the IP address of the client.
    #[must_use]
    pub fn from_ip(mut self, ip: &str) -> Self {
        self.event["requestContext"]["http"]["sourceIp"] = ip.into();
        self
    }

    /// Sets the header `User-Agent`.
    #[must_use]
    pub fn with_agent(self, agent: &str) -> Self {
        self.header("user-agent", agent)
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, body: Value) -> Self {
        self.header("content-type", "application/json").text(&body.to_string())
    }

    /// Sets a text body.
    #[must_use]
    pub fn text(mut self, body: &str) -> Self {
        self.event["body"] = body.into();
        self
    }

    /// Sets a binary body, which API Gateway encodes in base64.
    #[must_use]
    pub fn bytes(mut self, body: &[u8]) -> Self {
        use base64::Engine;
        self.event["body"] = base64::engine::general_purpose::STANDARD.encode(body).into();
        self.event["isBase64Encoded"] = json!(true);
        self
    }

    fn lambda_context(&self, milliseconds_left: u32) -> Context {
        let now = u64::try_from(self.api.now().as_millisecond()).expect("tests run after 1970");
        let mut context = Context::default();
        context.deadline = now + u64::from(milliseconds_left);
        context
    }

    /// Sets the time until the deadline of the invocation.
    #[must_use]
    pub fn with_milliseconds_left(mut self, milliseconds: u32) -> Self {
        self.milliseconds_left = Some(milliseconds);
        self
    }

    /// Builds the request that the router receives.
    ///
    /// # Panics
    /// If the event is not valid.
    #[must_use]
    pub fn request(self) -> Request<axum::body::Body> {
        log_recorder::record_request(&self.event);
        let context = self.milliseconds_left.map(|left| self.lambda_context(left));
        let event: HttpEvent = serde_json::from_value(self.event).expect("the event is valid");
        event.into_request(context)
    }

    /// Sends the request.
    pub async fn send(self) -> TestResponse {
        let router = self.api.router();
        let response = router.oneshot(self.request()).await;
        let (parts, body) = response.unwrap_or_else(|never| match never {}).into_parts();
        let body = body.collect().await.expect("bodies are in memory").to_bytes().to_vec();
        log_recorder::record_response(&parts.headers, &body);
        let answer = TestResponse { status: parts.status, headers: parts.headers, body };
        answer.check_times();
        answer
    }
}
