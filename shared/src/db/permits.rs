//! Rate limits that a statement enforces itself, with `app.take_permit` and `app.take_permits`.

use super::{DbError, Record, Statement};
use crate::domain::{AuditContext, Limit, LimitExceeded, LimitName, RequestOrigin};

/// A permit to take from one bucket.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    pub(super) name: LimitName,
    pub(super) limit: Option<Limit>,
    pub(super) burst: Option<i32>,
    pub(super) interval: Option<f64>,
    /// SQL: the key of the bucket.
    pub(super) key: &'a str,
    /// SQL: the account in the audit event of a refusal.
    pub(super) user: &'a str,
    /// SQL: the session in the audit event of a refusal.
    pub(super) session: &'a str,
}

impl Permit<'_> {
    /// A permit of `limit`; without a limit it is always granted.
    pub(super) fn of(name: LimitName, limit: Option<Limit>) -> Self {
        let (burst, interval) = limit_params(limit);
        Self { name, limit, burst, interval, key: "NULL", user: "NULL", session: "NULL" }
    }

    /// The refusal in a row of a statement that selects `permit.wait`.
    pub(super) fn refusal(&self, record: Record<'_>) -> Result<Option<LimitExceeded>, DbError> {
        let wait: Option<f64> = record.get("wait")?;
        Ok(Option::zip(wait, self.limit).map(|(wait, limit)| LimitExceeded { name: self.name, limit, wait }))
    }
}

impl<'a> Statement<'a> {
    /// Attaches the part `{permit}`, which takes a permit. Its column `wait` is null if there was one.
    pub(super) fn permit(self, permit: &'a Permit<'_>, context: &'a AuditContext) -> Self {
        let Permit { name, key, user, session, .. } = permit;
        let sql = format!(
            "permit AS MATERIALIZED (
                 SELECT p.wait FROM app.take_permit(
                     '{name}', {key}, :at, :permit_burst, :permit_interval, :event_id, {user}, {session}, :ip, :agent) p
             )"
        );
        self.fragment("permit", sql)
            .bind("permit_burst", &permit.burst)
            .bind("permit_interval", &permit.interval)
            .context(context)
    }

    /// Binds `:networks`, `:network_bursts` and `:network_intervals`.
    pub(super) fn network_permits(self, permits: &'a NetworkPermits<'_>) -> Self {
        self.bind("networks", &permits.keys)
            .bind("network_bursts", &permits.bursts)
            .bind("network_intervals", &permits.intervals)
    }
}

/// The burst and the refill of a limit as parameters of `app.take_permit`; null without a limit.
pub(super) fn limit_params(limit: Option<Limit>) -> (Option<i32>, Option<f64>) {
    limit.map(|Limit { burst, seconds_per_permit }| (burst, seconds_per_permit)).unzip()
}

/// Bucket sizes relative to the narrowest network, in halves: 1, 2 and 2.5 times. An IPv6 /56 or /48 may belong to one
/// customer.
const HALVES: [i32; 3] = [2, 4, 5];

/// Permits from the buckets of a request's networks, the narrowest first. Without a limit there are no buckets.
#[derive(Debug)]
pub(super) struct NetworkPermits<'a> {
    keys: Vec<&'a str>,
    intervals: Vec<f64>,
    /// `None` (null in SQL) if nothing is limited.
    bursts: Option<Vec<i32>>,
    limits: Vec<Limit>,
}

impl<'a> NetworkPermits<'a> {
    pub(super) fn of(limit: Option<Limit>, origin: &'a RequestOrigin) -> Self {
        let wider = |limit: Limit, halves: i32| Limit {
            burst: limit.burst.saturating_mul(halves) / 2,
            seconds_per_permit: limit.seconds_per_permit * 2.0 / f64::from(halves),
        };
        let limits: Vec<Limit> = match limit {
            None => Vec::new(),
            Some(limit) => origin.networks.iter().zip(HALVES).map(|(_, halves)| wider(limit, halves)).collect(),
        };
        Self {
            keys: origin.networks.iter().map(String::as_str).take(limits.len()).collect(),
            intervals: limits.iter().map(|limit| limit.seconds_per_permit).collect(),
            bursts: limit.map(|_| limits.iter().map(|limit| limit.burst).collect()),
            limits,
        }
    }

    /// The limit of the network at `level`, which the SQL counts from 1, the narrowest first.
    pub(super) fn limit(&self, level: Option<i32>) -> Option<Limit> {
        let index = usize::try_from(level?).ok()?.checked_sub(1)?;
        self.limits.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wider_networks_have_larger_buckets() {
        let origin = RequestOrigin { networks: ["a", "b", "c"].map(str::to_owned).into(), ..RequestOrigin::default() };
        let permits = NetworkPermits::of(Some(Limit { burst: 10, seconds_per_permit: 12.0 }), &origin);
        assert_eq!(permits.bursts.as_deref(), Some([10, 20, 25].as_slice()));
        assert_eq!(permits.limit(Some(3)), Some(Limit { burst: 25, seconds_per_permit: 4.8 }));
        assert_eq!(permits.limit(None), None);
        let unlimited = NetworkPermits::of(None, &origin);
        assert_eq!((unlimited.keys.len(), unlimited.bursts), (0, None));
    }
}
