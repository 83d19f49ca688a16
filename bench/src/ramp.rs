//! The ramp: from little to too much, and then closer and closer to the hardest load that is served.

use std::time::Duration;

use crate::Result;
use crate::budget::CROWD_P95;
use crate::load::Step;
use crate::phases::Site;

/// Loads to try.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ramp {
    /// In parts of the load of the crowd.
    pub(crate) parts: &'static [f64],
    /// How often the gap around the hardest load that is served is halved.
    pub(crate) halvings: usize,
    /// Of each step.
    pub(crate) duration: Duration,
    pub(crate) warm_up: Duration,
    /// How long the hardest load that is served must be served; for no longer than a step if it is zero.
    pub(crate) confirmation: Duration,
}

/// A gap is narrow enough where its ends differ by so much.
const NARROW: f64 = 1.04;

/// So many loads are tried for longer.
const CONFIRMATIONS: usize = 3;

/// So many times the budget, a load is not late but too much.
const TOO_MUCH: f64 = 10.0;

/// Walks up the ramp beside the load of the crowd, as far as the service follows, and then looks for the hardest load
/// of which 95 of 100 requests are answered within `p95` ms. Answers with all steps, the crowd's among them.
pub(crate) async fn climb(
    site: &Site<'_>,
    ramp: Ramp,
    crowd: &Step,
    p95: f64,
    say: impl Fn(&str),
) -> Result<Vec<Step>> {
    let mut steps = vec![crowd.clone()];
    let mut number = 0;
    let mut load = async |rate: f64, duration: Duration| {
        number += 1;
        say(&format!("the ramp: {rate:.0} requests a second"));
        site.load(rate, ramp.warm_up, duration, number).await
    };
    for part in ramp.parts {
        let rate = crowd.offered * part;
        if steps.iter().all(|step| step.offered > rate || step.serves(TOO_MUCH * CROWD_P95)) {
            steps.push(load(rate, ramp.duration).await?);
        }
    }
    let found = |steps: &[Step]| steps.iter().map(|step| (step.offered, served(steps, step, p95))).collect::<Vec<_>>();
    for _ in 0..ramp.halvings {
        let Some((served, too_hard)) = gap(&found(&steps)).filter(|(served, too_hard)| too_hard / served > NARROW)
        else {
            break;
        };
        steps.push(load(served.midpoint(too_hard), ramp.duration).await?);
    }
    // What is served for a moment may not be for longer.
    for _ in 0..CONFIRMATIONS {
        let brief = |step: &&Step| ramp.confirmation.as_secs_f64() > 1.5 * step.seconds;
        let Some(rate) = knee(&steps, p95).filter(brief).map(|step| step.offered) else { break };
        steps.push(load(rate, ramp.confirmation).await?);
    }
    steps.sort_by(|one, other| one.offered.total_cmp(&other.offered));
    Ok(steps)
}

/// Whether a load was served within `p95` ms each time it was tried.
fn served(steps: &[Step], step: &Step, p95: f64) -> bool {
    steps.iter().filter(|other| other.offered.total_cmp(&step.offered).is_eq()).all(|step| step.serves(p95))
}

/// The hardest load that was served within `p95` ms each time it was tried; of its steps the longest.
pub(crate) fn knee(steps: &[Step], p95: f64) -> Option<&Step> {
    steps
        .iter()
        .filter(|step| served(steps, step, p95))
        .max_by(|one, other| one.offered.total_cmp(&other.offered).then(one.seconds.total_cmp(&other.seconds)))
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

    #[test]
    fn the_gap_lies_above_the_hardest_load_that_was_served() {
        let steps = [(1000.0, false), (100.0, true), (200.0, false), (400.0, true), (800.0, false)];
        assert_eq!(gap(&steps), Some((400.0, 800.0)), "what failed below was an accident");
        assert_eq!(gap(&[(100.0, true)]), None, "nothing was too hard");
        assert_eq!(gap(&[(100.0, false)]), None, "nothing was served");
    }
}
