//! `{"action": "import_legacy"}`: imports users and tasks of the old backend, and reports rows that it cannot import.

mod report;
mod row;
mod store;

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use shared::clock::Clock;
use shared::db::legacy::{self, KnownRows, LegacySchema, LegacyTable, LegacyUser};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::MigrateError;
pub use report::{Counts, ImportReport, OnConflict, Position};
use row::BatchReport;
use store::store;

/// How many rows one transaction imports.
const BATCH: i64 = 5_000;

/// How many problems the response lists; the table `legacy_problems` has all.
const MAX_LISTED: usize = 200;

/// How many batches there are between two log lines about the progress.
const BATCHES_PER_LOG: u32 = 10;

/// The time before the deadline in which no new batch starts.
const RESERVE: SignedDuration = SignedDuration::from_secs(30);

/// The options of one run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) dry_run: bool,
    pub(crate) on_conflict: OnConflict,
    pub(crate) after: Option<Position>,
    pub(crate) deadline: Option<Timestamp>,
}

pub(crate) async fn run(client: &mut Client, clock: &Clock, options: &Options) -> Result<ImportReport, MigrateError> {
    legacy::prepare(client).await?;
    let source = LegacySchema::find(client).await?.ok_or(MigrateError::NoLegacyTables)?;
    let obstacles = source.obstacles(client).await?;
    if !obstacles.is_empty() {
        return Err(MigrateError::LegacyUnreadable(obstacles.join("; ")));
    }
    let mut run = ImportRun {
        source,
        clock,
        options,
        same_ids: HashSet::new(),
        same_addresses: HashSet::new(),
        left_out: HashSet::new(),
        importable: HashSet::new(),
        emails: HashSet::new(),
        report: ImportReport::default(),
        at: clock.now(),
        has_progress: false,
    };
    if options.after.is_none() && !options.dry_run {
        legacy::delete_skipped_problems(client).await?;
    }
    let start = options.after.as_ref();
    let kinds = [LegacyTable::User, LegacyTable::Task].into_iter();
    for kind in kinds.skip_while(|kind| start.is_some_and(|position| position.source != *kind)) {
        let after = start.filter(|position| position.source == kind).and_then(|position| position.legacy_id.clone());
        run.report.next = run.table(client, kind, after).await?;
        if run.report.next.is_some() {
            return Ok(run.report);
        }
    }
    if !options.dry_run {
        let mut complete = true;
        for kind in [LegacyTable::User, LegacyTable::Task] {
            let (taken, skipped) = legacy::verify(client, kind).await?;
            complete &= legacy::count(client, kind).await? == taken + skipped;
        }
        run.report.verified = Some(complete);
    }
    run.report.legacy_password_hashes = Some(legacy::count_passwords(client).await?);
    Ok(run.report)
}

struct ImportRun<'a> {
    source: LegacySchema,
    clock: &'a Clock,
    options: &'a Options,
    /// The ids of rows whose UUID an earlier row has in another spelling.
    same_ids: HashSet<String>,
    /// The ids of users whose email address an older user has; they are read once more after all others.
    same_addresses: HashSet<String>,
    /// The ids of users that were left out because another user has their UUID: that user must not get their tasks.
    left_out: HashSet<String>,
    /// The ids and the email addresses of the users that a dry run would have imported.
    importable: HashSet<Uuid>,
    emails: HashSet<String>,
    report: ImportReport,
    at: Timestamp,
    /// Whether this run has imported a batch.
    has_progress: bool,
}

impl ImportRun<'_> {
    /// Imports one table. Returns where to continue if the time ran out.
    async fn table(
        &mut self,
        client: &mut Client,
        kind: LegacyTable,
        mut after: Option<String>,
    ) -> Result<Option<Position>, MigrateError> {
        let total = legacy::count(client, kind).await?;
        self.same_ids = legacy::same_ids(client, &self.source, kind).await?;
        if kind == LegacyTable::User {
            self.same_addresses = legacy::same_addresses(client, &self.source).await?;
        } else {
            self.left_out = legacy::same_ids(client, &self.source, LegacyTable::User).await?;
        }
        let (mut done, mut batches) = (0, 0_u32);
        loop {
            let late = self.options.deadline.is_some_and(|deadline| self.clock.now() >= deadline - RESERVE);
            // Each run imports at least one batch, so that repeated runs reach the end.
            if late && self.has_progress {
                return Ok(Some(Position { source: kind, legacy_id: after }));
            }
            let (looked_at, last) = match kind {
                LegacyTable::User => self.users(client, after.as_deref()).await?,
                LegacyTable::Task => self.tasks(client, after.as_deref()).await?,
            };
            let Some(last) = last else { break };
            after = Some(last);
            self.has_progress = true;
            done += looked_at;
            batches += 1;
            if batches % BATCHES_PER_LOG == 0 {
                tracing::info!(table = kind.as_str(), done, total, "importing");
            }
        }
        let without_id = legacy::count_without_id(client, kind).await?;
        if without_id > 0 {
            let mut batch = BatchReport::new(kind);
            batch.skip("", &format!("{without_id} rows have no id"));
            self.finish(client, batch, usize::try_from(without_id).unwrap_or_default()).await?;
            let counts = if kind == LegacyTable::User { &mut self.report.users } else { &mut self.report.tasks };
            counts.skipped += without_id - 1;
        }
        if kind == LegacyTable::User {
            // If the older user was refused for another reason, the next one with the email address is imported.
            let later: Vec<String> = self.same_addresses.drain().collect();
            let rows = legacy::users_by_id(client, &self.source, &later).await?;
            self.import_users(client, rows).await?;
        }
        Ok(None)
    }

    async fn users(
        &mut self,
        client: &mut Client,
        after: Option<&str>,
    ) -> Result<(usize, Option<String>), MigrateError> {
        let mut rows = legacy::users(client, &self.source, after, BATCH).await?;
        let (looked_at, last) = (rows.len(), rows.last().map(|row| row.id.clone()));
        rows.retain(|row| !self.same_addresses.contains(&row.id));
        self.import_users(client, rows).await?;
        Ok((looked_at, last))
    }

    async fn import_users(&mut self, client: &mut Client, rows: Vec<LegacyUser>) -> Result<(), MigrateError> {
        let mut batch = BatchReport::new(LegacyTable::User);
        let (mut ids, mut parsed) = (Vec::new(), Vec::new());
        for old in &rows {
            if let Some(user) = row::user(old, &self.same_ids, self.at, &mut batch) {
                ids.push(user.id);
                parsed.push((old.id.clone(), user));
            }
        }
        let emails: Vec<&str> = parsed.iter().flat_map(|(_, user)| user.email.spellings()).collect();
        let known = legacy::known_users(client, &ids, &emails).await?;
        let (mut fresh, mut seen, mut seen_ids) = (Vec::new(), HashSet::new(), HashSet::new());
        for (legacy_id, mut user) in parsed {
            let email = user.email.as_str().to_owned();
            let owners: Vec<Uuid> =
                user.email.spellings().into_iter().filter_map(|spelling| known.emails.get(spelling).copied()).collect();
            let loses = |owner: &Uuid| {
                self.options.on_conflict == OnConflict::OldAccountWins && !known.imported_owners.contains(owner)
            };
            if known.imported.contains(&user.id) {
                batch.already(&legacy_id);
            } else if known.ids.contains(&user.id) {
                batch.skip(&legacy_id, "another account has this id");
            } else if let Some(owner) = owners.iter().find(|owner| !loses(owner)) {
                batch.skip(&legacy_id, &format!("the account {owner} has this address"));
            } else if self.emails.contains(&email) || !seen.insert(email) {
                batch.skip(&legacy_id, "another user has this address");
            } else if !seen_ids.insert(user.id) {
                batch.skip(&legacy_id, "another user has this id");
            } else {
                user.takes_address_over = !owners.is_empty();
                for owner in &owners {
                    let problem = format!("the account {owner} had this address, and has a placeholder now");
                    batch.adjust(&legacy_id, &problem);
                }
                fresh.push((legacy_id, user));
            }
        }
        if self.options.dry_run {
            batch.would_store(fresh.len());
            self.importable.extend(fresh.iter().map(|(_, user)| user.id));
            self.emails.extend(seen);
        } else {
            let (names, users): (Vec<_>, Vec<_>) = fresh.into_iter().unzip();
            let stored = store(client, &users, self.at, legacy::store_users).await?;
            batch.stored(names.into_iter().zip(users.iter().map(|user| user.id)), &stored);
        }
        self.finish(client, batch, rows.len()).await
    }

    async fn tasks(
        &mut self,
        client: &mut Client,
        after: Option<&str>,
    ) -> Result<(usize, Option<String>), MigrateError> {
        let rows = legacy::tasks(client, &self.source, after, BATCH).await?;
        let (looked_at, last) = (rows.len(), rows.last().map(|row| row.id.clone()));
        let mut batch = BatchReport::new(LegacyTable::Task);
        let mut parsed = Vec::new();
        for old in rows {
            let legacy_id = old.id.clone();
            if old.user_id.as_ref().is_some_and(|user| self.left_out.contains(user)) {
                batch.skip(&legacy_id, "its user was left out");
                continue;
            }
            if let Some(task) = row::task(old, &self.same_ids, self.at, &mut batch) {
                parsed.push((legacy_id, task));
            }
        }
        let (ids, owners): (Vec<Uuid>, Vec<Uuid>) = parsed.iter().map(|(_, task)| (task.id, task.user_id)).unzip();
        let known = legacy::known_tasks(client, &ids, &owners).await?;
        let (mut fresh, mut seen) = (Vec::new(), HashSet::new());
        for (legacy_id, task) in parsed {
            match self.refusal(&known, task.id, task.user_id) {
                _ if known.imported.contains(&task.id) => batch.already(&legacy_id),
                Some(problem) => batch.skip(&legacy_id, problem),
                None if !seen.insert(task.id) => batch.skip(&legacy_id, "another task has this id"),
                None => fresh.push((legacy_id, task)),
            }
        }
        if self.options.dry_run {
            batch.would_store(fresh.len());
        } else {
            let (names, tasks): (Vec<_>, Vec<_>) = fresh.into_iter().unzip();
            let stored = store(client, &tasks, self.at, legacy::store_tasks).await?;
            batch.stored(names.into_iter().zip(tasks.iter().map(|task| task.id)), &stored);
        }
        self.finish(client, batch, looked_at).await?;
        Ok((looked_at, last))
    }

    /// Why a task cannot be stored; `None` if it can.
    fn refusal(&self, known: &KnownRows, id: Uuid, user: Uuid) -> Option<&'static str> {
        // An account with the same id that was not imported belongs to another user.
        let is_here = known.users.contains(&user) && known.imported_users.contains(&user);
        if is_here || self.importable.contains(&user) {
            return known.ids.contains(&id).then_some("another task has this id");
        }
        // A dry run that continues another one does not know the users that the other would have imported.
        if self.options.dry_run && self.options.after.is_some() {
            return None;
        }
        Some(if known.imported_users.contains(&user) {
            "its user has deleted their account since"
        } else {
            "its user does not exist, or was left out"
        })
    }

    /// Writes the problems of a batch and adds it to the report.
    async fn finish(&mut self, client: &Client, batch: BatchReport, looked_at: usize) -> Result<(), MigrateError> {
        if !self.options.dry_run {
            legacy::record_problems(client, &batch.problems, self.at).await?;
        }
        let counts = match batch.kind {
            LegacyTable::User => &mut self.report.users,
            LegacyTable::Task => &mut self.report.tasks,
        };
        counts.found += i64::try_from(looked_at).unwrap_or_default();
        counts.imported += batch.imported;
        counts.already += batch.already;
        for problem in batch.problems {
            *(if problem.skipped { &mut counts.skipped } else { &mut counts.adjusted }) += 1;
            if self.report.problems.len() < MAX_LISTED {
                self.report.problems.push(problem);
            } else {
                self.report.more_problems += 1;
            }
        }
        Ok(())
    }
}
