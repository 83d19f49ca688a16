//! `sessions`: one row per sign-in.

mod end;
mod insert;
mod list;
mod refresh;

use jiff::SignedDuration;

pub use end::{end_legacy_token, revoke_all, revoke_own, sign_out};
pub(super) use insert::open_session_part;
pub use insert::{NewSession, VerifiedCredentials, insert};
pub use list::{SessionRow, list};
pub use refresh::{RefreshAttempt, RefreshVerdict, refresh};

/// How long a session lives without a refresh.
pub const IDLE_LIFETIME: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How long a session lives at most.
pub const ABSOLUTE_LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many live sessions a user may have; one more ends the session that was idle for longest.
pub const MAX_PER_USER: i32 = 20;

/// The reason for which a session is ended when a superseded refresh token looks stolen.
const REUSE: &str = "refresh_token_reused";

/// Whether a refresh token of `:generation` is superseded at `:at`: its successor has been confirmed and has settled,
/// or the token is older than that. `s` is the session.
const SUPERSEDED: &str = "s.generation > :generation AND NOT (s.generation = :generation + 1
    AND (s.confirmed_generation < s.generation OR s.settle_until > :at))";
