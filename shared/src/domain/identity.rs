//! The user that a verified access token belongs to.

use jiff::Timestamp;
use uuid::Uuid;

/// The user of a verified access token, and what must still be valid for the token to be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub user: Uuid,
    /// The session or the legacy token, which the database checks.
    pub proof: Proof,
}

/// What an access token depends on. The database decides whether it is still valid, at each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The session that issued the token.
    Session {
        id: Uuid,
        /// The generation of the refresh token that was issued together with the access token.
        generation: i64,
    },
    /// The token itself: the old backend, which issued it, has no sessions.
    LegacyToken {
        /// The first half of the token's SHA-256, which identifies it.
        id: Uuid,
        /// When the token expires, leeway included.
        expires_at: Timestamp,
    },
}

impl Proof {
    /// The id of the session and the generation; `None` for a legacy token.
    #[must_use]
    pub fn session(self) -> Option<(Uuid, i64)> {
        match self {
            Self::Session { id, generation } => Some((id, generation)),
            Self::LegacyToken { .. } => None,
        }
    }

    /// The id of the legacy token; `None` for a session.
    #[must_use]
    pub fn legacy_token(self) -> Option<Uuid> {
        match self {
            Self::Session { .. } => None,
            Self::LegacyToken { id, .. } => Some(id),
        }
    }
}
