//! Latencies as HDR histograms: a thousandth of a millisecond to a minute, three digits.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::data::Class;

/// What a histogram says, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) count: u64,
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// A histogram of durations.
#[derive(Clone, Debug)]
pub(crate) struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, 60_000_000, 3);
        Self(histogram.unwrap_or_else(|error| unreachable!("the bounds are valid: {error}")))
    }
}

impl Latencies {
    pub(crate) fn add(&mut self, duration: Duration) {
        self.0.saturating_record(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).unwrap_or_else(|error| unreachable!("both have the same bounds: {error}"));
    }

    #[expect(clippy::cast_precision_loss, reason = "microseconds of a minute are few")]
    pub(crate) fn quantiles(&self) -> Quantiles {
        let at = |quantile: f64| self.0.value_at_quantile(quantile) as f64 / 1000.0;
        Quantiles {
            count: self.0.len(),
            mean: self.0.mean() / 1000.0,
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: self.0.max() as f64 / 1000.0,
        }
    }
}

impl FromIterator<Duration> for Latencies {
    fn from_iter<T: IntoIterator<Item = Duration>>(durations: T) -> Self {
        let mut latencies = Self::default();
        durations.into_iter().for_each(|duration| latencies.add(duration));
        latencies
    }
}

/// What became of the requests of a step.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) all: Latencies,
    pub(crate) operations: BTreeMap<(Operation, Class), Latencies>,
    pub(crate) database: Latencies,
    pub(crate) queued: Latencies,
    /// How late requests were sent: by that the harness itself was too slow.
    pub(crate) late: Latencies,
    /// Requests that Lambda would have turned away.
    pub(crate) throttled: u64,
    pub(crate) bytes: u64,
    pub(crate) errors: BTreeMap<String, u64>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) operation: Operation,
    pub(crate) class: Class,
    /// From the moment it should have been sent.
    pub(crate) latency: Duration,
    /// From that moment to its sending.
    pub(crate) late: Duration,
    pub(crate) outcome: std::result::Result<Success, String>,
}

/// What a successful answer tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Success {
    pub(crate) database: Duration,
    pub(crate) queued: Duration,
    pub(crate) throttled: bool,
    /// Of the body.
    pub(crate) bytes: u64,
}

impl Recorder {
    /// Only successes have a latency: a quick refusal is not a quick answer.
    pub(crate) fn add(&mut self, answered: Answered) {
        let Answered { operation, class, latency, late, outcome } = answered;
        self.late.add(late);
        let Success { database, queued, throttled, bytes } = match outcome {
            Ok(success) => success,
            Err(error) => {
                *self.errors.entry(format!("{}: {error}", operation.name())).or_default() += 1;
                return;
            }
        };
        self.all.add(latency);
        self.operations.entry((operation, class)).or_default().add(latency);
        self.database.add(database);
        self.queued.add(queued);
        self.throttled += u64::from(throttled);
        self.bytes += bytes;
    }
}
