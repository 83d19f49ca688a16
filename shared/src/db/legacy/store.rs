//! Stores imported rows and records their ids, one transaction per batch.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use super::{ImportedTask, ImportedUser, LegacyTable, RowProblem};
use crate::db::{DbError, Rows, Statement};
use crate::domain::{Email, Name};

/// What the database already has of the rows of a batch.
#[derive(Debug, Default)]
pub struct KnownRows {
    /// Ids that were imported earlier; their rows may have been deleted since.
    pub imported: HashSet<Uuid>,
    /// Ids that rows of `users` or `tasks` have.
    pub ids: HashSet<Uuid>,
    /// Email addresses that accounts have, with the ids of these accounts.
    pub emails: HashMap<String, Uuid>,
    /// The accounts in `ids` that were imported.
    pub imported_owners: HashSet<Uuid>,
    /// The users of the tasks that exist.
    pub users: HashSet<Uuid>,
    /// The users of the tasks that were imported; they may have been deleted since.
    pub imported_users: HashSet<Uuid>,
}

async fn ids(client: &Client, sql: &str, ids: &[Uuid]) -> Result<HashSet<Uuid>, DbError> {
    let rows = Statement::new("legacy.ids", sql).bind("ids", &ids).run(client).await?;
    rows.iter().map(|record| record.get("id")).collect()
}

const IMPORTED_USERS: &str = "SELECT id FROM legacy_rows WHERE source = 'user' AND id = ANY(:ids)";

/// Looks up users with these ids and email addresses.
pub async fn known_users(client: &Client, of: &[Uuid], emails: &[&str]) -> Result<KnownRows, DbError> {
    let mut known = KnownRows { imported: ids(client, IMPORTED_USERS, of).await?, ..KnownRows::default() };
    let rows = Statement::new(
        "legacy.known_users",
        "SELECT u.id, u.email,
                EXISTS (SELECT FROM legacy_rows r WHERE r.source = 'user' AND r.id = u.id) AS is_imported
         FROM users u WHERE u.id = ANY(:ids) OR u.email = ANY(:emails)",
    )
    .bind("ids", &of)
    .bind("emails", &emails)
    .run(client)
    .await?;
    for record in rows.iter() {
        let id = record.get("id")?;
        known.ids.insert(id);
        known.emails.insert(record.get("email")?, id);
        if record.get("is_imported")? {
            known.imported_owners.insert(id);
        }
    }
    Ok(known)
}

/// Looks up tasks with these ids, and their users.
pub async fn known_tasks(client: &Client, of: &[Uuid], users: &[Uuid]) -> Result<KnownRows, DbError> {
    Ok(KnownRows {
        imported: ids(client, "SELECT id FROM legacy_rows WHERE source = 'task' AND id = ANY(:ids)", of).await?,
        ids: ids(client, "SELECT id FROM tasks WHERE id = ANY(:ids)", of).await?,
        users: ids(client, "SELECT id FROM users WHERE id = ANY(:ids)", users).await?,
        imported_users: ids(client, IMPORTED_USERS, users).await?,
        ..KnownRows::default()
    })
}

/// Stores users and records their ids; stores nothing if a statement fails. Returns which were stored: a user whose
/// email address was taken meanwhile is missing. Newer accounts lose the email addresses that old users take over.
pub async fn store_users(client: &mut Client, users: &[ImportedUser], at: Timestamp) -> Result<HashSet<Uuid>, DbError> {
    let transaction = client.transaction().await?;
    for user in users.iter().filter(|user| user.takes_address_over) {
        // Several accounts may each have one of the spellings.
        Statement::new(
            "legacy.release_address",
            "SELECT r.who FROM unnest(:spellings) AS spelling,
             app.release_address(ARRAY[spelling], :at, gen_random_uuid(), 'old_account_wins') r",
        )
        .bind("spellings", &user.email.spellings())
        .bind("at", &at)
        .run(&transaction)
        .await?;
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
    let rows = Statement::new(
        "legacy.store_users",
        "INSERT INTO users (id, email, name, role, is_active, email_verified, password_hash, created_at, updated_at,
                            banned_at, ban_reason, banned_until)
         SELECT * FROM unnest(:ids::uuid[], :emails::text[], :names::text[], :roles::text[], :active::boolean[],
                              :verified::boolean[], :hashes::text[], :created::timestamptz[], :updated::timestamptz[],
                              :banned::timestamptz[], :reasons::text[], :until::timestamptz[])
         ON CONFLICT DO NOTHING
         RETURNING id",
    )
    .bind("ids", &ids)
    .bind("emails", &emails)
    .bind("names", &names)
    .bind("roles", &roles)
    .bind("active", &active)
    .bind("verified", &verified)
    .bind("hashes", &hashes)
    .bind("created", &created)
    .bind("updated", &updated)
    .bind("banned", &banned)
    .bind("reasons", &reasons)
    .bind("until", &until)
    .run(&transaction)
    .await?;
    let stored = finish(&transaction, LegacyTable::User, &rows, at).await?;
    // An account may lose its email address only to an account that exists.
    if users.iter().any(|user| user.takes_address_over && !stored.contains(&user.id)) {
        return Err(DbError::other("a user who takes an address over could not be stored"));
    }
    transaction.commit().await?;
    Ok(stored)
}

/// Stores tasks and records their ids; stores nothing if a statement fails. Returns which were stored: a task whose
/// user is being deleted is missing.
pub async fn store_tasks(client: &mut Client, tasks: &[ImportedTask], at: Timestamp) -> Result<HashSet<Uuid>, DbError> {
    let each = || tasks.iter();
    let (ids, owners): (Vec<Uuid>, Vec<Uuid>) = each().map(|task| (task.id, task.user_id)).unzip();
    let titles: Vec<&str> = each().map(|task| task.title.as_str()).collect();
    let descriptions: Vec<Option<&str>> = each().map(|task| task.description.as_deref()).collect();
    let due: Vec<Option<Timestamp>> = each().map(|task| task.due_datetime).collect();
    let (priorities, completed): (Vec<i16>, Vec<bool>) =
        each().map(|task| (task.priority.rank(), task.is_completed)).unzip();
    let (created, updated): (Vec<Timestamp>, Vec<Timestamp>) =
        each().map(|task| (task.created_at, task.updated_at)).unzip();
    let transaction = client.transaction().await?;
    let rows = Statement::new(
        "legacy.store_tasks",
        "WITH owners AS MATERIALIZED (SELECT id FROM users WHERE id = ANY(:owners) FOR KEY SHARE)
         INSERT INTO tasks (id, user_id, title, description, due_datetime, priority, is_completed, completed_at,
                            created_at, updated_at)
         SELECT t.id, t.user_id, t.title, t.description, t.due_datetime, t.priority, t.is_completed,
                CASE WHEN t.is_completed THEN t.updated_at END, t.created_at, t.updated_at
         FROM unnest(:ids::uuid[], :owners::uuid[], :titles::text[], :descriptions::text[], :due::timestamptz[],
                     :priorities::smallint[], :completed::boolean[], :created::timestamptz[], :updated::timestamptz[])
              AS t (id, user_id, title, description, due_datetime, priority, is_completed, created_at, updated_at)
         JOIN owners ON owners.id = t.user_id
         ON CONFLICT DO NOTHING
         RETURNING id",
    )
    .bind("ids", &ids)
    .bind("owners", &owners)
    .bind("titles", &titles)
    .bind("descriptions", &descriptions)
    .bind("due", &due)
    .bind("priorities", &priorities)
    .bind("completed", &completed)
    .bind("created", &created)
    .bind("updated", &updated)
    .run(&transaction)
    .await?;
    let stored = finish(&transaction, LegacyTable::Task, &rows, at).await?;
    transaction.commit().await?;
    Ok(stored)
}

/// Records the ids of the rows that were stored, and returns them.
async fn finish(
    transaction: &Transaction<'_>,
    table: LegacyTable,
    rows: &Rows,
    at: Timestamp,
) -> Result<HashSet<Uuid>, DbError> {
    let stored: Vec<Uuid> = rows.iter().map(|record| record.get("id")).collect::<Result<_, _>>()?;
    Statement::new(
        "legacy.record_rows",
        "INSERT INTO legacy_rows (source, id, imported_at) SELECT :source, id, :at FROM unnest(:ids::uuid[]) AS t (id)
         ON CONFLICT DO NOTHING",
    )
    .bind("source", &table.as_str())
    .bind("ids", &stored)
    .bind("at", &at)
    .run(transaction)
    .await?;
    Ok(stored.into_iter().collect())
}

/// Adds problems to the report.
pub async fn record_problems(client: &Client, problems: &[RowProblem], at: Timestamp) -> Result<(), DbError> {
    let sources: Vec<&str> = problems.iter().map(|problem| problem.source.as_str()).collect();
    let ids: Vec<&str> = problems.iter().map(|problem| problem.legacy_id.as_str()).collect();
    let texts: Vec<&str> = problems.iter().map(|problem| problem.problem.as_str()).collect();
    let skipped: Vec<bool> = problems.iter().map(|problem| problem.skipped).collect();
    Statement::new(
        "legacy.record_problems",
        "INSERT INTO legacy_problems (source, legacy_id, problem, skipped, found_at)
         SELECT DISTINCT ON (source, legacy_id, problem) source, legacy_id, problem, skipped, :at
         FROM unnest(:sources::text[], :ids::text[], :texts::text[], :skipped::boolean[])
              AS t (source, legacy_id, problem, skipped)
         ORDER BY source, legacy_id, problem, skipped DESC
         ON CONFLICT (source, legacy_id, problem) DO UPDATE SET skipped = excluded.skipped, found_at = excluded.found_at",
    )
    .bind("sources", &sources)
    .bind("ids", &ids)
    .bind("texts", &texts)
    .bind("skipped", &skipped)
    .bind("at", &at)
    .run(client)
    .await?;
    Ok(())
}

/// Removes the skipped rows from the report, for an import from the start. The changes of imported rows stay in it.
pub async fn delete_skipped_problems(client: &Client) -> Result<(), DbError> {
    Ok(client.batch_execute("DELETE FROM legacy_problems WHERE skipped").await?)
}
