//! What a cold start costs: a request comes to a function without an instance.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::load::{Latencies, Quantiles};
use crate::question::{Question, questions};
use crate::stand::{Stand, Visitor};
use crate::warm::mib;

/// Starts of one function.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Cold {
    pub(crate) function: String,
    /// From the start of the process to its first poll, in milliseconds.
    pub(crate) init_ms: Quantiles,
    /// Processor time until then.
    pub(crate) init_cpu_ms: f64,
    /// From the first poll to the answer; it opens the connection to the database.
    pub(crate) first_ms: Quantiles,
    /// Of that, processor time.
    pub(crate) first_cpu_ms: f64,
    /// Of that, waiting for the database: connecting, and the statement.
    pub(crate) first_database_ms: f64,
    /// Memory after the first request, in MiB.
    pub(crate) memory_mib: f64,
}

#[derive(Default)]
struct Starts {
    init: Latencies,
    init_cpu: Duration,
    first: Latencies,
    first_cpu: Duration,
    database: Latencies,
    memory: f64,
}

/// Starts every function `rounds` times, in turn, so that what else the machine does meets all alike.
pub(crate) async fn starts(stand: &Stand, visitor: &Visitor, rounds: usize) -> Result<Vec<Cold>> {
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
            let took = question.ask(&fleet).await?;
            let instance = fleet.first().ok_or("nothing was started")?;
            let ready = instance.ready().ok_or("it answered without having asked")?;
            starts.init.add(ready.after);
            starts.init_cpu += ready.cpu;
            // The request has waited for the first poll.
            starts.first.add(took.all.saturating_sub(took.queued));
            starts.first_cpu += instance.cpu()?.saturating_sub(ready.cpu);
            starts.database.add(took.database);
            starts.memory = starts.memory.max(mib(&instance)?);
            fleet.stop();
        }
    }
    let ms = |total: Duration| total.as_secs_f64() * 1000.0 / crate::report::float(rounds);
    let cold = order.iter().filter_map(|question| {
        let starts = found.remove(question.function)?;
        Some(Cold {
            function: question.function.to_owned(),
            init_ms: starts.init.quantiles(),
            init_cpu_ms: ms(starts.init_cpu),
            first_ms: starts.first.quantiles(),
            first_cpu_ms: ms(starts.first_cpu),
            first_database_ms: starts.database.quantiles().p50,
            memory_mib: starts.memory,
        })
    });
    Ok(cold.collect())
}
