//! `{"action": "import_legacy"}`: takes over users and tasks of the old backend, and says what it could not.

mod report;
mod row;
mod store;

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use shared::clock::Clock;
use shared::db::legacy::{self, LegacyTable, OldUser, Source, KnownRows};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::MigrateError;
pub use report::{Counts, Imported, OnConflict, Position};
use row::Judged;
use store::store;

/// How many rows one transaction takes over.
const BATCH: i64 = 5_000;

/// How many problems the answer lists; the table `legacy_problems` has all.
const LISTED: usize = 200;

/// After how many batches to say how far it is.
const REPORT: u32 = 10;

/// Kept back for a batch that has begun.
const RESERVE: SignedDuration = SignedDuration::from_secs(30);

/// What a run is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) dry_run: bool,
    pub(crate) on_conflict: OnConflict,
    pub(crate) after: Option<Position>,
    pub(crate) deadline: Option<Timestamp>,
}

pub(crate) async fn run(client: &mut Client, clock: &Clock, import: &Import) -> Result<Imported, MigrateError> {
    legacy::prepare(client).await?;
    let source = Source::find(client).await?.ok_or(MigrateError::NoLegacy)?;
    let obstacles = source.obstacles(client).await?;
    if !obstacles.is_empty() {
        return Err(MigrateError::LegacyUnreadable(obstacles.join("; ")));
    }
    let mut run = Run {
        source,
        clock,
        import,
        same_ids: HashSet::new(),
        same_addresses: HashSet::new(),
        left_out: HashSet::new(),
        importable: HashSet::new(),
        addresses: HashSet::new(),
        report: Imported::empty(),
        at: clock.now(),
        begun: false,
    };
    if import.after.is_none() && !import.dry_run {
        legacy::forget_problems(client).await?;
    }
    let start = import.after.as_ref();
    let kinds = [LegacyTable::User, LegacyTable::Task].into_iter();
    for kind in kinds.skip_while(|kind| start.is_some_and(|position| position.source != *kind)) {
        let after = start.filter(|position| position.source == kind).and_then(|position| position.legacy_id.clone());
        run.report.next = run.table(client, kind, after).await?;
        if run.report.next.is_some() {
            return Ok(run.report);
        }
    }
    if !import.dry_run {
        let mut whole = true;
        for kind in [LegacyTable::User, LegacyTable::Task] {
            let (taken, skipped) = legacy::verify(client, kind).await?;
            whole &= legacy::count(client, kind).await? == taken + skipped;
        }
        run.report.verified = Some(whole);
    }
    run.report.legacy_password_hashes = Some(legacy::count_passwords(client).await?);
    Ok(run.report)
}

struct Run<'a> {
    source: Source,
    clock: &'a Clock,
    import: &'a Import,
    /// Rows that spell the id of another one.
    same_ids: HashSet<String>,
    /// Users whose address an older one has; looked at once more when all others are taken over.
    same_addresses: HashSet<String>,
    /// Users who were left out because another one's id is theirs: their tasks are not that one's.
    left_out: HashSet<String>,
    /// Users that would be there after a dry run, and their addresses.
    importable: HashSet<Uuid>,
    addresses: HashSet<String>,
    report: Imported,
    at: Timestamp,
    begun: bool,
}

impl Run<'_> {
    /// Walks one table. Answers where to go on if time runs out.
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
            let late = self.import.deadline.is_some_and(|deadline| self.clock.now() >= deadline - RESERVE);
            // A run gets on by one batch at least.
            if late && self.begun {
                return Ok(Some(Position { source: kind, legacy_id: after }));
            }
            let (looked_at, last) = match kind {
                LegacyTable::User => self.users(client, after.as_deref()).await?,
                LegacyTable::Task => self.tasks(client, after.as_deref()).await?,
            };
            let Some(last) = last else { break };
            after = Some(last);
            self.begun = true;
            done += looked_at;
            batches += 1;
            if batches % REPORT == 0 {
                tracing::info!(table = kind.as_str(), done, total, "importing");
            }
        }
        let without_id = legacy::count_without_id(client, kind).await?;
        if without_id > 0 {
            let mut judged = Judged::new(kind);
            judged.skip("", &format!("{without_id} rows have no id"));
            self.finish(client, judged, usize::try_from(without_id).unwrap_or_default()).await?;
            let counts = if kind == LegacyTable::User { &mut self.report.users } else { &mut self.report.tasks };
            counts.skipped += without_id - 1;
        }
        if kind == LegacyTable::User {
            // The older one may have been left out for a reason of its own: then the next is taken over.
            let later: Vec<String> = self.same_addresses.drain().collect();
            let rows = legacy::users_by_id(client, &self.source, &later).await?;
            self.judge_users(client, rows).await?;
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
        self.judge_users(client, rows).await?;
        Ok((looked_at, last))
    }

    async fn judge_users(&mut self, client: &mut Client, rows: Vec<OldUser>) -> Result<(), MigrateError> {
        let mut judged = Judged::new(LegacyTable::User);
        let (mut ids, mut parsed) = (Vec::new(), Vec::new());
        for old in &rows {
            if let Some(user) = row::user(old, &self.same_ids, self.at, &mut judged) {
                ids.push(user.id);
                parsed.push((old.id.clone(), user));
            }
        }
        let emails: Vec<&str> = parsed.iter().flat_map(|(_, user)| user.email.spellings()).collect();
        let known = legacy::known_users(client, &ids, &emails).await?;
        let (mut fresh, mut seen, mut seen_ids) = (Vec::new(), HashSet::new(), HashSet::new());
        for (legacy_id, mut user) in parsed {
            let address = user.email.as_str().to_owned();
            let owners: Vec<Uuid> =
                user.email.spellings().into_iter().filter_map(|spelling| known.emails.get(spelling).copied()).collect();
            let loses = |owner: &Uuid| {
                self.import.on_conflict == OnConflict::OldAccountWins && !known.imported_owners.contains(owner)
            };
            if known.imported.contains(&user.id) {
                judged.already(&legacy_id);
            } else if known.ids.contains(&user.id) {
                judged.skip(&legacy_id, "another account has this id");
            } else if let Some(owner) = owners.iter().find(|owner| !loses(owner)) {
                judged.skip(&legacy_id, &format!("the account {owner} has this address"));
            } else if self.addresses.contains(&address) || !seen.insert(address) {
                judged.skip(&legacy_id, "another user has this address");
            } else if !seen_ids.insert(user.id) {
                judged.skip(&legacy_id, "another user has this id");
            } else {
                user.takes_address_over = !owners.is_empty();
                for owner in &owners {
                    judged.adjust(
                        &legacy_id,
                        &format!("the account {owner} had this address, and has a placeholder now"),
                    );
                }
                fresh.push((legacy_id, user));
            }
        }
        if self.import.dry_run {
            judged.would_store(fresh.len());
            self.importable.extend(fresh.iter().map(|(_, user)| user.id));
            self.addresses.extend(seen);
        } else {
            let (names, users): (Vec<_>, Vec<_>) = fresh.into_iter().unzip();
            let stored = store(client, &users, self.at, legacy::store_users).await?;
            judged.stored(names.into_iter().zip(users.iter().map(|user| user.id)), &stored);
        }
        self.finish(client, judged, rows.len()).await
    }

    async fn tasks(
        &mut self,
        client: &mut Client,
        after: Option<&str>,
    ) -> Result<(usize, Option<String>), MigrateError> {
        let rows = legacy::tasks(client, &self.source, after, BATCH).await?;
        let (looked_at, last) = (rows.len(), rows.last().map(|row| row.id.clone()));
        let mut judged = Judged::new(LegacyTable::Task);
        let mut parsed = Vec::new();
        for old in rows {
            let legacy_id = old.id.clone();
            if old.user_id.as_ref().is_some_and(|user| self.left_out.contains(user)) {
                judged.skip(&legacy_id, "its user was left out");
                continue;
            }
            if let Some(task) = row::task(old, &self.same_ids, self.at, &mut judged) {
                parsed.push((legacy_id, task));
            }
        }
        let (ids, owners): (Vec<Uuid>, Vec<Uuid>) = parsed.iter().map(|(_, task)| (task.id, task.user_id)).unzip();
        let known = legacy::known_tasks(client, &ids, &owners).await?;
        let (mut fresh, mut seen) = (Vec::new(), HashSet::new());
        for (legacy_id, task) in parsed {
            match self.refusal(&known, task.id, task.user_id) {
                _ if known.imported.contains(&task.id) => judged.already(&legacy_id),
                Some(problem) => judged.skip(&legacy_id, problem),
                None if !seen.insert(task.id) => judged.skip(&legacy_id, "another task has this id"),
                None => fresh.push((legacy_id, task)),
            }
        }
        if self.import.dry_run {
            judged.would_store(fresh.len());
        } else {
            let (names, tasks): (Vec<_>, Vec<_>) = fresh.into_iter().unzip();
            let stored = store(client, &tasks, self.at, legacy::store_tasks).await?;
            judged.stored(names.into_iter().zip(tasks.iter().map(|task| task.id)), &stored);
        }
        self.finish(client, judged, looked_at).await?;
        Ok((looked_at, last))
    }

    fn refusal(&self, known: &KnownRows, id: Uuid, user: Uuid) -> Option<&'static str> {
        // An account of the same id that was not taken over is somebody else's.
        let is_here = known.users.contains(&user) && known.imported_users.contains(&user);
        if is_here || self.importable.contains(&user) {
            return known.ids.contains(&id).then_some("another task has this id");
        }
        // A dry run that goes on where another stopped does not know what that one found.
        if self.import.dry_run && self.import.after.is_some() {
            return None;
        }
        Some(if known.imported_users.contains(&user) {
            "its user has deleted their account since"
        } else {
            "its user does not exist, or was left out"
        })
    }

    async fn finish(&mut self, client: &Client, judged: Judged, looked_at: usize) -> Result<(), MigrateError> {
        if !self.import.dry_run {
            legacy::note_problems(client, &judged.problems, self.at).await?;
        }
        let counts = match judged.kind {
            LegacyTable::User => &mut self.report.users,
            LegacyTable::Task => &mut self.report.tasks,
        };
        counts.found += i64::try_from(looked_at).unwrap_or_default();
        counts.imported += judged.imported;
        counts.already += judged.already;
        for problem in judged.problems {
            *(if problem.skipped { &mut counts.skipped } else { &mut counts.adjusted }) += 1;
            if self.report.problems.len() < LISTED {
                self.report.problems.push(problem);
            } else {
                self.report.more_problems += 1;
            }
        }
        Ok(())
    }
}
