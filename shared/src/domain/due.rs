//! When a task is due.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Invalid;

/// A time between the years 1 and 9999, in whole microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueDatetime(Timestamp);

impl DueDatetime {
    /// Reads a time as [`parse_time`] does.
    ///
    /// # Errors
    /// See [`parse_time`].
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        parse_time(text).map(Self)
    }

    /// The time in UTC.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        self.0
    }
}

/// Reads a time in RFC 3339. A time without an offset, as the field `datetime-local` of a browser sends it, is in UTC,
/// with or without seconds. A date without a time is midnight in UTC. A leap second is read as the second before it.
///
/// # Errors
/// If the text has another form, or the time is not between the years 1 and 9999.
pub fn parse_time(text: &str) -> Result<Timestamp, Invalid> {
    const FORM: Invalid =
        Invalid::new("must be a date and time as in 2026-02-15T17:00:00Z, at the latest 9999-12-30T22:00:00Z");
    // The calendar library accepts more forms of ISO 8601 than the contract.
    if !has_form(text) {
        return Err(FORM);
    }
    let civil = text
        .parse::<Timestamp>()
        .or_else(|_| text.parse::<DateTime>().and_then(|local| TimeZone::UTC.to_timestamp(local)));
    let time = civil.map_err(|_| FORM)?;
    let utc = TimeZone::UTC.to_datetime(time);
    if utc.year() < 1 {
        return Err(FORM);
    }
    // A leap second is the last second of June or December in UTC (RFC 3339 §5.7, appendix D).
    let ends_a_half_year = matches!((utc.month(), utc.day()), (6, 30) | (12, 31));
    if names_second_60(text) && !(ends_a_half_year && (utc.hour(), utc.minute()) == (23, 59)) {
        return Err(Invalid::new("has a second 60, which exists only at the end of June or December in UTC"));
    }
    Timestamp::from_microsecond(time.as_microsecond()).map_err(|_| FORM)
}

/// Whether a text of the right form has the second 60.
fn names_second_60(text: &str) -> bool {
    text.get(16..19) == Some(":60")
}

/// Whether a text has the form `2026-02-15`, `2026-02-15T17:00`, with seconds, a fraction, and `Z` or an offset.
fn has_form(text: &str) -> bool {
    let digits = |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = |part: &str, separator: char, lengths: &[usize]| {
        let parts: Vec<&str> = part.split(separator).collect();
        parts.len() == lengths.len() && parts.iter().zip(lengths).all(|(part, length)| digits(part, *length))
    };
    let Some((date, rest)) = text.split_once(['T', 't', ' ']) else { return numbers(text, '-', &[4, 2, 2]) };
    let (time, offset) = match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let time = numbers(clock, ':', &[2, 2, 2]) || (numbers(clock, ':', &[2, 2]) && !time.contains('.'));
    let offset = match offset.get(1..) {
        None => true,
        Some("") => matches!(offset, "Z" | "z"),
        Some(hours) => numbers(hours, ':', &[2, 2]) && hours < "24",
    };
    numbers(date, '-', &[4, 2, 2]) && time && (1..=9).any(|length| digits(fraction, length)) && offset
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        DueDatetime::parse(text).unwrap().timestamp().to_string()
    }

    #[test]
    fn an_offset_is_converted_to_utc() {
        assert_eq!(parsed("2026-02-15T17:00:00+02:00"), "2026-02-15T15:00:00Z");
        assert_eq!(parsed("2026-02-15T17:00:00.123456789Z"), "2026-02-15T17:00:00.123456Z");
    }

    #[test]
    fn a_time_without_an_offset_is_utc() {
        assert_eq!(parsed("2026-02-15T17:00"), "2026-02-15T17:00:00Z");
        assert_eq!(parsed("2026-02-15T17:00:30"), "2026-02-15T17:00:30Z");
        assert_eq!(parsed("2026-02-15"), "2026-02-15T00:00:00Z");
    }

    #[test]
    fn a_second_60_is_one_where_utc_may_have_one() {
        assert_eq!(parsed("2016-12-31T23:59:60Z"), "2016-12-31T23:59:59Z");
        assert_eq!(parsed("2015-06-30T19:59:60-04:00"), "2015-06-30T23:59:59Z");
        for text in ["2026-02-15T17:00:60Z", "2016-12-31T23:59:60+01:00", "2016-12-31T22:59:60Z", "2026-02-15T23:59:60"]
        {
            assert!(DueDatetime::parse(text).is_err(), "{text}");
        }
        assert!(DueDatetime::parse("2016-12-31T23:59:61Z").is_err());
    }

    #[test]
    fn the_edges_are_errors_and_not_surprises() {
        assert_eq!(parsed("0001-01-01T00:00:00Z"), "0001-01-01T00:00:00Z");
        for text in [
            "",
            "soon",
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "0001-01-01T00:00:00+01:00",
            "0000-12-31T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "-0001-01-01T00:00:00Z",
            "+002026-02-15T17:00:00Z",
            "2026-02-15T17:00:00+02:00[Europe/Paris]",
            "2026-02-15T25:00:00Z",
            "1771174800",
            "20260215T170000Z",
            "20260215",
            "2026-02-15T17",
            "2026-02-15T17:00:00,5Z",
            "2026-02-15T17:00:00+25:00",
            "2026-02-15T17:00:00+24:00",
            "2026-02-15T17:00:00+02:00:30",
            "2026-02-15T17:00:00+02",
            "2026-02-15T17:00.5Z",
            "2026-02-15T17:00:00.Z",
            "2026-02-15T17:00:00Z+02:00",
            "2026-02-15T17:00:00é",
        ] {
            assert!(DueDatetime::parse(text).is_err(), "{text}");
        }
    }
}
