//! Whether an account may be used: it is neither disabled nor banned.

use jiff::Timestamp;
use shared::db::users::{Ban, UserRow};
use shared::error::{ApiError, Code};
use shared::http::Time;

/// Refuses a disabled or banned account. Call it after the password was verified, so that callers without the
/// password learn nothing.
pub(crate) fn check(user: &UserRow, now: Timestamp) -> Result<(), ApiError> {
    if !user.is_active {
        return Err(ApiError::of(Code::AccountDisabled));
    }
    user.ban(now).map_or(Ok(()), |ban| Err(banned(&ban)))
}

fn banned(ban: &Ban) -> ApiError {
    let Ban { at: _, until, reason } = ban;
    let detail = match until {
        Some(until) => format!("The account is banned until {}: {reason}", Time(*until)),
        None => format!("The account is banned: {reason}"),
    };
    ApiError::new(Code::AccountBanned, detail)
}
