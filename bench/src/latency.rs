//! Latencies and their percentiles.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A summary of durations, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) count: u64,
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// All recorded durations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies(pub(crate) Vec<Duration>);

impl Latencies {
    pub(crate) fn add(&mut self, duration: Duration) {
        self.0.push(duration);
    }

    /// Zeros if there are no durations.
    pub(crate) fn percentiles(&self) -> Percentiles {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        // The nearest-rank method: the smallest value that is not below the given part (in thousandths) of all values.
        let at = |permille: usize| {
            let rank = (sorted.len() * permille).div_ceil(1000);
            sorted.get(rank.saturating_sub(1)).copied().map_or(0.0, ms)
        };
        let count = sorted.len();
        Percentiles {
            count: count as u64,
            mean: ms(sorted.iter().sum()) / float(count.max(1)),
            p50: at(500),
            p95: at(950),
            p99: at(990),
            max: at(1000),
        }
    }
}

/// A duration in milliseconds.
pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Converts a count to a floating-point number.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn float(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let latencies = Latencies((1..=200).rev().map(Duration::from_millis).collect());
        let Percentiles { count, mean, p50, p95, p99, max } = latencies.percentiles();
        assert_eq!((count, mean, p50, p95, p99, max), (200, 100.5, 100.0, 190.0, 198.0, 200.0));
        assert_eq!(Latencies::default().percentiles().count, 0);
    }
}
