//! Writing what was taken over, with the memory of it, in one transaction a batch.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row, Transaction};
use uuid::Uuid;

use super::{ImportedTask, ImportedUser, Kind, Problem};
use crate::db::DbError;
use crate::domain::{Email, Name};

/// What is known of rows before they are taken over.
#[derive(Debug, Default)]
pub struct Taken {
    /// Taken over before, whether they are still there or not.
    pub before: HashSet<Uuid>,
    /// Ids that rows of ours have.
    pub ids: HashSet<Uuid>,
    /// Addresses that accounts of ours have, and whose.
    pub emails: HashMap<String, Uuid>,
    /// Of these accounts, those that were taken over.
    pub imported_owners: HashSet<Uuid>,
    /// Users that are there.
    pub users: HashSet<Uuid>,
    /// Users that were taken over, and are there or deleted since.
    pub users_before: HashSet<Uuid>,
}

async fn ids(client: &Client, sql: &str, ids: &[Uuid]) -> Result<HashSet<Uuid>, DbError> {
    let rows = client.query_typed(sql, &[(&ids, Type::UUID_ARRAY)]).await?;
    rows.iter().map(|row: &Row| Ok(row.try_get(0)?)).collect()
}

/// What is known of users with these ids and addresses.
///
/// # Errors
/// As any statement.
pub async fn known_users(client: &Client, of: &[Uuid], emails: &[&str]) -> Result<Taken, DbError> {
    let before = ids(client, "SELECT id FROM legacy_rows WHERE source = 'user' AND id = ANY($1)", of).await?;
    let sql = "SELECT u.id, u.email, EXISTS (SELECT FROM legacy_rows r WHERE r.source = 'user' AND r.id = u.id)
               FROM users u WHERE u.id = ANY($1) OR u.email = ANY($2)";
    let rows = client.query_typed(sql, &[(&of, Type::UUID_ARRAY), (&emails, Type::TEXT_ARRAY)]).await?;
    let mut taken = Taken { before, ..Taken::default() };
    for row in &rows {
        let id = row.try_get(0)?;
        taken.ids.insert(id);
        taken.emails.insert(row.try_get(1)?, id);
        if row.try_get(2)? {
            taken.imported_owners.insert(id);
        }
    }
    Ok(taken)
}

/// What is known of tasks with these ids, and of their users.
///
/// # Errors
/// As any statement.
pub async fn known_tasks(client: &Client, of: &[Uuid], users: &[Uuid]) -> Result<Taken, DbError> {
    Ok(Taken {
        before: ids(client, "SELECT id FROM legacy_rows WHERE source = 'task' AND id = ANY($1)", of).await?,
        ids: ids(client, "SELECT id FROM tasks WHERE id = ANY($1)", of).await?,
        emails: HashMap::new(),
        imported_owners: HashSet::new(),
        users: ids(client, "SELECT id FROM users WHERE id = ANY($1)", users).await?,
        users_before: ids(client, "SELECT id FROM legacy_rows WHERE source = 'user' AND id = ANY($1)", users).await?,
    })
}

/// Adds users and the memory of them; answers which were added. One that lost a race for its address is not. Newer
/// accounts lose the addresses that old users take over.
///
/// # Errors
/// As any statement; nothing is added then.
pub async fn store_users(client: &mut Client, users: &[ImportedUser], at: Timestamp) -> Result<HashSet<Uuid>, DbError> {
    const SQL: &str = "
        INSERT INTO users (id, email, name, role, is_active, email_verified, password_hash, created_at, updated_at,
                           banned_at, ban_reason, banned_until)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::boolean[], $7::text[],
                             $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::text[],
                             $12::timestamptz[])
        ON CONFLICT DO NOTHING
        RETURNING id";
    let transaction = client.transaction().await?;
    for user in users.iter().filter(|user| user.takes_address_over) {
        // Each spelling may be the address of an account of its own.
        let sql = "SELECT r.who FROM unnest($1) AS spelling,
                   app.release_address(ARRAY[spelling], $2, gen_random_uuid(), 'old_account_wins') r";
        let spellings = user.email.spellings();
        transaction.query_typed(sql, &[(&spellings, Type::TEXT_ARRAY), (&at, Type::TIMESTAMPTZ)]).await?;
    }
    let each = || users.iter();
    let (ids, emails): (Vec<Uuid>, Vec<&str>) = each().map(|user| (user.id, Email::as_str(&user.email))).unzip();
    let names: Vec<Option<&str>> = each().map(|user| user.name.as_ref().map(Name::as_str)).collect();
    let roles: Vec<&str> = each().map(|user| user.role.as_str()).collect();
    let (active, verified): (Vec<bool>, Vec<bool>) = each().map(|user| (user.is_active, user.email_verified)).unzip();
    let hashes: Vec<Option<&str>> =
        each().map(|user| user.password.as_ref().map(|stored| stored.hash.as_str())).collect();
    let (created, updated): (Vec<Timestamp>, Vec<Timestamp>) =
        each().map(|user| (user.created_at, user.updated_at)).unzip();
    let banned: Vec<Option<Timestamp>> = each().map(|user| user.ban.as_ref().map(|_| at)).collect();
    let reasons: Vec<Option<&str>> = each().map(|user| user.ban.as_ref().map(|(reason, _)| reason.as_str())).collect();
    let until: Vec<Option<Timestamp>> = each().map(|user| user.ban.as_ref().and_then(|(_, until)| *until)).collect();
    let rows = transaction
        .query_typed(
            SQL,
            &[
                (&ids, Type::UUID_ARRAY),
                (&emails, Type::TEXT_ARRAY),
                (&names, Type::TEXT_ARRAY),
                (&roles, Type::TEXT_ARRAY),
                (&active, Type::BOOL_ARRAY),
                (&verified, Type::BOOL_ARRAY),
                (&hashes, Type::TEXT_ARRAY),
                (&created, Type::TIMESTAMPTZ_ARRAY),
                (&updated, Type::TIMESTAMPTZ_ARRAY),
                (&banned, Type::TIMESTAMPTZ_ARRAY),
                (&reasons, Type::TEXT_ARRAY),
                (&until, Type::TIMESTAMPTZ_ARRAY),
            ],
        )
        .await?;
    let is_stored = |user: &ImportedUser| rows.iter().any(|row| row.get::<_, Uuid>(0) == user.id);
    // No account loses its address to nobody.
    if users.iter().any(|user| user.takes_address_over && !is_stored(user)) {
        return Err(DbError::other("a user who takes an address over could not be stored"));
    }
    finish(transaction, Kind::User, &rows, at).await
}

/// Adds tasks and the memory of them; answers which were added. One whose user is just being deleted is not.
///
/// # Errors
/// As any statement; nothing is added then.
pub async fn store_tasks(client: &mut Client, tasks: &[ImportedTask], at: Timestamp) -> Result<HashSet<Uuid>, DbError> {
    const SQL: &str = "
        WITH owners AS MATERIALIZED (SELECT id FROM users WHERE id = ANY($2) FOR KEY SHARE)
        INSERT INTO tasks (id, user_id, title, description, due_datetime, priority, is_completed, completed_at,
                           created_at, updated_at)
        SELECT t.id, t.user_id, t.title, t.description, t.due_datetime, t.priority, t.is_completed,
               CASE WHEN t.is_completed THEN t.updated_at END, t.created_at, t.updated_at
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::smallint[], $7::boolean[],
                    $8::timestamptz[], $9::timestamptz[])
             AS t (id, user_id, title, description, due_datetime, priority, is_completed, created_at, updated_at)
        JOIN owners ON owners.id = t.user_id
        ON CONFLICT DO NOTHING
        RETURNING id";
    let transaction = client.transaction().await?;
    let each = || tasks.iter();
    let (ids, owners): (Vec<Uuid>, Vec<Uuid>) = each().map(|task| (task.id, task.user_id)).unzip();
    let titles: Vec<&str> = each().map(|task| task.title.as_str()).collect();
    let descriptions: Vec<Option<&str>> = each().map(|task| task.description.as_deref()).collect();
    let due: Vec<Option<Timestamp>> = each().map(|task| task.due_datetime).collect();
    let (priorities, completed): (Vec<i16>, Vec<bool>) =
        each().map(|task| (task.priority.rank(), task.is_completed)).unzip();
    let (created, updated): (Vec<Timestamp>, Vec<Timestamp>) =
        each().map(|task| (task.created_at, task.updated_at)).unzip();
    let rows = transaction
        .query_typed(
            SQL,
            &[
                (&ids, Type::UUID_ARRAY),
                (&owners, Type::UUID_ARRAY),
                (&titles, Type::TEXT_ARRAY),
                (&descriptions, Type::TEXT_ARRAY),
                (&due, Type::TIMESTAMPTZ_ARRAY),
                (&priorities, Type::INT2_ARRAY),
                (&completed, Type::BOOL_ARRAY),
                (&created, Type::TIMESTAMPTZ_ARRAY),
                (&updated, Type::TIMESTAMPTZ_ARRAY),
            ],
        )
        .await?;
    finish(transaction, Kind::Task, &rows, at).await
}

/// Remembers the rows that were added, and commits.
async fn finish(
    transaction: Transaction<'_>,
    kind: Kind,
    rows: &[Row],
    at: Timestamp,
) -> Result<HashSet<Uuid>, DbError> {
    let added: Vec<Uuid> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let sql = "INSERT INTO legacy_rows (source, id, imported_at) SELECT $1, id, $3 FROM unnest($2::uuid[]) AS t (id)
               ON CONFLICT DO NOTHING";
    let params: [super::super::Param<'_>; 3] =
        [(&kind.as_str(), Type::TEXT), (&added, Type::UUID_ARRAY), (&at, Type::TIMESTAMPTZ)];
    transaction.query_typed(sql, &params).await?;
    transaction.commit().await?;
    Ok(added.into_iter().collect())
}

/// Adds to the report.
///
/// # Errors
/// As any statement.
pub async fn note_problems(client: &Client, problems: &[Problem], at: Timestamp) -> Result<(), DbError> {
    let sql = "INSERT INTO legacy_problems (source, legacy_id, problem, skipped, found_at)
               SELECT DISTINCT ON (source, legacy_id, problem) source, legacy_id, problem, skipped, $5
               FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[]) AS t (source, legacy_id, problem, skipped)
               ORDER BY source, legacy_id, problem, skipped DESC
               ON CONFLICT (source, legacy_id, problem) DO UPDATE SET skipped = excluded.skipped, found_at = excluded.found_at";
    let sources: Vec<&str> = problems.iter().map(|problem| problem.source.as_str()).collect();
    let ids: Vec<&str> = problems.iter().map(|problem| problem.legacy_id.as_str()).collect();
    let texts: Vec<&str> = problems.iter().map(|problem| problem.problem.as_str()).collect();
    let skipped: Vec<bool> = problems.iter().map(|problem| problem.skipped).collect();
    let params: [super::super::Param<'_>; 5] = [
        (&sources, Type::TEXT_ARRAY),
        (&ids, Type::TEXT_ARRAY),
        (&texts, Type::TEXT_ARRAY),
        (&skipped, Type::BOOL_ARRAY),
        (&at, Type::TIMESTAMPTZ),
    ];
    client.query_typed(sql, &params).await?;
    Ok(())
}

/// Takes the rows that were left out from the report, for a run from the start; what was changed of rows that are
/// here stays on record.
///
/// # Errors
/// As any statement.
pub async fn forget_problems(client: &Client) -> Result<(), DbError> {
    Ok(client.batch_execute("DELETE FROM legacy_problems WHERE skipped").await?)
}
