//! Instances one at a time: what a cold start costs, what a warm request costs, and how much memory stays.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Result;
use crate::data::Class;
use crate::lambda::{Answer, Call, Fleet, Instance};
use crate::load::{Latencies, Quantiles, database_time};
use crate::stand::{PASSWORD, Stand, Visitor};

/// The least a function can be.
pub(crate) const FLOOR: &str = "floor";

const LIST: &str = "list 50";

/// Starts of one function.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Cold {
    pub(crate) function: String,
    /// From the start of the process to its first poll, in milliseconds.
    pub(crate) init_ms: Quantiles,
    /// Processor time until then.
    pub(crate) init_cpu_ms: f64,
    /// The first request, which opens the connection to the database.
    pub(crate) first_ms: Quantiles,
    /// Of that, processor time.
    pub(crate) first_cpu_ms: f64,
    /// Of that, waiting for the database: connecting, and the statement.
    pub(crate) first_database_ms: f64,
    /// Memory after the first request, in MiB.
    pub(crate) memory_mib: f64,
}

/// Requests of one kind to one warm instance.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Warm {
    pub(crate) function: String,
    pub(crate) operation: String,
    pub(crate) ms: Quantiles,
    pub(crate) cpu_ms: f64,
    pub(crate) database_ms: f64,
    /// The most memory the instance has had, in MiB.
    pub(crate) memory_mib: f64,
}

/// A request that can be sent again and again.
pub(crate) struct Question {
    pub(crate) function: &'static str,
    pub(crate) name: &'static str,
    method: &'static str,
    path: String,
    token: Option<String>,
    body: Option<String>,
    status: u16,
}

impl Question {
    fn new(function: &'static str, name: &'static str, method: &'static str, path: &str, token: Option<&str>) -> Self {
        let (path, token) = (path.to_owned(), token.map(ToOwned::to_owned));
        Self { function, name, method, path, token, body: None, status: 200 }
    }

    fn with(self, status: u16, body: &serde_json::Value) -> Self {
        Self { body: Some(body.to_string()), status, ..self }
    }

    fn event(&self) -> Result<Bytes> {
        let Self { method, path, token, body, .. } = self;
        Call { method, path, query: "", token: token.as_deref(), body: body.as_deref(), address: "198.51.100.7" }
            .event()
    }
}

/// What is asked of warm instances, the first of each function also of cold ones.
pub(crate) fn questions(visitor: &Visitor) -> Vec<Question> {
    let token = Some(visitor.access.as_str());
    let task = format!("/api/v1/tasks/{}", visitor.account.task(7));
    let create = json!({
        "title": "call the dentist", "priority": "urgent_important", "due_datetime": "2027-02-15T17:00:00Z",
        "description": "and ask about the invoice of last month",
    });
    vec![
        Question::new(FLOOR, "nothing", "GET", "/", None),
        Question::new("health", "health", "GET", "/health", None),
        Question::new("tasks", "get", "GET", &task, token),
        Question::new("tasks", LIST, "GET", "/api/v1/tasks", token),
        Question::new("tasks", "create", "POST", "/api/v1/tasks", token).with(201, &create),
        Question::new("tasks", "complete", "PATCH", &format!("{task}/complete"), token)
            .with(200, &json!({ "completed": true })),
        Question::new("tasks", "update", "PATCH", &task, token).with(200, &json!({ "title": "call back" })),
        Question::new("auth", "me", "GET", "/api/v1/auth/me", token),
        Question::new("auth", "refresh", "POST", "/api/v1/auth/refresh", None)
            .with(200, &json!({ "refresh_token": visitor.refresh })),
        Question::new("auth", "sign in", "POST", "/api/v1/auth/signin", None)
            .with(200, &json!({ "email": visitor.account.email(), "password": PASSWORD })),
    ]
}

/// Sends a question; answers how long it took, and how long of that the database.
pub(crate) async fn ask(fleet: &Fleet, question: &Question) -> Result<(Duration, Duration)> {
    let event = question.event()?;
    let started = Instant::now();
    let invoked = fleet.invoke(event).await?;
    let took = started.elapsed();
    let answer = Answer::read(&invoked.payload)?;
    if answer.status_code != question.status {
        let (status, body) = (answer.status_code, answer.body.unwrap_or_default());
        return Err(format!("{} {} answers {status}: {body}", question.function, question.name).into());
    }
    Ok((took, answer.headers.get("server-timing").map_or(Duration::ZERO, |header| database_time(header))))
}

/// The question that most people ask most often.
pub(crate) fn list(visitor: &Visitor) -> Result<Question> {
    let list = questions(visitor).into_iter().find(|question| question.name == LIST);
    list.ok_or_else(|| "there is no list".into())
}

/// So many callers ask the same for a while, each as soon as it has its answer. The first answer of each is not
/// counted.
pub(crate) async fn saturate(
    fleet: &Arc<Fleet>,
    question: Question,
    callers: usize,
    duration: Duration,
) -> Result<Latencies> {
    let question = Arc::new(question);
    let warming = (0..callers).map(|_| ask(fleet, &question));
    futures_util::future::try_join_all(warming).await?;
    let started = Instant::now();
    let callers = (0..callers).map(|_| {
        let (fleet, question) = (Arc::clone(fleet), Arc::clone(&question));
        tokio::spawn(async move {
            let mut took = Vec::new();
            while started.elapsed() < duration {
                took.push(ask(&fleet, &question).await?.0);
            }
            Result::Ok(took)
        })
    });
    let mut all = Latencies::default();
    for caller in futures_util::future::join_all(callers).await {
        caller??.into_iter().for_each(|took| all.add(took));
    }
    Ok(all)
}

/// Starts every function `rounds` times, in turn, so that what else the machine does meets all alike.
pub(crate) async fn cold(stand: &Stand, visitor: &Visitor, rounds: usize) -> Result<Vec<Cold>> {
    let mut found: BTreeMap<&str, Starts> = BTreeMap::new();
    let questions = questions(visitor);
    let mut order: Vec<&Question> = Vec::new();
    for question in &questions {
        if order.iter().all(|known| known.function != question.function) {
            order.push(question);
        }
    }
    for _ in 0..rounds {
        for question in &order {
            let starts = found.entry(question.function).or_default();
            let fleet = stand.alone(question.function);
            let instance = fleet.start_one().await?;
            // What runs beside the first poll belongs to the first request.
            let at_poll = instance.cpu()?;
            starts.init.push(instance.init().unwrap_or_default());
            starts.init_cpu += at_poll;
            let (took, database) = ask(&fleet, question).await?;
            starts.first.push(took);
            starts.first_cpu += instance.cpu()?.saturating_sub(at_poll);
            starts.database.push(database);
            starts.memory = starts.memory.max(mib(&instance)?);
            fleet.stop();
        }
    }
    let ms = |total: Duration| total.as_secs_f64() * 1000.0 / crate::report::float(rounds);
    let cold = order.iter().filter_map(|question| {
        let starts = found.remove(question.function)?;
        Some(Cold {
            function: question.function.to_owned(),
            init_ms: starts.init.into_iter().collect::<Latencies>().quantiles(),
            init_cpu_ms: ms(starts.init_cpu),
            first_ms: starts.first.into_iter().collect::<Latencies>().quantiles(),
            first_cpu_ms: ms(starts.first_cpu),
            first_database_ms: starts.database.into_iter().collect::<Latencies>().quantiles().p50,
            memory_mib: starts.memory,
        })
    });
    Ok(cold.collect())
}

#[derive(Default)]
struct Starts {
    init: Vec<Duration>,
    init_cpu: Duration,
    first: Vec<Duration>,
    first_cpu: Duration,
    database: Vec<Duration>,
    memory: f64,
}

/// Asks one instance of each function the same question `times` times; those that hash passwords a tenth of that.
pub(crate) async fn warm(stand: &Stand, visitor: &Visitor, times: usize) -> Result<Vec<Warm>> {
    let mut fleets: BTreeMap<&str, (Arc<Fleet>, Arc<Instance>)> = BTreeMap::new();
    let mut warm = Vec::new();
    for question in questions(visitor) {
        if !fleets.contains_key(question.function) {
            let fleet = stand.unlimited(question.function);
            let instance = fleet.start_one().await?;
            fleets.insert(question.function, (fleet, instance));
        }
        let Some((fleet, instance)) = fleets.get(question.function) else { continue };
        for _ in 0..5 {
            ask(fleet, &question).await?;
        }
        let times = if question.name == "sign in" { times / 10 } else { times };
        let before = instance.cpu()?;
        let (mut took, mut database) = (Latencies::default(), Latencies::default());
        for _ in 0..times {
            let (all, of_that) = ask(fleet, &question).await?;
            took.add(all);
            database.add(of_that);
        }
        let used = instance.cpu()?.saturating_sub(before);
        warm.push(Warm {
            function: question.function.to_owned(),
            operation: question.name.to_owned(),
            ms: took.quantiles(),
            cpu_ms: used.as_secs_f64() * 1000.0 / crate::report::float(times),
            database_ms: database.quantiles().p50,
            memory_mib: mib(instance)?,
        });
    }
    Ok(warm)
}

pub(crate) fn mib(instance: &Instance) -> Result<f64> {
    Ok(crate::report::float(instance.peak_memory()?) / (1024.0 * 1024.0))
}

/// Lists of people with so many tasks, by an instance that does nothing else.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Listing {
    pub(crate) tasks: u64,
    pub(crate) ms: Quantiles,
    /// As the function sees it: from sending the statement to its last row.
    pub(crate) database_ms: Quantiles,
}

/// The first page of fifty with its exact count, of people of each class in turn.
pub(crate) async fn lists(stand: &Stand, times: usize) -> Result<Vec<Listing>> {
    let fleet = stand.unlimited("tasks");
    fleet.start_one().await?;
    let mut listings = Vec::new();
    for class in Class::ALL {
        let accounts: Vec<_> = stand.data.accounts().filter(|account| account.class == class).take(50).collect();
        let visitors = stand.visitors(&accounts).await?;
        let (mut took, mut database) = (Latencies::default(), Latencies::default());
        for (number, visitor) in
            visitors.iter().cycle().take(if visitors.is_empty() { 0 } else { times + 10 }).enumerate()
        {
            let question = Question::new("tasks", LIST, "GET", "/api/v1/tasks", Some(&visitor.access));
            let (all, of_that) = ask(&fleet, &question).await?;
            if number >= 10 {
                took.add(all);
                database.add(of_that);
            }
        }
        if !visitors.is_empty() {
            listings.push(Listing { tasks: class.tasks(), ms: took.quantiles(), database_ms: database.quantiles() });
        }
    }
    Ok(listings)
}
