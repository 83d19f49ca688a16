//! Queues played through, where a formula would hide how requests bunch.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Requests to play through.
const REQUESTS: u32 = 400_000;

/// As long as Lambda keeps an idle instance, in seconds, more or less.
const KEPT: f64 = 300.0;

/// Times to serve a request: log-normal, most short and some long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service {
    mean_ms: f64,
}

/// The shape of the times: their standard deviation is about their mean, as for the mix of reads, writes and
/// large lists.
const SIGMA: f64 = 0.83;

impl Service {
    pub(super) fn of_mean(mean_ms: f64) -> Self {
        Self { mean_ms }
    }

    /// In seconds.
    fn draw(self, random: &mut ChaCha8Rng) -> f64 {
        // Box and Muller.
        let (one, two): (f64, f64) = (random.random(), random.random());
        let normal = (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * two).cos();
        self.mean_ms / 1000.0 * (SIGMA * normal - SIGMA * SIGMA / 2.0).exp()
    }

    /// The variance over the square of the mean.
    fn variation() -> f64 {
        (SIGMA * SIGMA).exp() - 1.0
    }
}

/// How long requests wait for one of several servers, in ms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waited {
    /// Erlang C with the correction of Allen and Cunneen.
    pub(super) formula: f64,
    pub(super) mean: f64,
    pub(super) p99: f64,
}

/// Requests of a Poisson process before so many servers, first come first served.
pub(super) fn queue(rate: f64, servers: f64, service: Service, seed: u64) -> Waited {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // When each server is free again, the soonest on top; whole nanoseconds have an order.
    let mut free: BinaryHeap<Reverse<u64>> = BinaryHeap::new();
    (0..whole(servers)).for_each(|_| free.push(Reverse(0)));
    let (mut now, mut waits) = (0.0, Vec::new());
    for _ in 0..REQUESTS {
        now += arrival(rate, &mut random);
        let soonest = free.pop().map_or(0.0, |Reverse(nanos)| crate::report::float(nanos) / 1e9);
        let start = soonest.max(now);
        waits.push(start - now);
        free.push(Reverse(whole((start + service.draw(&mut random)) * 1e9)));
    }
    waits.sort_by(f64::total_cmp);
    Waited {
        formula: allen_cunneen(rate, servers, service),
        mean: 1000.0 * waits.iter().sum::<f64>() / f64::from(REQUESTS),
        p99: 1000.0 * waits[waits.len() * 99 / 100],
    }
}

/// The mean wait in ms by formula; infinite if the servers cannot keep up.
fn allen_cunneen(rate: f64, servers: f64, service: Service) -> f64 {
    let offered = rate * service.mean_ms / 1000.0;
    if offered >= servers {
        return f64::INFINITY;
    }
    // Erlang B by its recurrence, then Erlang C.
    let blocked = (1..=whole(servers))
        .fold(1.0, |blocked, server| offered * blocked / (crate::report::float(server) + offered * blocked));
    let waiting = blocked / (1.0 - offered / servers * (1.0 - blocked));
    waiting * service.mean_ms / (servers - offered) * f64::midpoint(1.0, Service::variation())
}

/// How Lambda scales for requests of a Poisson process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaled {
    /// Busy instances in 999 of 1,000 moments.
    pub(super) busy: f64,
    pub(super) cold_per_mille: f64,
}

/// An hour in which every sixth minute is twice as busy; the instance that was idle last is used first, and one
/// that idled too long is gone.
pub(super) fn scale(rate: f64, service: Service, seed: u64) -> Scaled {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut busy: BinaryHeap<Reverse<u64>> = BinaryHeap::new();
    let mut idle: Vec<f64> = Vec::new();
    let (mut now, mut cold, mut counts) = (0.0, 0_u32, Vec::new());
    for _ in 0..REQUESTS {
        let burst = (now / 60.0) % 6.0 < 1.0;
        now += arrival(if burst { rate * super::BURST } else { rate * (6.0 - super::BURST) / 5.0 }, &mut random);
        while let Some(Reverse(done)) = busy.peek() {
            let done = crate::report::float(*done) / 1e9;
            if done > now {
                break;
            }
            busy.pop();
            idle.push(done);
        }
        match idle.pop() {
            Some(since) if now - since <= KEPT => {}
            // The others have idled for longer.
            _ => {
                idle.clear();
                cold += 1;
            }
        }
        busy.push(Reverse(whole((now + service.draw(&mut random)) * 1e9)));
        counts.push(busy.len());
    }
    counts.sort_unstable();
    Scaled {
        busy: crate::report::float(counts[counts.len() * 999 / 1000]),
        cold_per_mille: 1000.0 * f64::from(cold) / f64::from(REQUESTS),
    }
}

fn arrival(rate: f64, random: &mut ChaCha8Rng) -> f64 {
    let even: f64 = random.random();
    -(1.0 - even).ln() / rate
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times and counts are positive")]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simulation_agrees_with_the_formula_where_the_formula_holds() {
        for (rate, servers) in [(600.0, 1.0), (1_500.0, 2.0), (6_000.0, 8.0)] {
            let waited = queue(rate, servers, Service::of_mean(1.0), 1);
            let ratio = waited.mean / waited.formula;
            assert!((0.8..1.25).contains(&ratio), "{rate} a second on {servers}: {waited:?}");
        }
    }

    #[test]
    fn too_few_servers_wait_for_ever_by_formula() {
        assert!(allen_cunneen(2_000.0, 1.0, Service::of_mean(1.0)).is_infinite());
    }

    #[test]
    fn service_times_have_their_mean() {
        let (mut random, service) = (ChaCha8Rng::seed_from_u64(3), Service::of_mean(4.0));
        let mean = (0..100_000).map(|_| service.draw(&mut random)).sum::<f64>() / 100_000.0;
        assert!((mean - 0.004).abs() < 0.000_1, "{mean}");
    }

    #[test]
    fn a_steady_stream_starts_instances_once() {
        let scaled = scale(1_000.0, Service::of_mean(5.0), 1);
        assert!(scaled.cold_per_mille < 1.0 && (5.0..40.0).contains(&scaled.busy), "{scaled:?}");
    }
}
