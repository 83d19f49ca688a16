//! Accounts as administrators and operators see and change them, as a role that sees no password.

mod list;

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{COLUMNS, UserRow, standing};
use crate::db::audit::{Kind, Note, quoted};
use crate::db::sessions::Client;
use crate::db::{Columns, DbError, Scope};
use crate::domain::{BanReason, Email, Invalid};

pub use list::{Filter, list};

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, utoipa::ToSchema, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Use the API.
    User,
    /// Administer accounts as well.
    Admin,
}

impl Role {
    /// Both.
    pub const ALL: [Self; 2] = [Self::User, Self::Admin];

    /// Reads a name.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(Invalid::new("must be one of user, admin"))
    }

    /// The name in the table and in tokens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }
}

/// The account an action is for.
#[derive(Clone, Debug)]
pub enum Target {
    /// By id.
    Id(Uuid),
    /// By address, as operators know it.
    Email(Email),
}

/// Something done to an account by somebody else.
#[derive(Debug)]
pub struct Action<'a> {
    /// The account.
    pub target: Target,
    /// The administrator; none for an operator.
    pub actor: Option<Uuid>,
    /// Where the administrator is.
    pub client: &'a Client,
    /// Now.
    pub at: Timestamp,
    /// The id of the event.
    pub event: Uuid,
    /// What to do.
    pub change: Change,
}

/// What can be done to an account.
#[derive(Clone, Debug)]
pub enum Change {
    /// Give it a role.
    Role(Role),
    /// Enable it.
    Activate,
    /// Disable it, and end its sessions.
    Deactivate,
    /// Ban it, and end its sessions.
    Ban {
        /// Until when; none for good.
        until: Option<Timestamp>,
        /// Why, for the user to read.
        reason: BanReason,
    },
    /// Lift its ban.
    Unban,
    /// Forgive its failed sign-ins.
    UnlockSignIn,
    /// End its sessions.
    EndSessions,
}

/// What became of an action.
#[derive(Debug)]
pub enum Acted {
    /// The account as it is now.
    Done(UserRow),
    /// There is no such account.
    Missing,
    /// Nobody would be left to administer.
    LastAdmin,
}

impl Change {
    fn kind(&self) -> Kind {
        match self {
            Self::Role(_) => Kind::RoleChanged,
            Self::Activate => Kind::Activated,
            Self::Deactivate => Kind::Deactivated,
            Self::Ban { .. } => Kind::Banned,
            Self::Unban => Kind::Unbanned,
            Self::UnlockSignIn => Kind::SignInUnlocked,
            Self::EndSessions => Kind::SessionsRevoked,
        }
    }

    /// What is set, and what would already be so.
    fn sql(&self) -> (&'static str, &'static str) {
        match self {
            Self::Role(_) => ("role = $6", "u.role = $6"),
            Self::Activate => ("is_active = true", "u.is_active"),
            Self::Deactivate => ("is_active = false", "NOT u.is_active"),
            Self::Ban { .. } => (
                "banned_at = $3, banned_until = $7, ban_reason = $8",
                "(u.banned_until IS NOT DISTINCT FROM $7 AND u.ban_reason IS NOT DISTINCT FROM $8)",
            ),
            Self::Unban => ("banned_at = NULL, banned_until = NULL, ban_reason = NULL", "u.banned_at IS NULL"),
            Self::UnlockSignIn => ("sign_in_unlocked_at = $3", "true"),
            // What ends is not in this table.
            Self::EndSessions => ("is_active = u.is_active", "true"),
        }
    }

    /// The reason sessions end for, if they do.
    fn ends_sessions(&self) -> Option<&'static str> {
        match self {
            Self::Deactivate => Some("deactivated"),
            Self::Ban { .. } => Some("banned"),
            Self::EndSessions => Some("ended_by_administrator"),
            _ => None,
        }
    }

    /// Whether an administrator is one no more.
    fn demotes(&self) -> bool {
        matches!(self, Self::Deactivate | Self::Ban { .. } | Self::Role(Role::User))
    }
}

/// Does something to an account and notes it; an action that changes nothing is noted as well.
///
/// # Errors
/// As [`Scope::query`].
pub async fn act(db: &Scope<'_>, action: &Action<'_>) -> Result<Acted, DbError> {
    // Whoever changed the account meanwhile has finished; what is allowed now is decided anew.
    for _ in 0..3 {
        if let Some(acted) = try_to_act(db, action).await? {
            return Ok(acted);
        }
    }
    Err(DbError::other("the account keeps changing"))
}

/// None if the account changed while it was waited for.
async fn try_to_act(db: &Scope<'_>, action: &Action<'_>) -> Result<Option<Acted>, DbError> {
    let Action { target, actor, client, at, event, change } = action;
    let (set, already) = change.sql();
    let noted = Note {
        id: "$4",
        at: "$3",
        kind: &quoted(change.kind()),
        user: "changed.id",
        actor: "$5",
        ip: "$10",
        agent: "$11",
        details: "jsonb_strip_nulls(jsonb_build_object('role', $6::text, 'until', $7::timestamptz, 'reason', $8::text))",
        from: "changed",
        ..Note::default()
    }
    .sql();
    let standing = standing("$3");
    // Administrators are locked in the order of their ids, so that of the last two only one can go. An
    // account keeps the time of its last change if nothing of it changes.
    let sql = format!(
        "WITH target AS (
             SELECT u.id, u.role FROM users u WHERE u.id = $1 OR u.email = ANY ($2)
             ORDER BY array_position($2, u.email::text) LIMIT 1
         ), admins AS MATERIALIZED (
             SELECT u.id FROM users u
             WHERE u.role = 'admin' AND {standing} AND $12 AND (SELECT target.role FROM target) = 'admin'
             ORDER BY u.id FOR NO KEY UPDATE
         ), allowed AS MATERIALIZED (
             SELECT target.id, target.role,
                    NOT $12 OR target.role <> 'admin'
                    OR (SELECT count(*) FROM admins WHERE admins.id <> target.id) > 0 AS allowed
             FROM target
         ), changed AS (
             UPDATE users u SET {set},
                    legacy_revoked_at = CASE WHEN $9::text IS NULL THEN u.legacy_revoked_at ELSE $3 END,
                    updated_at = CASE WHEN {already} THEN u.updated_at ELSE $3 END
             FROM allowed WHERE u.id = allowed.id AND u.role = allowed.role AND allowed.allowed
             RETURNING {COLUMNS}
         ), ended AS MATERIALIZED (
             SELECT CASE WHEN $9::text IS NULL THEN 0 ELSE app.end_sessions(changed.id, NULL, $3, $9) END AS sessions
             FROM changed
         ), noted AS ({noted})
         SELECT allowed.allowed, ended.sessions, {COLUMNS}
         FROM allowed LEFT JOIN (changed u CROSS JOIN ended) ON true"
    );
    let (id, email) = match target {
        Target::Id(id) => (Some(id), None),
        Target::Email(email) => (None, Some(email.spellings())),
    };
    let role = match change {
        Change::Role(role) => Some(role.as_str()),
        _ => None,
    };
    let (until, reason) = match change {
        Change::Ban { until, reason } => (*until, Some(reason.as_str())),
        _ => (None, None),
    };
    let outcome = db
        .query(
            &sql,
            &[
                (&id, Type::UUID),
                (&email, Type::TEXT_ARRAY),
                (at, Type::TIMESTAMPTZ),
                (event, Type::UUID),
                (actor, Type::UUID),
                (&role, Type::TEXT),
                (&until, Type::TIMESTAMPTZ),
                (&reason, Type::TEXT),
                (&change.ends_sessions(), Type::TEXT),
                (&client.ip, Type::TEXT),
                (&client.agent, Type::TEXT),
                (&change.demotes(), Type::BOOL),
            ],
        )
        .await?;
    let Some(row) = outcome.rows.first() else { return Ok(Some(Acted::Missing)) };
    let mut columns = Columns::of(row);
    if !columns.take::<bool>()? {
        return Ok(Some(Acted::LastAdmin));
    }
    let ended: Option<i64> = columns.take()?;
    ended.map(|_| UserRow::read(&mut columns).map(Acted::Done)).transpose()
}
