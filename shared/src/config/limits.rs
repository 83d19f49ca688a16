//! Reads rate limits, which are written as `burst, refill/unit`, for example `10, 5/min`.

use super::Function;
use super::reader::Reader;
use crate::domain::{Limit, Limits};

/// How a limit is written.
const EXPECTED: &str = "a burst and a refill, as in `10, 5/min` (units: s, min, h)";

fn parse(text: &str) -> Option<Limit> {
    let (burst, refill) = text.split_once(',')?;
    let (count, unit) = refill.trim().split_once('/')?;
    let number = |text: &str| text.trim().parse::<i32>().ok().filter(|number| (1..=1_000_000).contains(number));
    let unit = match unit.trim() {
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Some(Limit { burst: number(burst)?, seconds_per_permit: unit / f64::from(number(count)?) })
}

/// The limits that `function` enforces; `None` if `RATE_LIMITS` is off or the function has none.
pub(super) fn limits(read: &mut Reader<'_>, function: Function, production: bool) -> Option<Limits> {
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
        let found = wanted.then(|| read.or_default(&[name], default, EXPECTED, parse)).flatten();
        found.or_else(|| parse(default))
    };
    let limits = Limits {
        sign_in_address: limit(auth, "RATE_LIMIT_SIGN_IN_ADDRESS", "10, 5/min")?,
        sign_in_account: limit(auth, "RATE_LIMIT_SIGN_IN_ACCOUNT", "5, 1/min")?,
        sign_up: limit(auth, "RATE_LIMIT_SIGN_UP", "5, 10/h")?,
        refresh: limit(auth, "RATE_LIMIT_REFRESH", "30, 6/min")?,
        writes: limit(!auth, "RATE_LIMIT_WRITES", "120, 2/s")?,
    };
    on.unwrap_or(true).then_some(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_burst_and_a_refill() {
        assert_eq!(parse("10, 5/min"), Some(Limit { burst: 10, seconds_per_permit: 12.0 }));
        assert_eq!(parse("120,2/s"), Some(Limit { burst: 120, seconds_per_permit: 0.5 }));
        assert_eq!(parse("5, 10 / h"), Some(Limit { burst: 5, seconds_per_permit: 360.0 }));
        for text in ["", "5", "5,", "5, 1", "0, 1/s", "5, 0/s", "-1, 1/s", "5, 1/day", "5.5, 1/s", "5, 1/s, 1/s"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
