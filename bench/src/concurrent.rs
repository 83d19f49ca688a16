//! One instance that serves several requests at once, as Lambda Managed Instances ask, against one at a time.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::lambda::{Fleet, Limits};
use crate::load::Quantiles;
use crate::runtime::{list, mib, saturate};
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
    let (before, started) = (instance.cpu()?, Instant::now());
    let all = saturate(&fleet, list(visitor)?, concurrency, duration).await?;
    let (used, seconds) = (instance.cpu()?.saturating_sub(before), started.elapsed().as_secs_f64());
    let ms = all.quantiles();
    let count = crate::report::float(ms.count);
    Ok(Concurrent {
        concurrency,
        per_second: count / seconds,
        ms,
        cpu_ms: used.as_secs_f64() * 1000.0 / count.max(1.0),
        memory_mib: mib(&instance)?,
    })
}
