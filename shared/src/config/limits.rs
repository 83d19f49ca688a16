//! How often something may be done: `burst, refill/unit`, as in `10, 5/min`.

use std::fmt;

use super::Function;
use super::reader::Reader;

/// A bucket of permits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// How many permits a full bucket holds; 1 to 1,000,000.
    pub burst: i32,
    /// The seconds in which it gains one; more than 0.
    pub every: f64,
}

impl Limit {
    /// How the limits are written.
    pub(super) const EXPECTED: &str = "a burst and a refill, as in `10, 5/min` (units: s, min, h)";

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (burst, refill) = text.split_once(',')?;
        let (count, unit) = refill.trim().split_once('/')?;
        let number = |text: &str| text.trim().parse::<i32>().ok().filter(|number| (1..=1_000_000).contains(number));
        let unit = match unit.trim() {
            "s" => 1.0,
            "min" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        Some(Self { burst: number(burst)?, every: unit / f64::from(number(count)?) })
    }

    /// Burst and refill as parameters of `app.take_permit`; nulls for no limit.
    pub(crate) fn params(limit: Option<Self>) -> (Option<i32>, Option<f64>) {
        limit.map(|Self { burst, every }| (burst, every)).unzip()
    }

    /// The seconds in which an empty bucket is full again.
    #[must_use]
    pub fn window(self) -> f64 {
        self.every * f64::from(self.burst)
    }
}

/// The limits of one function; those it does not need have their defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// `RATE_LIMIT_SIGN_IN_ADDRESS`: tries to sign in, by address.
    pub sign_in_address: Limit,
    /// `RATE_LIMIT_SIGN_IN_ACCOUNT`: tries to sign in, by account and address; also of confirming a password.
    pub sign_in_account: Limit,
    /// `RATE_LIMIT_SIGN_UP`: sign-ups, by address.
    pub sign_up: Limit,
    /// `RATE_LIMIT_REFRESH`: refreshes, by session.
    pub refresh: Limit,
    /// `RATE_LIMIT_WRITES`: writes with a token, by user.
    pub writes: Limit,
}

impl Limits {
    /// The limits that `function` enforces; none if they are off.
    pub(super) fn read(read: &mut Reader<'_>, function: Function, production: bool) -> Option<Self> {
        if !matches!(function, Function::Auth | Function::Tasks | Function::Users) {
            return None;
        }
        let on = read.or_default(&["RATE_LIMITS"], "on", "on or off", |text| match text {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        });
        if on == Some(false) && production {
            read.refuse(&["RATE_LIMITS"], "on, in production");
        }
        let auth = function == Function::Auth;
        let mut limit = |wanted: bool, name: &'static str, default: &str| {
            let found = wanted.then(|| read.or_default(&[name], default, Limit::EXPECTED, Limit::parse)).flatten();
            found.or_else(|| Limit::parse(default))
        };
        let limits = Self {
            sign_in_address: limit(auth, "RATE_LIMIT_SIGN_IN_ADDRESS", "10, 5/min")?,
            sign_in_account: limit(auth, "RATE_LIMIT_SIGN_IN_ACCOUNT", "5, 1/min")?,
            sign_up: limit(auth, "RATE_LIMIT_SIGN_UP", "5, 10/h")?,
            refresh: limit(auth, "RATE_LIMIT_REFRESH", "30, 6/min")?,
            writes: limit(!auth, "RATE_LIMIT_WRITES", "120, 2/s")?,
        };
        on.unwrap_or(true).then_some(limits)
    }
}

/// What refused a request, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refused {
    /// The name of the limit, for the `RateLimit` headers.
    pub policy: Policy,
    /// How much it allows.
    pub limit: Limit,
    /// The seconds until it allows one more.
    pub wait: f64,
}

impl Refused {
    /// The whole seconds to wait, at least one.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a float to an integer saturates")]
    pub fn retry_after(&self) -> i64 {
        (self.wait.ceil() as i64).max(1)
    }
}

/// The names of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Tries to sign in, by address.
    SignInAddress,
    /// Tries to sign in, by account and address.
    SignInAccount,
    /// Failed sign-ins in a row, by account.
    SignInFailures,
    /// Sign-ups, by address.
    SignUp,
    /// Refreshes, by session.
    Refresh,
    /// Confirmations of a password, by user.
    Password,
    /// Writes, by user.
    Writes,
}

impl Policy {
    /// The name, which is also that of the bucket in `rate_limits`.
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

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_burst_and_a_refill() {
        assert_eq!(Limit::parse("10, 5/min"), Some(Limit { burst: 10, every: 12.0 }));
        assert_eq!(Limit::parse("120,2/s"), Some(Limit { burst: 120, every: 0.5 }));
        assert_eq!(Limit::parse("5, 10 / h"), Some(Limit { burst: 5, every: 360.0 }));
        for text in ["", "5", "5,", "5, 1", "0, 1/s", "5, 0/s", "-1, 1/s", "5, 1/day", "5.5, 1/s", "5, 1/s, 1/s"] {
            assert_eq!(Limit::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_window_is_the_time_to_fill_up() {
        assert!((Limit { burst: 10, every: 12.0 }.window() - 120.0).abs() < f64::EPSILON);
    }
}
