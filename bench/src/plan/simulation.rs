//! Queues played through, where a formula would hide how requests bunch.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::BURST;

/// Requests to play through, at least.
const REQUESTS: u32 = 400_000;

/// In seconds: how long scaling is played through, and what of it is not counted.
const HOUR: f64 = 3600.0;
const UNCOUNTED: f64 = 600.0;

/// As long as Lambda keeps an idle instance, in seconds, more or less.
const KEPT: f64 = 300.0;

/// Times to serve a request: log-normal, most short and some long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service {
    mean_ms: f64,
    /// The standard deviation of the logarithm.
    spread: f64,
}

impl Service {
    pub(super) fn new(mean_ms: f64, spread: f64) -> Self {
        Self { mean_ms, spread }
    }

    /// In seconds.
    fn draw(self, random: &mut ChaCha8Rng) -> f64 {
        // Box and Muller.
        let (one, two): (f64, f64) = (random.random(), random.random());
        let normal = (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * two).cos();
        self.mean_ms / 1000.0 * (self.spread * normal - self.spread * self.spread / 2.0).exp()
    }

    /// The variance over the square of the mean.
    fn variation(self) -> f64 {
        (self.spread * self.spread).exp() - 1.0
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
    waiting * service.mean_ms / (servers - offered) * f64::midpoint(1.0, service.variation())
}

/// How Lambda scales for requests of a Poisson process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaled {
    /// Busy instances in 999 of 1,000 moments at which a request comes.
    pub(super) busy: f64,
    /// Instances at most, the idle ones with them.
    pub(super) alive: f64,
    pub(super) cold_per_mille: f64,
}

/// Hours in which every sixth minute is busier; the instance that was idle last is used first, and one that idled
/// too long is gone. `times` are shares of the requests and how long they take in ms; a cold start adds to that.
/// The first ten minutes are not counted.
pub(super) fn scale(rate: f64, times: &[(f64, f64)], cold_ms: f64, seed: u64) -> Scaled {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let shares: f64 = times.iter().map(|(share, _)| share).sum();
    let mut busy: BinaryHeap<Reverse<u64>> = BinaryHeap::new();
    let mut idle: VecDeque<f64> = VecDeque::new();
    let end = HOUR.max(f64::from(REQUESTS) / rate);
    let (mut now, mut cold, mut alive, mut counts) = (0.0, 0_u32, 0, Vec::new());
    while now < end {
        let burst = (now / 60.0) % 6.0 < 1.0;
        now += arrival(if burst { rate * BURST } else { rate * (6.0 - BURST) / 5.0 }, &mut random);
        while let Some(Reverse(done)) = busy.peek() {
            let done = crate::report::float(*done) / 1e9;
            if done > now {
                break;
            }
            busy.pop();
            idle.push_back(done);
        }
        // The longest idle stands first.
        while idle.front().is_some_and(|since| now - since > KEPT) {
            idle.pop_front();
        }
        let started = if idle.pop_back().is_none() { cold_ms } else { 0.0 };
        let mut place = random.random::<f64>() * shares;
        let found = times.iter().find(|(share, _)| {
            place -= share;
            place <= 0.0
        });
        let took = found.or(times.last()).map_or(0.0, |(_, ms)| ms + started);
        busy.push(Reverse(whole((now + took / 1000.0) * 1e9)));
        if now > UNCOUNTED {
            cold += u32::from(started > 0.0);
            alive = alive.max(busy.len() + idle.len());
            counts.push(busy.len());
        }
    }
    counts.sort_unstable();
    let count = counts.len().max(1);
    Scaled {
        busy: crate::report::float(counts.get(count * 999 / 1000).copied().unwrap_or_default()),
        alive: crate::report::float(alive),
        cold_per_mille: 1000.0 * f64::from(cold) / crate::report::float(count),
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
            let waited = queue(rate, servers, Service::new(1.0, 0.83), 1);
            let ratio = waited.mean / waited.formula;
            assert!((0.8..1.25).contains(&ratio), "{rate} a second on {servers}: {waited:?}");
        }
    }

    #[test]
    fn too_few_servers_wait_for_ever_by_formula() {
        assert!(allen_cunneen(2_000.0, 1.0, Service::new(1.0, 0.83)).is_infinite());
    }

    #[test]
    fn service_times_have_their_mean() {
        let (mut random, service) = (ChaCha8Rng::seed_from_u64(3), Service::new(4.0, 0.83));
        let mean = (0..100_000).map(|_| service.draw(&mut random)).sum::<f64>() / 100_000.0;
        assert!((mean - 0.004).abs() < 0.000_1, "{mean}");
    }

    #[test]
    fn a_steady_stream_starts_instances_once() {
        let scaled = scale(1_000.0, &[(1.0, 5.0)], 20.0, 1);
        assert!(scaled.cold_per_mille < 0.1 && (8.0..30.0).contains(&scaled.busy), "{scaled:?}");
    }

    #[test]
    fn rare_requests_often_meet_no_instance() {
        // One in ten minutes, kept for five: e to the power of -1/2 come later than that.
        let scaled = scale(1.0 / 600.0, &[(1.0, 5.0)], 20.0, 1);
        assert!((500.0..700.0).contains(&scaled.cold_per_mille), "{scaled:?}");
    }
}
