//! JSON shapes of accounts and tokens.

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};
use shared::db::users::UserRow;
use shared::http::{Data, Time};
use utoipa::ToSchema;
use uuid::Uuid;

/// An account and the tokens of one of its sessions.
#[derive(Serialize, ToSchema)]
#[schema(as = SignedIn)]
pub(crate) struct TokenResponse {
    /// The account's id.
    pub(crate) user_id: Uuid,
    /// The account's address.
    #[schema(example = "ada@example.com")]
    pub(crate) email: String,
    /// The account's display name.
    #[schema(required, example = "Ada")]
    pub(crate) name: Option<String>,
    /// Whether the account may sign in.
    #[schema(example = true)]
    pub(crate) is_active: bool,
    /// When the account was made.
    pub(crate) created_at: Time,
    /// When the account last changed.
    pub(crate) updated_at: Time,
    /// For clients that do not refresh: an access token with a long life after signing in.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    pub(crate) token: SecretString,
    /// When `token` expires.
    pub(crate) expires_at: Time,
    /// The token to send as `Authorization: Bearer`.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    pub(crate) access_token: SecretString,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub(crate) token_type: &'static str,
    /// The seconds after which `access_token` expires.
    #[schema(example = 900)]
    pub(crate) expires_in: i64,
    /// What to trade for new tokens; not there if it is in a cookie.
    #[serde(serialize_with = "expose_some", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "rt1.AZmP…")]
    pub(crate) refresh_token: Option<SecretString>,
    /// When `refresh_token` expires unless it is used.
    pub(crate) refresh_expires_at: Time,
    /// Whether the refresh token is in the cookie; only there if the request asked for the cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = true)]
    pub(crate) refresh_cookie: Option<bool>,
    /// Why the refresh token is not in the cookie although the request asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub(crate) refresh_cookie_reason: Option<&'static str>,
}

/// Writes the secret in plain text: the response is the only place where tokens may appear.
fn expose<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn expose_some<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_some(&secret.as_ref().map(ExposeSecret::expose_secret))
}

/// The response of sign-up, sign-in and refresh.
pub(crate) type TokenBody = Data<TokenResponse>;

/// An account.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct User {
    /// The account's id.
    id: Uuid,
    /// The account's address.
    #[schema(example = "ada@example.com")]
    email: String,
    /// The account's display name.
    #[schema(required, example = "Ada")]
    name: Option<String>,
    /// What the account may do.
    #[schema(value_type = shared::db::users::admin::UserRole, example = "user")]
    role: String,
    /// Whether the address was confirmed.
    #[schema(example = false)]
    email_verified: bool,
    /// When the account was made.
    created_at: Time,
    /// When the account last changed.
    updated_at: Time,
}

/// An account as the first generation of clients knows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserData {
    /// The account's id once more.
    user_id: Uuid,
    /// Whether the account may sign in.
    #[schema(example = true)]
    is_active: bool,
    #[serde(flatten)]
    user: User,
}

/// The answer to `GET /me`: the account twice, because one generation of clients looks in `data`, the other
/// beside it.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeBody {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// The account.
    data: UserData,
    #[serde(flatten)]
    user: User,
}

impl From<UserRow> for MeBody {
    fn from(row: UserRow) -> Self {
        let UserRow {
            id,
            email,
            name,
            role,
            is_active,
            email_verified,
            created_at,
            updated_at,
            banned_at: _,
            banned_until: _,
            ban_reason: _,
        } = row;
        let (created_at, updated_at) = (created_at.into(), updated_at.into());
        let user = User { id, email, name, role, email_verified, created_at, updated_at };
        Self { success: true, data: UserData { user_id: id, is_active, user: user.clone() }, user }
    }
}

/// How many sessions have ended.
#[derive(Serialize, ToSchema)]
#[schema(as = Revoked)]
pub(crate) struct RevokedSessions {
    /// How many.
    #[schema(example = 3)]
    revoked: i64,
}

impl From<i64> for RevokedSessions {
    fn from(revoked: i64) -> Self {
        Self { revoked }
    }
}

/// The response of the endpoints that end sessions.
pub(crate) type RevokedBody = Data<RevokedSessions, &'static str>;
