//! A function in process: calls go through requests built from an API Gateway event.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use axum::Router;
use http::{Method, Request};
use http_body_util::BodyExt;
use jiff::Timestamp;
use lambda_runtime::Context;
use serde_json::{Value, json};
use shared::App;
use shared::config::{Function, Live, Sources};
use shared::http::event::HttpEvent;
use shared::lambda::assemble;
use tower::ServiceExt;

use crate::{Answer, Bouncer, Person, Proxy, TestClock, TestDatabase, settings, witness};

/// An event as API Gateway sends it (HTTP API, payload 2.0).
const EVENT: &str = include_str!("../events/http_api.json");

/// An event as API Gateway sends it for a request.
///
/// # Panics
/// Never: the event is JSON.
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

/// A function with a database and a clock of its own.
#[derive(Debug)]
pub struct Api {
    /// Its database.
    pub database: TestDatabase,
    /// Its clock.
    pub clock: TestClock,
    /// What its handlers use.
    pub app: App,
    router: Router,
}

impl Api {
    /// Starts a function. With `TEST_THROUGH=pgbouncer` its connections go through one.
    pub async fn start(function: Function, routes: fn() -> Router<App>) -> Self {
        Self::start_with(function, routes, |_| {}).await
    }

    /// Starts a function with other settings.
    pub async fn start_with(
        function: Function,
        routes: fn() -> Router<App>,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Self {
        let database = TestDatabase::new().await;
        let mut settings = settings();
        for (name, value) in pooled(&database) {
            settings.insert(name.to_owned(), value);
        }
        change(&mut settings);
        Self::start_on(database, function, routes, settings).await
    }

    /// Starts a function without limits, straight to its database through a proxy that counts.
    pub async fn behind_a_proxy(function: Function, routes: fn() -> Router<App>) -> (Self, Proxy) {
        let database = TestDatabase::new().await;
        let proxy = Proxy::start(database.server().get_ports()[0]).await;
        let mut settings = settings();
        // Limits take no round trip of their own.
        settings.remove("RATE_LIMITS");
        settings.insert("DATABASE_URL".to_owned(), database.url_at(proxy.port));
        (Self::start_on(database, function, routes, settings).await, proxy)
    }

    /// Starts a function on a given database with exactly these settings.
    ///
    /// # Panics
    /// If the settings are not valid.
    pub async fn start_on(
        database: TestDatabase,
        function: Function,
        routes: fn() -> Router<App>,
        settings: BTreeMap<String, String>,
    ) -> Self {
        witness::catch_logs();
        witness::settings(settings.values());
        let clock = TestClock::default();
        let live = Live::load(function, clock.clock(), Sources::environment(settings)).await;
        let live = live.unwrap_or_else(|error| panic!("{error}"));
        let metrics = witness::metrics(function);
        let app = App { metrics, ..assemble(function, Arc::new(live), clock.clock(), 8) };
        let router = shared::http::stack(routes(), app.clone());
        Self { database, clock, app, router }
    }

    /// What answers its requests.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Someone with an account and a session.
    pub async fn person(&self, email: &str) -> Person<'_> {
        Person::new(self, email).await
    }

    /// A call by nobody.
    #[must_use]
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        Call::new(self, method, path)
    }

    /// `GET` by nobody.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).send().await
    }

    /// `POST` of JSON by nobody.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path).json(body).send().await
    }

    /// The time of the function's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// The pooled URL of a test's database: straight, or through the PgBouncer of this process.
#[expect(clippy::disallowed_methods, reason = "the runner says which way to go")]
fn pooled(database: &TestDatabase) -> Vec<(&'static str, String)> {
    static BOUNCER: OnceLock<Bouncer> = OnceLock::new();
    match std::env::var("TEST_THROUGH").as_deref() {
        Err(_) | Ok("") => vec![("DATABASE_URL", database.url())],
        Ok("pgbouncer") => {
            let bouncer = BOUNCER.get_or_init(|| Bouncer::start(database.server()));
            let url = bouncer.url(database.name(), None);
            vec![("DATABASE_URL", url), ("DATABASE_CA_CERT", bouncer.authority.clone())]
        }
        Ok(other) => panic!("TEST_THROUGH is {other}; only pgbouncer is known"),
    }
}

/// A call being put together.
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

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.event["headers"][name] = value.into();
        self
    }

    /// Adds a bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Comes from another address.
    #[must_use]
    pub fn from_ip(mut self, ip: &str) -> Self {
        self.event["requestContext"]["http"]["sourceIp"] = ip.into();
        self
    }

    /// Comes from another program.
    #[must_use]
    pub fn with_agent(self, agent: &str) -> Self {
        self.header("user-agent", agent)
    }

    /// Sends JSON.
    #[must_use]
    pub fn json(self, body: Value) -> Self {
        self.header("content-type", "application/json").text(&body.to_string())
    }

    /// Sends a body as it is.
    #[must_use]
    pub fn text(mut self, body: &str) -> Self {
        self.event["body"] = body.into();
        self
    }

    /// Sends bytes, which API Gateway encodes.
    #[must_use]
    pub fn bytes(mut self, body: &[u8]) -> Self {
        use base64::Engine;
        self.event["body"] = base64::engine::general_purpose::STANDARD.encode(body).into();
        self.event["isBase64Encoded"] = json!(true);
        self
    }

    fn context(&self, milliseconds_left: u32) -> Context {
        let now = u64::try_from(self.api.now().as_millisecond()).expect("tests run after 1970");
        let mut context = Context::default();
        context.deadline = now + u64::from(milliseconds_left);
        context
    }

    /// Leaves the invocation so much time.
    #[must_use]
    pub fn with_milliseconds_left(mut self, milliseconds: u32) -> Self {
        self.milliseconds_left = Some(milliseconds);
        self
    }

    /// The request as the function's router gets it.
    ///
    /// # Panics
    /// If the event is none that API Gateway could send.
    #[must_use]
    pub fn request(self) -> Request<axum::body::Body> {
        witness::request(&self.event);
        let context = self.milliseconds_left.map(|left| self.context(left));
        let event: HttpEvent = serde_json::from_value(self.event).expect("the event is valid");
        event.into_request(context)
    }

    /// Makes the call.
    pub async fn send(self) -> Answer {
        let router = self.api.router();
        let response = router.oneshot(self.request()).await;
        let (parts, body) = response.unwrap_or_else(|never| match never {}).into_parts();
        let body = body.collect().await.expect("bodies are in memory").to_bytes().to_vec();
        witness::answer(&parts.headers, &body);
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        answer.check_times();
        answer
    }
}
