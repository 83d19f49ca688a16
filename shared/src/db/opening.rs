//! The SQL that opens the transaction of a caller. It contains ids, numbers and a time as literals, because a simple
//! query has no parameters.

use jiff::Timestamp;
use uuid::Uuid;

use super::permits::limit_params;
use super::scope::Caller;
use crate::domain::Limit;

/// A value that may be a literal in the SQL: its text consists of digits, letters, hyphens, colons and dots. Never
/// implement this trait for text.
trait Literal: std::fmt::Display {}
impl Literal for Uuid {}
impl Literal for i64 {}
impl Literal for i32 {}
impl Literal for f64 {}
impl Literal for Timestamp {}

fn literal(value: Option<impl Literal>) -> String {
    value.map_or_else(|| "NULL".to_owned(), |value| format!("'{value}'"))
}

/// The text: `begin`, then `app.open_request` with the caller. `event` is the id of the audit event of a refusal.
pub(super) fn text(
    begin: &str,
    caller: Caller,
    write_limit: Option<Limit>,
    now: Timestamp,
    event: Option<Uuid>,
) -> String {
    let Caller { user, proof, as_admin } = caller;
    let (session, generation) = proof.session().unzip();
    let legacy_token = literal(proof.legacy_token());
    let (burst, seconds_per_permit) = limit_params(write_limit);
    let (user, session, generation) = (literal(Some(user)), literal(session), literal(generation));
    let (now, burst, seconds_per_permit, event) =
        (literal(Some(now)), literal(burst), literal(seconds_per_permit), literal(event));
    let needed = if as_admin { "'admin'" } else { "NULL" };
    format!(
        "{begin}; SELECT app.open_request({user}, {session}, {generation}, {legacy_token}, {now}, {needed}, {burst}, \
         {seconds_per_permit}, {event})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Proof;

    #[test]
    fn no_argument_can_end_its_quotes() {
        let extremes = [(i64::MIN, f64::MIN_POSITIVE, Timestamp::MIN), (i64::MAX, f64::INFINITY, Timestamp::MAX)];
        for (generation, seconds_per_permit, now) in extremes {
            let proof = Proof::Session { id: Uuid::nil(), generation };
            let caller = Caller { user: Uuid::max(), proof, as_admin: true };
            let limit = Limit { burst: i32::MIN, seconds_per_permit };
            let text = text("BEGIN", caller, Some(limit), now, Some(Uuid::max()));
            let arguments = text.strip_prefix("BEGIN; SELECT app.open_request(").unwrap().strip_suffix(')').unwrap();
            let arguments: Vec<&str> = arguments.split(", ").collect();
            assert_eq!(arguments.len(), 9, "{text}");
            for argument in arguments.into_iter().filter(|argument| *argument != "NULL") {
                let inside = argument.strip_prefix('\'').unwrap().strip_suffix('\'').unwrap();
                let plain = |c: char| c.is_ascii_alphanumeric() || "-+:.".contains(c);
                assert!(!inside.is_empty() && inside.chars().all(plain), "{argument}");
            }
        }
    }

    #[test]
    fn missing_values_are_null() {
        let proof = Proof::LegacyToken { id: Uuid::max(), expires_at: Timestamp::MAX };
        let caller = Caller { user: Uuid::nil(), proof, as_admin: false };
        let text = text("BEGIN", caller, None, Timestamp::UNIX_EPOCH, None);
        let rest =
            "', NULL, NULL, 'ffffffff-ffff-ffff-ffff-ffffffffffff', '1970-01-01T00:00:00Z', NULL, NULL, NULL, NULL)";
        assert!(text.ends_with(rest), "{text}");
    }
}
