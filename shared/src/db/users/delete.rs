//! Deleting an account.

use uuid::Uuid;

use super::USABLE;
use crate::db::audit::{EventKind, Note};
use crate::db::{DbError, RequestRefusal, Statement, WriteScope};
use crate::domain::{AuditContext, StoredPassword};

/// The result of deleting an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountDeletion {
    /// It was deleted with its tasks and sessions.
    Done,
    /// It is the account of the only administrator.
    LastAdmin,
    /// Its password was changed meanwhile, or it was already deleted.
    Changed,
}

/// Deletes an account and everything that belongs to it. Its audit events stay, without anything that identifies its
/// user, and one more is added.
pub async fn delete(
    db: &WriteScope<'_>,
    user: Uuid,
    verified: &StoredPassword,
    account: &str,
    context: &AuditContext,
) -> Result<AccountDeletion, DbError> {
    let kind = EventKind::AccountDeleted;
    let note = Note { user: "gone.id", ip: "NULL", agent: "NULL", from: "gone, forgotten", ..Note::of(kind) };
    // Lock administrators in the order of their ids, so that two concurrent requests cannot delete the last two.
    let result = Statement::new(
        "users.delete",
        "WITH admins AS MATERIALIZED (
             SELECT u.id FROM users u WHERE u.role = 'admin' AND {usable}
               AND EXISTS (SELECT FROM users me WHERE me.id = :user AND me.role = 'admin')
             ORDER BY u.id FOR NO KEY UPDATE
         ), account AS MATERIALIZED (
             SELECT u.id, u.role, u.role <> 'admin' OR (SELECT count(*) FROM admins WHERE id <> :user) > 0 AS dispensable
             FROM users u WHERE u.id = :user AND u.password_hash = :hash
         ), gone AS (
             DELETE FROM users u USING account
             WHERE u.id = account.id AND account.dispensable AND u.role = account.role AND u.password_hash = :hash
             RETURNING u.id
         ), forgotten AS MATERIALIZED (
             SELECT app.forget_account(gone.id) FROM gone
         ), cleared AS (
             DELETE FROM sign_in_failures f USING gone WHERE f.account = :account
         ), {note}
         SELECT account.dispensable, EXISTS (SELECT FROM gone) AS is_gone, (SELECT count(*) FROM forgotten) FROM account",
    )
    .fragment("usable", USABLE)
    .note(&note, context)
    .bind("user", &user)
    .bind("hash", &verified.hash)
    .bind("account", &account)
    .run(db)
    .await;
    let rows = match result {
        // The first attempt may have deleted the account, and with it the session of this request.
        Err(error @ DbError::RetryRefused(RequestRefusal::SessionRevoked)) => {
            let is_gone = super::find(&db.anonymous(), user).await?.is_none();
            return if is_gone { Ok(AccountDeletion::Done) } else { Err(error) };
        }
        result => result?,
    };
    let Some(record) = rows.first() else {
        return Ok(if rows.retried { AccountDeletion::Done } else { AccountDeletion::Changed });
    };
    Ok(match (record.get("dispensable")?, record.get("is_gone")?) {
        (_, true) => AccountDeletion::Done,
        (false, _) => AccountDeletion::LastAdmin,
        (true, false) => AccountDeletion::Changed,
    })
}
