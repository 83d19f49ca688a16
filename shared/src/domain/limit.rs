//! Rate limits: token buckets with a burst and a refill.

use std::fmt;

/// A token bucket: each request takes one permit, and the bucket gains permits over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// How many permits a full bucket holds; 1 to 1,000,000.
    pub burst: i32,
    /// The seconds in which the bucket gains one permit; more than 0.
    pub seconds_per_permit: f64,
}

impl Limit {
    /// The seconds in which an empty bucket fills up.
    #[must_use]
    pub fn window(self) -> f64 {
        self.seconds_per_permit * f64::from(self.burst)
    }
}

/// The limits of one function. Those that it does not enforce have their default values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// `RATE_LIMIT_SIGN_IN_ADDRESS`: sign-in attempts per IP address (IPv6: per /64, /56 and /48).
    pub sign_in_address: Limit,
    /// `RATE_LIMIT_SIGN_IN_ACCOUNT`: sign-in attempts per account and IP address; also password confirmations.
    pub sign_in_account: Limit,
    /// `RATE_LIMIT_SIGN_UP`: sign-ups per IP address (IPv6: per /64, /56 and /48).
    pub sign_up: Limit,
    /// `RATE_LIMIT_REFRESH`: refreshes per session.
    pub refresh: Limit,
    /// `RATE_LIMIT_WRITES`: authenticated writes per user; those of an administrator per session.
    pub writes: Limit,
}

/// A request that exceeded a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitExceeded {
    /// Which limit was exceeded, for the `RateLimit` headers.
    pub name: LimitName,
    /// Its burst and refill.
    pub limit: Limit,
    /// The seconds until the next permit.
    pub wait: f64,
}

impl LimitExceeded {
    /// The seconds until the next permit, rounded up, at least 1.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a float to an integer saturates")]
    pub fn retry_after(&self) -> i64 {
        (self.wait.ceil() as i64).max(1)
    }
}

/// The name of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitName {
    /// Sign-in attempts per IP address.
    SignInAddress,
    /// Sign-in attempts per account and IP address.
    SignInAccount,
    /// Consecutive failed sign-ins per account.
    SignInFailures,
    /// Sign-ups per IP address.
    SignUp,
    /// Refreshes per session.
    Refresh,
    /// Password confirmations per session or legacy token.
    Password,
    /// Writes per user; those of an administrator per session.
    Writes,
}

impl LimitName {
    /// The name in the `RateLimit` headers, and of the bucket in the table `rate_limits`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignInAddress => "sign_in_address",
            Self::SignInAccount => "sign_in_account",
            Self::SignInFailures => "sign_in_failures",
            Self::SignUp => "sign_up",
            Self::Refresh => "refresh",
            Self::Password => "password",
            Self::Writes => "writes",
        }
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_the_time_to_fill_up() {
        assert!((Limit { burst: 10, seconds_per_permit: 12.0 }.window() - 120.0).abs() < f64::EPSILON);
    }
}
