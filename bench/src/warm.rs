//! What a warm request costs, one at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use shared::domain::Password;
use shared::passwords;

use crate::Result;
use crate::data::Class;
use crate::lambda::{Fleet, Instance, cpu_of};
use crate::load::{Latencies, Quantiles};
use crate::question::{FLOOR, Question, list, nothing, questions};
use crate::stand::{PASSWORD, Stand, Visitor};

/// Requests of one kind to one warm instance.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Warm {
    pub(crate) function: String,
    pub(crate) operation: String,
    pub(crate) ms: Quantiles,
    pub(crate) cpu_ms: f64,
    /// What the floor took meanwhile: it was asked in turn.
    pub(crate) floor_cpu_ms: f64,
    pub(crate) database_ms: f64,
    /// The most memory the instance has had, in MiB.
    pub(crate) memory_mib: f64,
}

/// A question and the floor's take turns in blocks of so many.
const BLOCK: usize = 20;

/// A fleet of one, and its instance.
struct One {
    fleet: Arc<Fleet>,
    instance: Arc<Instance>,
}

impl One {
    async fn start(stand: &Stand, function: &str) -> Result<Self> {
        let fleet = stand.alone_with_wide_limits(function);
        let instance = fleet.start_one().await?;
        Ok(Self { fleet, instance })
    }

    async fn ask(
        &self,
        question: &Question,
        times: usize,
        took: &mut Latencies,
        database: &mut Latencies,
    ) -> Result<()> {
        for _ in 0..times {
            let one = question.ask(&self.fleet).await?;
            took.add(one.all);
            database.add(one.database);
        }
        Ok(())
    }
}

/// Asks one instance of each function the same question `times` times, and the floor as often in between; what
/// hashes a password a tenth of that.
pub(crate) async fn requests(stand: &Stand, visitor: &Visitor, times: usize) -> Result<Vec<Warm>> {
    let nothing = nothing();
    let mut functions: BTreeMap<&str, One> = BTreeMap::new();
    let mut warm = Vec::new();
    for question in questions(visitor) {
        if !functions.contains_key(question.function) {
            functions.insert(question.function, One::start(stand, question.function).await?);
        }
        let Some(subject) = functions.get(question.function) else { continue };
        // Where the system puts an instance decides what waking it costs: each question meets another floor.
        let floor = One::start(stand, FLOOR).await?;
        let (mut unused, mut also) = (Latencies::default(), Latencies::default());
        subject.ask(&question, 5, &mut unused, &mut also).await?;
        floor.ask(&nothing, 5, &mut unused, &mut also).await?;
        let times = if question.name == "sign in" { times / 10 } else { times };
        let (mut took, mut database) = (Latencies::default(), Latencies::default());
        let before = (subject.instance.cpu()?, floor.instance.cpu()?);
        let blocks = times.div_ceil(BLOCK);
        for _ in 0..blocks {
            subject.ask(&question, BLOCK, &mut took, &mut database).await?;
            floor.ask(&nothing, BLOCK, &mut unused, &mut also).await?;
        }
        let after = (subject.instance.cpu()?, floor.instance.cpu()?);
        let each = |used: std::time::Duration| used.as_secs_f64() * 1000.0 / crate::report::float(blocks * BLOCK);
        warm.push(Warm {
            function: question.function.to_owned(),
            operation: question.name.to_owned(),
            ms: took.quantiles(),
            cpu_ms: each(after.0.saturating_sub(before.0)),
            floor_cpu_ms: each(after.1.saturating_sub(before.1)),
            database_ms: database.quantiles().mean,
            memory_mib: mib(&subject.instance)?,
        });
        floor.fleet.stop();
    }
    Ok(warm)
}

/// The processor time of hashing a password, in ms, without anything around it.
pub(crate) async fn hash(stand: &Stand, times: usize) -> Result<f64> {
    passwords::hash(&stand.settings.passwords, Password::new(PASSWORD)).await?;
    let before = cpu_of(Pid::this())?;
    for _ in 0..times {
        passwords::hash(&stand.settings.passwords, Password::new(PASSWORD)).await?;
    }
    let used = cpu_of(Pid::this())?.saturating_sub(before);
    Ok(used.as_secs_f64() * 1000.0 / crate::report::float(times))
}

pub(crate) fn mib(instance: &Instance) -> Result<f64> {
    Ok(crate::report::mib(instance.peak_memory()?))
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
    let one = One::start(stand, "tasks").await?;
    let mut listings = Vec::new();
    for class in Class::ALL {
        let accounts: Vec<_> = stand.users().filter(|account| account.class == class).take(50).collect();
        if accounts.is_empty() {
            continue;
        }
        let questions: Vec<Question> = stand.visitors(&accounts).await?.iter().map(list).collect();
        let (mut took, mut database) = (Latencies::default(), Latencies::default());
        for question in questions.iter().cycle().take(questions.len().min(10)) {
            question.ask(&one.fleet).await?;
        }
        for question in questions.iter().cycle().take(times) {
            one.ask(question, 1, &mut took, &mut database).await?;
        }
        listings.push(Listing { tasks: class.tasks(), ms: took.quantiles(), database_ms: database.quantiles() });
    }
    Ok(listings)
}
