//! One instance that serves several requests at once, as Lambda Managed Instances ask, against one at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::lambda::{Fleet, Limits};
use crate::load::{Latencies, Quantiles};
use crate::runtime::{ask, questions};
use crate::stand::{Stand, Visitor};

/// Lists from one instance, by how many requests it may have open.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Concurrent {
    /// `AWS_LAMBDA_MAX_CONCURRENCY`.
    pub(crate) concurrency: usize,
    pub(crate) per_second: f64,
    pub(crate) ms: Quantiles,
    pub(crate) cpu_ms: f64,
    pub(crate) memory_mib: f64,
}

/// Keeps one instance as busy as it allows.
pub(crate) async fn run(
    stand: &Stand,
    visitor: &Visitor,
    concurrency: usize,
    duration: Duration,
) -> Result<Concurrent> {
    let mut function = stand.without_limits("tasks");
    function.settings.insert("AWS_LAMBDA_MAX_CONCURRENCY".to_owned(), concurrency.to_string());
    let fleet = Fleet::new(function, Limits { instances: 1, waiting: concurrency });
    let instance = fleet.start_one().await?;
    let list = questions(visitor).into_iter().find(|question| question.name == "list 50").ok_or("there is no list")?;
    let list = Arc::new(list);
    let warming = (0..concurrency).map(|_| ask(&fleet, &list));
    futures_util::future::try_join_all(warming).await?;
    let (before, started) = (instance.cpu()?, Instant::now());
    let callers = (0..concurrency).map(|_| {
        let (fleet, list) = (Arc::clone(&fleet), Arc::clone(&list));
        tokio::spawn(async move {
            let mut took = Vec::new();
            while started.elapsed() < duration {
                took.push(ask(&fleet, &list).await?.0);
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(took)
        })
    });
    let mut all = Latencies::default();
    for caller in futures_util::future::join_all(callers).await {
        caller??.into_iter().for_each(|took| all.add(took));
    }
    let (used, seconds) = (instance.cpu()?.saturating_sub(before), started.elapsed().as_secs_f64());
    let ms = all.quantiles();
    let count = crate::report::float(ms.count);
    Ok(Concurrent {
        concurrency,
        per_second: count / seconds,
        ms,
        cpu_ms: used.as_secs_f64() * 1000.0 / count.max(1.0),
        memory_mib: crate::report::float(instance.peak_memory()?) / (1024.0 * 1024.0),
    })
}
