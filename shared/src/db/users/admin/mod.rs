//! Accounts as administrators and operators see and change them. Their database role cannot read passwords.

mod list;

use jiff::Timestamp;
use uuid::Uuid;

use super::{USABLE, UserRow};
use crate::db::audit::{EventKind, Note};
use crate::db::{DbError, FromRow as _, Statement, WriteExecutor};
use crate::domain::{AuditContext, BanReason, Email, Invalid};

pub use list::{Filter, list};

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, utoipa::ToSchema, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[schema(as = Role)]
pub enum UserRole {
    /// Use the API.
    User,
    /// Administer accounts as well.
    Admin,
}

impl UserRole {
    /// Both roles.
    pub const ALL: [Self; 2] = [Self::User, Self::Admin];

    /// Parses a name.
    ///
    /// # Errors
    /// If it is neither `user` nor `admin`.
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

/// How an action identifies its account.
#[derive(Clone, Debug)]
pub enum AccountTarget {
    /// By id.
    Id(Uuid),
    /// By email address, which is what operators know.
    Email(Email),
}

/// A change of an account by an administrator or an operator.
#[derive(Debug)]
pub struct AccountAction<'a> {
    pub target: AccountTarget,
    /// The administrator; `None` for an operator.
    pub actor: Option<Uuid>,
    pub change: AccountChange,
    pub context: &'a AuditContext,
}

/// What an administrator or an operator can do to an account.
#[derive(Clone, Debug)]
pub enum AccountChange {
    /// Give it a role.
    SetRole(UserRole),
    /// Enable it.
    Activate,
    /// Disable it, and end its sessions.
    Deactivate,
    /// Ban it, and end its sessions.
    Ban {
        /// The end; `None` if the ban has no end.
        until: Option<Timestamp>,
        /// The reason, for the user to read.
        reason: BanReason,
    },
    /// Lift its ban.
    Unban,
    /// Reset its count of failed sign-ins.
    UnlockSignIn,
    /// End its sessions.
    EndSessions,
}

/// What an action did.
#[derive(Debug)]
pub enum AccountActionResult {
    /// The account after the action.
    Done(Box<UserRow>),
    /// The account does not exist.
    Missing,
    /// It is the account of the only administrator.
    LastAdmin,
}

impl AccountChange {
    fn kind(&self) -> EventKind {
        match self {
            Self::SetRole(_) => EventKind::RoleChanged,
            Self::Activate => EventKind::Activated,
            Self::Deactivate => EventKind::Deactivated,
            Self::Ban { .. } => EventKind::Banned,
            Self::Unban => EventKind::Unbanned,
            Self::UnlockSignIn => EventKind::SignInUnlocked,
            Self::EndSessions => EventKind::SessionsRevoked,
        }
    }

    /// The SET clause, and the condition that nothing changes.
    fn sql(&self) -> (&'static str, &'static str) {
        match self {
            Self::SetRole(_) => ("role = :role", "u.role = :role"),
            Self::Activate => ("is_active = true", "u.is_active"),
            Self::Deactivate => ("is_active = false", "NOT u.is_active"),
            Self::Ban { .. } => (
                "banned_at = :at, banned_until = :until, ban_reason = :reason",
                "(u.banned_until IS NOT DISTINCT FROM :until AND u.ban_reason IS NOT DISTINCT FROM :reason)",
            ),
            Self::Unban => ("banned_at = NULL, banned_until = NULL, ban_reason = NULL", "u.banned_at IS NULL"),
            Self::UnlockSignIn => ("sign_in_unlocked_at = :at", "true"),
            // Sessions are in another table.
            Self::EndSessions => ("is_active = u.is_active", "true"),
        }
    }

    /// The revoke reason; `None` if the sessions stay.
    fn revoke_reason(&self) -> Option<&'static str> {
        match self {
            Self::Deactivate => Some("deactivated"),
            Self::Ban { .. } => Some("banned"),
            Self::EndSessions => Some("ended_by_administrator"),
            _ => None,
        }
    }

    /// Whether an administrator would no longer be one.
    fn demotes(&self) -> bool {
        matches!(self, Self::Deactivate | Self::Ban { .. } | Self::SetRole(UserRole::User))
    }
}

/// Changes an account and adds the audit event, even if the change has no effect.
pub async fn change_account(
    db: &impl WriteExecutor,
    action: &AccountAction<'_>,
) -> Result<AccountActionResult, DbError> {
    // If another request changed the account while this one waited for the lock, decide again whether this is allowed.
    for _ in 0..3 {
        if let Some(result) = try_to_act(db, action).await? {
            return Ok(result);
        }
    }
    Err(DbError::other("the account keeps changing"))
}

/// `None` if the account changed while the statement waited for its lock.
async fn try_to_act(
    db: &impl WriteExecutor,
    action: &AccountAction<'_>,
) -> Result<Option<AccountActionResult>, DbError> {
    let AccountAction { target, actor, change, context } = action;
    let (set, already) = change.sql();
    let note = Note {
        user: "changed.id",
        actor: ":actor",
        details: "jsonb_strip_nulls(jsonb_build_object(
                      'role', :role::text, 'until', :until::timestamptz, 'reason', :reason::text))",
        from: "changed",
        ..Note::of(change.kind())
    };
    let (id, spellings) = match target {
        AccountTarget::Id(id) => (Some(id), None),
        AccountTarget::Email(email) => (None, Some(email.spellings())),
    };
    let role = match change {
        AccountChange::SetRole(role) => Some(role.as_str()),
        _ => None,
    };
    let (until, reason) = match change {
        AccountChange::Ban { until, reason } => (*until, Some(reason.as_str())),
        _ => (None, None),
    };
    // Lock administrators in the order of their ids, so that two concurrent requests cannot demote the last two.
    // `updated_at` changes only if the account does.
    let rows = Statement::new(
        "users.change_account",
        "WITH target AS (
             SELECT u.id, u.role FROM users u WHERE u.id = :id OR u.email = ANY (:spellings)
             ORDER BY array_position(:spellings, u.email::text) LIMIT 1
         ), admins AS MATERIALIZED (
             SELECT u.id FROM users u
             WHERE u.role = 'admin' AND {usable} AND :demotes AND (SELECT target.role FROM target) = 'admin'
             ORDER BY u.id FOR NO KEY UPDATE
         ), allowed AS MATERIALIZED (
             SELECT target.id, target.role,
                    NOT :demotes OR target.role <> 'admin'
                    OR (SELECT count(*) FROM admins WHERE admins.id <> target.id) > 0 AS allowed
             FROM target
         ), changed AS (
             UPDATE users u SET {set},
                    legacy_revoked_at = CASE WHEN :end_reason::text IS NULL THEN u.legacy_revoked_at ELSE :at END,
                    updated_at = CASE WHEN {already} THEN u.updated_at ELSE :at END
             FROM allowed WHERE u.id = allowed.id AND u.role = allowed.role AND allowed.allowed
             RETURNING {columns}
         ), ended AS MATERIALIZED (
             SELECT CASE WHEN :end_reason::text IS NULL THEN 0
                    ELSE app.end_sessions(changed.id, NULL, :at, :end_reason) END AS sessions
             FROM changed
         ), {note}
         SELECT {columns}, allowed.allowed, ended.sessions
         FROM allowed LEFT JOIN (changed u CROSS JOIN ended) ON true",
    )
    .fragment("usable", USABLE)
    .fragment("columns", UserRow::COLUMNS)
    .fragment("set", set)
    .fragment("already", already)
    .note(&note, context)
    .bind("id", &id)
    .bind("spellings", &spellings)
    .bind("actor", actor)
    .bind("role", &role)
    .bind("until", &until)
    .bind("reason", &reason)
    .bind("end_reason", &change.revoke_reason())
    .bind("demotes", &change.demotes())
    .run(db)
    .await?;
    let Some(record) = rows.first() else { return Ok(Some(AccountActionResult::Missing)) };
    if !record.get::<bool>("allowed")? {
        return Ok(Some(AccountActionResult::LastAdmin));
    }
    let ended: Option<i64> = record.get("sessions")?;
    ended.map(|_| Ok(AccountActionResult::Done(Box::new(record.read()?)))).transpose()
}
