//! Permits of a caller's networks, as parameters of `app.take_permits` and `app.give_back_permits`.

use super::sessions::Client;
use crate::config::Limit;

/// The size of each network's bucket, in halves of the narrowest one's: 1, 2 and 2.5 times, since an IPv6 /56 and a /48 may
/// be one customer's.
const HALVES: [i32; 3] = [2, 4, 5];

/// The buckets of a caller's networks, from the narrowest. Without a limit there are none.
#[derive(Debug)]
pub(super) struct Permits<'a> {
    pub(super) keys: Vec<&'a str>,
    pub(super) everys: Vec<f64>,
    /// Null parameters mean that nothing is limited.
    pub(super) bursts: Option<Vec<i32>>,
    limits: Vec<Limit>,
}

impl<'a> Permits<'a> {
    pub(super) fn of(limit: Option<Limit>, client: &'a Client) -> Self {
        let wider = |limit: Limit, halves: i32| Limit {
            burst: limit.burst.saturating_mul(halves) / 2,
            every: limit.every * 2.0 / f64::from(halves),
        };
        let limits: Vec<Limit> = match limit {
            None => Vec::new(),
            Some(limit) => client.networks.iter().zip(HALVES).map(|(_, halves)| wider(limit, halves)).collect(),
        };
        Self {
            keys: client.networks.iter().map(String::as_str).take(limits.len()).collect(),
            everys: limits.iter().map(|limit| limit.every).collect(),
            bursts: limit.map(|_| limits.iter().map(|limit| limit.burst).collect()),
            limits,
        }
    }

    /// The limit of the network that refused, counted from 1.
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
        let client = Client { networks: ["a", "b", "c"].map(str::to_owned).into(), ..Client::default() };
        let permits = Permits::of(Some(Limit { burst: 10, every: 12.0 }), &client);
        assert_eq!(permits.bursts.as_deref(), Some([10, 20, 25].as_slice()));
        assert_eq!(permits.limit(Some(3)), Some(Limit { burst: 25, every: 4.8 }));
        assert_eq!(permits.limit(None), None);
        let unlimited = Permits::of(None, &client);
        assert_eq!((unlimited.keys.len(), unlimited.bursts), (0, None));
    }
}
