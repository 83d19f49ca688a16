//! One instance that serves several requests at once, as Lambda Managed Instances ask, against as many instances
//! that serve one each.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::lambda::{Fleet, Limits};
use crate::load::Quantiles;
use crate::question::{list, saturate};
use crate::stand::{Stand, Visitor};
use crate::warm::mib;

/// Lists by so many callers, each of whom asks again as soon as there is an answer.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Concurrent {
    pub(crate) instances: usize,
    /// What each serves at once: `AWS_LAMBDA_MAX_CONCURRENCY`.
    pub(crate) at_once: usize,
    pub(crate) per_second: f64,
    pub(crate) ms: Quantiles,
    pub(crate) cpu_ms: f64,
    /// Of all instances.
    pub(crate) memory_mib: f64,
}

/// Keeps instances as busy as they allow.
pub(crate) async fn run(
    stand: &Stand,
    visitor: &Visitor,
    (instances, at_once): (usize, usize),
    duration: Duration,
) -> Result<Concurrent> {
    let mut function = stand.with_wide_limits("tasks");
    function.settings.insert("AWS_LAMBDA_MAX_CONCURRENCY".to_owned(), at_once.to_string());
    let callers = instances * at_once;
    let fleet = Fleet::new(function, Limits { instances, waiting: callers });
    let mut started = Vec::new();
    for _ in 0..instances {
        started.push(fleet.start_one().await?);
    }
    let warmed = || Ok((fleet.cpu()?, Instant::now()));
    let (all, (before, at)) = saturate(&fleet, list(visitor), callers, duration, warmed).await?;
    let (used, seconds) = (fleet.cpu()?.saturating_sub(before), at.elapsed().as_secs_f64());
    let ms = all.quantiles();
    let count = crate::report::float(ms.count);
    let memory_mib = started.iter().map(|instance| mib(instance)).sum::<Result<f64>>()?;
    Ok(Concurrent {
        instances,
        at_once,
        per_second: count / seconds,
        ms,
        cpu_ms: used.as_secs_f64() * 1000.0 / count.max(1.0),
        memory_mib,
    })
}
