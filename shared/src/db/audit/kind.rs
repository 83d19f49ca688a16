//! The kinds of audit events.

/// What happened. The names are stable: clients show them to users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The account was created.
    SignedUp,
    /// A session was opened.
    SignedIn,
    /// A sign-in was refused after its password was checked.
    SignInFailed,
    /// The user signed out of a session.
    SignedOut,
    /// The user ended one of their other sessions.
    SessionRevoked,
    /// All sessions were ended.
    SessionsRevoked,
    /// The password was changed.
    PasswordChanged,
    /// A superseded refresh token looked stolen, or a client signed out with it. The session was ended.
    RefreshTokenReused,
    /// A client presented a superseded refresh token. The session continues.
    RefreshTokenSuperseded,
    /// The successor of a refresh token was returned again, to another network or user agent than the first time.
    RefreshedElsewhere,
    /// A password confirmation failed.
    PasswordRefused,
    /// The role was changed.
    RoleChanged,
    /// The account was banned.
    Banned,
    /// The ban was lifted.
    Unbanned,
    /// The account was enabled.
    Activated,
    /// The account was disabled.
    Deactivated,
    /// An operator reset the count of failed sign-ins.
    SignInUnlocked,
    /// The account was deleted.
    AccountDeleted,
    /// An operator took the email address away from the account.
    AddressReleased,
    /// A rate limit refused a request.
    RateLimited,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 20] = [
        Self::SignedUp,
        Self::SignedIn,
        Self::SignInFailed,
        Self::SignedOut,
        Self::SessionRevoked,
        Self::SessionsRevoked,
        Self::PasswordChanged,
        Self::RefreshTokenReused,
        Self::RefreshTokenSuperseded,
        Self::RefreshedElsewhere,
        Self::PasswordRefused,
        Self::RoleChanged,
        Self::Banned,
        Self::Unbanned,
        Self::Activated,
        Self::Deactivated,
        Self::SignInUnlocked,
        Self::AccountDeleted,
        Self::AddressReleased,
        Self::RateLimited,
    ];

    /// The name in the column `kind`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedUp => "signed_up",
            Self::SignedIn => "signed_in",
            Self::SignInFailed => "sign_in_failed",
            Self::SignedOut => "signed_out",
            Self::SessionRevoked => "session_revoked",
            Self::SessionsRevoked => "sessions_revoked",
            Self::PasswordChanged => "password_changed",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::RefreshTokenSuperseded => "refresh_token_superseded",
            Self::RefreshedElsewhere => "refreshed_elsewhere",
            Self::PasswordRefused => "password_refused",
            Self::RoleChanged => "role_changed",
            Self::Banned => "banned",
            Self::Unbanned => "unbanned",
            Self::Activated => "activated",
            Self::Deactivated => "deactivated",
            Self::SignInUnlocked => "sign_in_unlocked",
            Self::AccountDeleted => "account_deleted",
            Self::AddressReleased => "address_released",
            Self::RateLimited => "rate_limited",
        }
    }
}
