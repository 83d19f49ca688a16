//! The end of an account.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::standing;
use crate::db::audit::{Kind, Note, quoted};
use crate::db::{Columns, DbError, Refusal, Scope};
use crate::passwords::StoredPassword;

/// What became of an account that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone, with its tasks and sessions.
    Gone,
    /// It is the only administrator.
    LastAdmin,
    /// Its password was changed meanwhile, or somebody else deleted it.
    Changed,
}

/// Deletes an account with everything that is its own. What stays are its audit events, without anything that
/// tells whose they were, and one more.
///
/// # Errors
/// As [`Scope::query`].
pub async fn delete(
    db: &Scope<'_>,
    user: Uuid,
    verified: &StoredPassword,
    account: &str,
    at: Timestamp,
    event: Uuid,
) -> Result<Deleted, DbError> {
    let noted = Note {
        id: "$5",
        at: "$4",
        kind: &quoted(Kind::AccountDeleted),
        user: "gone.id",
        from: "gone, forgotten",
        ..Note::default()
    }
    .sql();
    let standing = standing("$4");
    // Administrators are locked in the order of their ids, so that of the last two only one can go.
    let sql = format!(
        "WITH admins AS MATERIALIZED (
             SELECT u.id FROM users u WHERE u.role = 'admin' AND {standing}
               AND EXISTS (SELECT FROM users me WHERE me.id = $1 AND me.role = 'admin')
             ORDER BY u.id FOR NO KEY UPDATE
         ), account AS MATERIALIZED (
             SELECT u.id, u.role, u.role <> 'admin' OR (SELECT count(*) FROM admins WHERE id <> $1) > 0 AS dispensable
             FROM users u WHERE u.id = $1 AND u.password_hash = $2
         ), gone AS (
             DELETE FROM users u USING account
             WHERE u.id = account.id AND account.dispensable AND u.role = account.role AND u.password_hash = $2
             RETURNING u.id
         ), forgotten AS MATERIALIZED (
             SELECT app.forget_account(gone.id) FROM gone
         ), cleared AS (
             DELETE FROM sign_in_failures f USING gone WHERE f.account = $3
         ), noted AS ({noted})
         SELECT account.dispensable, EXISTS (SELECT FROM gone), (SELECT count(*) FROM forgotten) FROM account"
    );
    let outcome = db
        .query(
            &sql,
            &[
                (&user, Type::UUID),
                (&verified.hash, Type::TEXT),
                (&account, Type::TEXT),
                (&at, Type::TIMESTAMPTZ),
                (&event, Type::UUID),
            ],
        )
        .await;
    let outcome = match outcome {
        // The first run may have deleted the account, with the session that asks.
        Err(error @ DbError::RefusedAgain(Refusal::Revoked)) => {
            let gone = super::find(&db.as_nobody(), user).await?.is_none();
            return if gone { Ok(Deleted::Gone) } else { Err(error) };
        }
        outcome => outcome?,
    };
    let Some(row) = outcome.rows.first() else {
        return Ok(if outcome.retried { Deleted::Gone } else { Deleted::Changed });
    };
    let mut columns = Columns::of(row);
    Ok(match (columns.take()?, columns.take()?) {
        (_, true) => Deleted::Gone,
        (false, _) => Deleted::LastAdmin,
        (true, false) => Deleted::Changed,
    })
}
