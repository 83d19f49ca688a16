//! Times in responses.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// A time in UTC, as `2026-03-10T12:00:00.000000Z`: always six digits of a second. Strict readers know one layout alone,
/// such as Python before 3.11 and Go's and Swift's formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-03-10T12:00:00.000000Z")]
pub struct Time(pub Timestamp);

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%dT%H:%M:%S.%6fZ"))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_has_six_digits_of_a_second() {
        for (text, expected) in [
            ("2026-03-10T12:00:00Z", "2026-03-10T12:00:00.000000Z"),
            ("2026-03-10T12:00:00.52156Z", "2026-03-10T12:00:00.521560Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
            ("9999-12-30T22:00:00.999999Z", "9999-12-30T22:00:00.999999Z"),
        ] {
            assert_eq!(Time(text.parse().unwrap()).to_string(), expected);
        }
    }
}
