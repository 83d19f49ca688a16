//! `{"action": "import_legacy"}`: takes over users and tasks of the old backend, and says what it could not.

mod report;
mod row;

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use shared::clock::Clock;
use shared::db::DbError;
use shared::db::legacy::{self, Kind, Source, Taken};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::MigrateError;
pub use report::{Counts, Imported, Position};
use row::Judged;

/// How many rows one transaction takes over.
const BATCH: i64 = 5_000;

/// How many problems the answer lists; the table `legacy_problems` has all.
const LISTED: usize = 200;

/// Kept back to answer with, and for a batch that has begun.
const RESERVE: SignedDuration = SignedDuration::from_secs(30);

/// What a run is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) dry_run: bool,
    pub(crate) after: Option<Position>,
    pub(crate) deadline: Option<Timestamp>,
}

pub(crate) async fn run(client: &mut Client, clock: &Clock, import: &Import) -> Result<Imported, MigrateError> {
    legacy::prepare(client).await?;
    let source = Source::find(client).await?.ok_or(MigrateError::NoLegacy)?;
    let mut run = Run {
        source,
        clock,
        import,
        duplicates: HashSet::new(),
        report: Imported::empty(),
        at: clock.now(),
        begun: false,
    };
    if import.after.is_none() && !import.dry_run {
        legacy::forget_problems(client).await?;
    }
    let start = import.after.as_ref();
    let first = start.map_or(Kind::User, |position| position.source);
    for kind in [Kind::User, Kind::Task] {
        if first == Kind::Task && kind == Kind::User {
            continue;
        }
        let after = start.filter(|position| position.source == kind).and_then(|position| position.legacy_id.clone());
        run.report.next = run.table(client, kind, after).await?;
        if run.report.next.is_some() {
            return Ok(run.report);
        }
    }
    if !import.dry_run {
        let mut whole = true;
        for kind in [Kind::User, Kind::Task] {
            let (taken, skipped) = legacy::verify(client, kind).await?;
            whole &= legacy::count(client, kind).await? == taken + skipped;
        }
        run.report.verified = Some(whole);
    }
    Ok(run.report)
}

struct Run<'a> {
    source: Source,
    clock: &'a Clock,
    import: &'a Import,
    duplicates: HashSet<String>,
    report: Imported,
    at: Timestamp,
    begun: bool,
}

impl Run<'_> {
    /// Walks one table. Answers where to go on if time runs out.
    async fn table(
        &mut self,
        client: &mut Client,
        kind: Kind,
        mut after: Option<String>,
    ) -> Result<Option<Position>, MigrateError> {
        let total = legacy::count(client, kind).await?;
        self.duplicates = legacy::duplicates(client, &self.source, kind).await?;
        let mut done = 0;
        loop {
            let late = self.import.deadline.is_some_and(|deadline| self.clock.now() >= deadline - RESERVE);
            // A run gets on by one batch at least.
            if late && self.begun {
                return Ok(Some(Position { source: kind, legacy_id: after }));
            }
            let (looked_at, last) = match kind {
                Kind::User => self.users(client, after.as_deref()).await?,
                Kind::Task => self.tasks(client, after.as_deref()).await?,
            };
            let Some(last) = last else { return Ok(None) };
            after = Some(last);
            self.begun = true;
            done += looked_at;
            tracing::info!(table = kind.as_str(), done, total, "importing");
        }
    }

    async fn users(
        &mut self,
        client: &mut Client,
        after: Option<&str>,
    ) -> Result<(usize, Option<String>), MigrateError> {
        let rows = legacy::users(client, &self.source, after, BATCH).await?;
        let (looked_at, last) = (rows.len(), rows.last().map(|row| row.id.clone()));
        let mut judged = Judged::new(Kind::User);
        let (mut ids, mut parsed) = (Vec::new(), Vec::new());
        for old in &rows {
            if let Some(user) = row::user(old, &self.duplicates, self.at, &mut judged) {
                ids.push(user.id);
                parsed.push((old.id.as_str(), user));
            }
        }
        let emails: Vec<&str> = parsed.iter().map(|(_, user)| user.email.as_str()).collect();
        let taken = legacy::known_users(client, &ids, &emails).await?;
        let mut fresh = Vec::new();
        for (legacy_id, user) in parsed {
            if taken.before.contains(&user.id) {
                judged.already(legacy_id);
            } else if taken.ids.contains(&user.id) {
                judged.skip(legacy_id, "another account has this id");
            } else if let Some(owner) = taken.emails.get(user.email.as_str()) {
                judged.skip(legacy_id, &format!("the account {owner} has this address"));
            } else {
                fresh.push((legacy_id.to_owned(), user));
            }
        }
        if self.import.dry_run {
            judged.would_store(fresh.len());
        } else {
            let (names, users): (Vec<_>, Vec<_>) = fresh.into_iter().unzip();
            let stored = store(client, &users, self.at, legacy::store_users).await?;
            judged.stored(names.into_iter().zip(users.iter().map(|user| user.id)), &stored);
        }
        self.finish(client, judged, looked_at).await?;
        Ok((looked_at, last))
    }

    async fn tasks(
        &mut self,
        client: &mut Client,
        after: Option<&str>,
    ) -> Result<(usize, Option<String>), MigrateError> {
        let rows = legacy::tasks(client, &self.source, after, BATCH).await?;
        let (looked_at, last) = (rows.len(), rows.last().map(|row| row.id.clone()));
        let mut judged = Judged::new(Kind::Task);
        let mut parsed = Vec::new();
        for old in rows {
            let legacy_id = old.id.clone();
            if let Some(task) = row::task(old, &self.duplicates, self.at, &mut judged) {
                parsed.push((legacy_id, task));
            }
        }
        let (ids, owners): (Vec<Uuid>, Vec<Uuid>) = parsed.iter().map(|(_, task)| (task.id, task.user_id)).unzip();
        let taken = legacy::known_tasks(client, &ids, &owners).await?;
        let mut fresh = Vec::new();
        for (legacy_id, task) in parsed {
            match self.refusal(&taken, task.id, task.user_id) {
                _ if taken.before.contains(&task.id) => judged.already(&legacy_id),
                Some(problem) => judged.skip(&legacy_id, problem),
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

    fn refusal(&self, taken: &Taken, id: Uuid, user: Uuid) -> Option<&'static str> {
        if taken.users.contains(&user) {
            return taken.ids.contains(&id).then_some("another task has this id");
        }
        // A dry run has not taken over the users.
        if self.import.dry_run {
            return None;
        }
        Some(if taken.users_before.contains(&user) {
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
            Kind::User => &mut self.report.users,
            Kind::Task => &mut self.report.tasks,
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

/// Stores rows together, or one by one if the database refuses one of them. Answers which were stored.
async fn store<Row>(
    client: &mut Client,
    rows: &[Row],
    at: Timestamp,
    how: impl AsyncFn(&mut Client, &[Row], Timestamp) -> Result<HashSet<Uuid>, DbError>,
) -> Result<HashSet<Uuid>, DbError> {
    match how(client, rows, at).await {
        Err(error) if is_refusal(&error) => {}
        together => return together,
    }
    let mut stored = HashSet::new();
    for row in rows {
        match how(client, std::slice::from_ref(row), at).await {
            Ok(one) => stored.extend(one),
            Err(error) if is_refusal(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(stored)
}

/// Whether the database refused what a row says, which does not concern the others.
fn is_refusal(error: &DbError) -> bool {
    matches!(error, DbError::Constraint { .. } | DbError::Other(_))
}
