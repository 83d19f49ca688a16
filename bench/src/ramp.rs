//! The ramp: from little to too much, and then closer and closer to the hardest load that is served.

use std::time::Duration;

use crate::Result;
use crate::budget::CROWD_P95;
use crate::load::Step;

/// Loads to try.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ramp {
    /// In parts of the load of the crowd.
    pub(crate) parts: &'static [f64],
    /// How often the gap around the hardest load that is served is halved.
    pub(crate) halvings: usize,
    /// Of each step.
    pub(crate) duration: Duration,
    /// How long the hardest load that is served must be served; for no longer than a step if it is none.
    pub(crate) confirmation: Option<Duration>,
}

/// A gap is narrow enough where its ends differ by so much.
const NARROW: f64 = 1.04;

/// So many times the budget, a load is not late but too much.
const TOO_MUCH: f64 = 10.0;

/// So is a load of whose requests a larger part fails.
const FAILING: f64 = 0.01;

/// Walks up the ramp beside the load of the crowd, as far as the service follows, and then looks for the hardest load
/// of which 95 of 100 requests are answered within `p95` ms. `load` sends so many requests a second for so long.
/// Answers with all steps, the crowd's among them.
pub(crate) async fn climb(
    ramp: Ramp,
    crowd: &Step,
    p95: f64,
    mut load: impl AsyncFnMut(f64, Duration) -> Result<Step>,
) -> Result<Vec<Step>> {
    let mut steps = vec![crowd.clone()];
    for part in ramp.parts {
        let rate = crowd.offered * part;
        if !steps.iter().any(|step| step.offered <= rate && is_too_much(step)) {
            steps.push(load(rate, ramp.duration).await?);
        }
    }
    for _ in 0..ramp.halvings {
        let found: Vec<_> = steps.iter().map(|step| (step.offered, is_served(&steps, step, p95))).collect();
        let Some((served, too_hard)) = gap(&found).filter(|(served, too_hard)| too_hard / served > NARROW) else {
            break;
        };
        steps.push(load(served.midpoint(too_hard), ramp.duration).await?);
    }
    // What is served for a moment may not be for longer. A load that is not is none of those served any more.
    if let Some(confirmation) = ramp.confirmation {
        while let Some(knee) = knee(&steps, p95).filter(|knee| knee.sent_for < confirmation) {
            steps.push(load(knee.offered, confirmation).await?);
        }
    }
    steps.sort_by(|one, other| one.offered.total_cmp(&other.offered));
    Ok(steps)
}

fn is_too_much(step: &Step) -> bool {
    let failing = FAILING * crate::report::float(step.latency.count);
    step.latency.p95 > TOO_MUCH * CROWD_P95 || crate::report::float(step.failed()) > failing
}

/// Whether a load was served within `p95` ms each time it was tried.
fn is_served(steps: &[Step], step: &Step, p95: f64) -> bool {
    steps.iter().filter(|other| other.offered.total_cmp(&step.offered).is_eq()).all(|step| step.serves(p95))
}

/// The hardest load that was served within `p95` ms each time it was tried; of its steps the longest.
pub(crate) fn knee(steps: &[Step], p95: f64) -> Option<&Step> {
    steps
        .iter()
        .filter(|step| is_served(steps, step, p95))
        .max_by(|one, other| one.offered.total_cmp(&other.offered).then(one.sent_for.cmp(&other.sent_for)))
}

/// The hardest load that was served, and the least beyond it that was not; of loads and whether they were.
fn gap(steps: &[(f64, bool)]) -> Option<(f64, f64)> {
    let rates = |served: bool| steps.iter().filter(move |step| step.1 == served).map(|step| step.0);
    let served = rates(true).max_by(f64::total_cmp)?;
    let too_hard = rates(false).filter(|rate| *rate > served).min_by(f64::total_cmp)?;
    Some((served, too_hard))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Quantiles;

    fn step(offered: f64, sent_for: Duration, p95: f64) -> Step {
        Step { offered, sent_for, latency: Quantiles { p95, count: 1_000, ..Quantiles::default() }, ..Step::default() }
    }

    /// Climbs before a service that serves one load for a moment and another for longer.
    async fn climb_before(brief: f64, long: f64) -> Vec<(f64, u64)> {
        let (moment, while_) = (Duration::from_secs(20), Duration::from_secs(120));
        let ramp = Ramp { parts: &[0.5, 0.6, 1.5], halvings: 3, duration: moment, confirmation: Some(while_) };
        let answer = |rate: f64, duration: Duration| {
            let served = if duration > moment { long } else { brief };
            step(rate, duration, if rate <= served { 20.0 } else { 2_000.0 })
        };
        let mut tried = Vec::new();
        let crowd = answer(1000.0, while_);
        let steps = climb(ramp, &crowd, 50.0, async |rate, duration| {
            tried.push((rate, duration.as_secs()));
            Ok(answer(rate, duration))
        });
        let steps = steps.await.unwrap();
        assert!(steps.is_sorted_by(|one, other| one.offered <= other.offered));
        let knee = knee(&steps, 50.0).unwrap();
        tried.push((knee.offered, knee.sent_for.as_secs()));
        tried
    }

    #[tokio::test]
    async fn a_load_that_is_served_for_a_moment_alone_is_no_knee() {
        let tried = climb_before(720.0, 600.0).await;
        let ramp = [(500.0, 20), (600.0, 20), (800.0, 20), (700.0, 20), (750.0, 20)];
        assert_eq!(tried, [&ramp[..], &[(700.0, 120), (600.0, 120), (600.0, 120)]].concat());
    }

    #[tokio::test]
    async fn beyond_what_is_served_nothing_is_tried() {
        let tried = climb_before(3_000.0, 1_500.0).await;
        assert_eq!(tried, [(500.0, 20), (600.0, 20), (1500.0, 20), (1500.0, 120), (1500.0, 120)]);
    }

    #[test]
    fn the_gap_lies_above_the_hardest_load_that_was_served() {
        let steps = [(1000.0, false), (100.0, true), (200.0, false), (400.0, true), (800.0, false)];
        assert_eq!(gap(&steps), Some((400.0, 800.0)), "what failed below was an accident");
        assert_eq!(gap(&[(100.0, true)]), None, "nothing was too hard");
        assert_eq!(gap(&[(100.0, false)]), None, "nothing was served");
    }
}
