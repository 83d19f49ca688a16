//! The ramp: increasing loads up to overload, then a search for the highest load that is served in time.

use std::time::Duration;

use crate::Result;
use crate::budget::USERS_P95;
use crate::latency::float;
use crate::load::Step;

/// The loads of a ramp.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ramp {
    /// Multiples of the main load.
    pub(crate) multiples: &'static [f64],
    /// How often to halve the gap between the highest load that is served and the next one.
    pub(crate) halvings: usize,
    /// The duration of each step.
    pub(crate) duration: Duration,
    /// How long the highest load must be served to count, if longer than a step.
    pub(crate) confirmation: Option<Duration>,
}

/// The search stops when the ratio of the two loads around the limit is below this.
const NARROW: f64 = 1.04;

/// A load is an overload if its p95 exceeds this multiple of the budget, or if a larger part of its requests fails.
/// Higher loads are not tried.
const OVERLOAD_P95: f64 = 10.0 * USERS_P95;
const OVERLOAD_FAILED: f64 = 0.01;

/// Runs the ramp, and searches for the highest load of which 95 of 100 requests are answered within `p95` milliseconds.
/// `load` sends the given number of requests per second for the given time. Returns all steps, including `main`,
/// sorted by load.
pub(crate) async fn run(
    ramp: Ramp,
    main: &Step,
    p95: f64,
    mut load: impl AsyncFnMut(f64, Duration) -> Result<Step>,
) -> Result<Vec<Step>> {
    let mut steps = vec![main.clone()];
    for multiple in ramp.multiples {
        let rate = main.offered * multiple;
        if !steps.iter().any(|step| step.offered <= rate && is_overload(step)) {
            steps.push(load(rate, ramp.duration).await?);
        }
    }
    for _ in 0..ramp.halvings {
        let Some((served, missed)) = gap(&steps, p95).filter(|(served, missed)| missed / served > NARROW) else {
            break;
        };
        steps.push(load(served.midpoint(missed), ramp.duration).await?);
    }
    // A load that is served briefly may not be served for longer.
    if let Some(confirmation) = ramp.confirmation {
        while let Some(highest) = highest(&steps, p95).filter(|step| step.seconds < confirmation.as_secs()) {
            steps.push(load(highest.offered, confirmation).await?);
        }
    }
    steps.sort_by(|a, b| a.offered.total_cmp(&b.offered));
    Ok(steps)
}

fn is_overload(step: &Step) -> bool {
    step.latency.p95 > OVERLOAD_P95 || float(step.failed()) > OVERLOAD_FAILED * float(step.latency.count)
}

/// Whether a load was served within `p95` each time it was tried.
fn is_served(steps: &[Step], rate: f64, p95: f64) -> bool {
    steps.iter().filter(|step| step.offered.total_cmp(&rate).is_eq()).all(|step| step.meets(p95))
}

/// The longest step of the highest load that was served each time it was tried.
pub(crate) fn highest(steps: &[Step], p95: f64) -> Option<&Step> {
    let served = steps.iter().filter(|step| is_served(steps, step.offered, p95));
    served.max_by(|a, b| a.offered.total_cmp(&b.offered).then(a.seconds.cmp(&b.seconds)))
}

/// The highest load that was served, and the next that was not.
fn gap(steps: &[Step], p95: f64) -> Option<(f64, f64)> {
    let served = highest(steps, p95)?.offered;
    let above = steps.iter().map(|step| step.offered).filter(|rate| *rate > served);
    Some((served, above.min_by(f64::total_cmp)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Percentiles;

    /// Runs the ramp on a service that serves one load briefly and another one for longer.
    async fn loads_tried(brief: f64, long: f64) -> Vec<(f64, u64)> {
        let step = |offered: f64, duration: Duration| {
            let served = if duration.as_secs() > 20 { long } else { brief };
            let p95 = if offered <= served { 20.0 } else { 2_000.0 };
            let latency = Percentiles { p95, count: 1_000, ..Percentiles::default() };
            Step { offered, seconds: duration.as_secs(), latency, ..Step::default() }
        };
        let [short, longer] = [20, 120].map(Duration::from_secs);
        let ramp = Ramp { multiples: &[0.5, 0.6, 1.5], halvings: 3, duration: short, confirmation: Some(longer) };
        let mut tried = Vec::new();
        let main = step(1000.0, longer);
        let steps = run(ramp, &main, 50.0, async |rate, duration| {
            tried.push((rate, duration.as_secs()));
            Ok(step(rate, duration))
        });
        let steps = steps.await.unwrap();
        let highest = highest(&steps, 50.0).unwrap();
        tried.push((highest.offered, highest.seconds));
        tried
    }

    #[tokio::test]
    async fn a_load_that_is_served_briefly_does_not_count() {
        let tried = loads_tried(720.0, 600.0).await;
        let ramp = [(500.0, 20), (600.0, 20), (800.0, 20), (700.0, 20), (750.0, 20)];
        assert_eq!(tried, [&ramp[..], &[(700.0, 120), (600.0, 120), (600.0, 120)]].concat());
    }

    #[tokio::test]
    async fn if_every_load_is_served_the_highest_one_is_confirmed() {
        let tried = loads_tried(3_000.0, 1_500.0).await;
        assert_eq!(tried, [(500.0, 20), (600.0, 20), (1500.0, 20), (1500.0, 120), (1500.0, 120)]);
    }
}
