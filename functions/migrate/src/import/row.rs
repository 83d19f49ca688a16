//! Converts rows of the old tables, and reports which rows are changed and which cannot be imported.

use std::borrow::Cow;
use std::collections::HashSet;

use jiff::Timestamp;
use shared::db::legacy::{ImportedTask, ImportedUser, LegacyTable, LegacyTask, LegacyTime, LegacyUser, RowProblem};
use shared::db::users::admin::UserRole;
use shared::domain::{BanReason, Description, Email, Name, Priority, StoredPassword, Title, replace_controls};
use shared::passwords::{HashCost, cost_of};
use uuid::Uuid;

/// The problems and counts of one batch of rows.
pub(super) struct BatchReport {
    pub(super) kind: LegacyTable,
    pub(super) problems: Vec<RowProblem>,
    pub(super) imported: i64,
    pub(super) already: i64,
}

impl BatchReport {
    pub(super) fn new(kind: LegacyTable) -> Self {
        Self { kind, problems: Vec::new(), imported: 0, already: 0 }
    }

    fn problem(&mut self, legacy_id: &str, problem: &str, skipped: bool) {
        // A malformed id may be any text, of any length.
        let (source, problem) = (self.kind, problem.to_owned());
        let legacy_id = legacy_id.chars().take(200).collect();
        self.problems.push(RowProblem { source, legacy_id, problem, skipped });
    }

    /// Reports that a row is not imported. This replaces what was reported about its changed values.
    pub(super) fn skip(&mut self, legacy_id: &str, problem: &str) {
        self.forget(legacy_id);
        self.problem(legacy_id, problem, true);
    }

    /// Removes what this batch reported about changed values of a row.
    fn forget(&mut self, legacy_id: &str) {
        self.problems.retain(|earlier| earlier.skipped || earlier.legacy_id != legacy_id);
    }

    /// Reports that a row is imported with a changed value.
    pub(super) fn adjust(&mut self, legacy_id: &str, problem: &str) {
        self.problem(legacy_id, problem, false);
    }

    /// Counts a row that an earlier run imported. That run reported its changed values.
    pub(super) fn already(&mut self, legacy_id: &str) {
        self.forget(legacy_id);
        self.already += 1;
    }

    /// Counts the rows of a dry run that would be stored.
    pub(super) fn would_store(&mut self, rows: usize) {
        self.imported += i64::try_from(rows).unwrap_or_default();
    }

    /// Counts the stored rows, and reports those that the database refused.
    pub(super) fn stored(&mut self, rows: impl Iterator<Item = (String, Uuid)>, stored: &HashSet<Uuid>) {
        for (legacy_id, id) in rows {
            if stored.contains(&id) {
                self.imported += 1;
            } else {
                let problem = "the database refused it: its id or address was taken meanwhile, its user deleted, or a value is out of range";
                self.skip(&legacy_id, problem);
            }
        }
    }
}

/// The text with U+FFFD in place of control characters, which the old backend accepted; whether it had any.
fn cleaned(text: Option<&str>) -> (Option<Cow<'_, str>>, bool) {
    match text.map(|text| (text, replace_controls(text))) {
        None => (None, false),
        Some((text, None)) => (Some(text.into()), false),
        Some((_, Some(replaced))) => (Some(replaced.into()), true),
    }
}

const CONTROLS: &str = "a text has control characters, which were replaced by U+FFFD";

/// Reads a UUID with or without hyphens.
fn uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 32 || text.len() == 36)
}

/// When a row was created and updated, and whether a time was missing. The other time replaces it, or else `now`.
fn times(
    created: LegacyTime,
    updated: LegacyTime,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp, bool), &'static str> {
    const RANGE: &str = "created_at or updated_at is out of range";
    match (created, updated) {
        (LegacyTime::OutOfRange, _) | (_, LegacyTime::OutOfRange) => Err(RANGE),
        (LegacyTime::At(created), LegacyTime::At(updated)) => Ok((created, updated, false)),
        (LegacyTime::At(one), LegacyTime::Missing) | (LegacyTime::Missing, LegacyTime::At(one)) => Ok((one, one, true)),
        (LegacyTime::Missing, LegacyTime::Missing) => Ok((now, now, true)),
    }
}

const NO_TIME: &str = "created_at or updated_at is missing; it is the other one now, or the time of the import";

/// Converts a user; `None` if they cannot be imported, with a problem in `batch`.
pub(super) fn user(
    old: &LegacyUser,
    same_ids: &HashSet<String>,
    now: Timestamp,
    batch: &mut BatchReport,
) -> Option<ImportedUser> {
    let LegacyUser { id: legacy_id, email, name, password, is_active, email_verified, role, banned, .. } = old;
    let (name, replaced) = cleaned(name.as_deref());
    let checked = (|| {
        let id = uuid(legacy_id).ok_or("the id is not a UUID")?;
        let email = email.as_deref().ok_or("the address is missing")?;
        let email = Email::parse(email).map_err(|_| "the address is not valid")?;
        if same_ids.contains(legacy_id) {
            return Err("another user has the same id in another spelling");
        }
        let name = name
            .as_deref()
            .map_or(Ok(None), Name::parse)
            .map_err(|_| "the name is blank or longer than 255 characters")?;
        let times = times(old.created_at, old.updated_at, now)?;
        Ok((id, email, name, times))
    })();
    let (id, email, name, (created_at, updated_at, guessed)) = match checked {
        Ok(checked) => checked,
        Err(problem) => {
            batch.skip(legacy_id, problem);
            return None;
        }
    };
    if guessed {
        batch.adjust(legacy_id, NO_TIME);
    }
    let (reason, in_reason) = cleaned(old.ban_reason.as_deref());
    if replaced || (*banned && in_reason) {
        batch.adjust(legacy_id, CONTROLS);
    }
    if is_active.is_none() {
        batch.adjust(legacy_id, "is_active is missing; it is true now");
    }
    let password = password.as_deref().filter(|hash| !hash.is_empty());
    match password {
        None => batch.adjust(legacy_id, "there is no password, so the user cannot sign in"),
        Some(hash) if !matches!(cost_of(hash), Some(HashCost::Bcrypt(_) | HashCost::Sha256)) => {
            batch
                .adjust(legacy_id, "the password hash is of an unknown kind or too costly, so the user cannot sign in");
        }
        Some(_) => {}
    }
    if old.other_passwords > 0 {
        batch.adjust(legacy_id, "there are several passwords; one of them was imported");
    }
    let role = match role.as_deref() {
        None | Some("" | "user") => UserRole::User,
        Some("admin") => UserRole::Admin,
        Some(_) => {
            batch.adjust(legacy_id, "the role is unknown; it is user now");
            UserRole::User
        }
    };
    let ban = banned.then(|| {
        let reason = reason.and_then(|reason| BanReason::parse(&reason).ok());
        let reason = reason.map_or("Banned before the move to this service".to_owned(), |it| it.as_str().to_owned());
        let until = match old.ban_expires {
            LegacyTime::At(until) => Some(until),
            LegacyTime::Missing => None,
            LegacyTime::OutOfRange => {
                batch.adjust(legacy_id, "ban_expires is out of range; the ban has no end now");
                None
            }
        };
        (reason, until)
    });
    Some(ImportedUser {
        id,
        email,
        name,
        password: password.map(|hash| StoredPassword { hash: hash.to_owned(), pepper_id: None }),
        is_active: is_active.unwrap_or(true),
        email_verified: *email_verified,
        role,
        ban,
        takes_address_over: false,
        created_at,
        updated_at,
    })
}

/// Converts a task; `None` if it cannot be imported, with a problem in `batch`.
pub(super) fn task(
    old: LegacyTask,
    same_ids: &HashSet<String>,
    now: Timestamp,
    batch: &mut BatchReport,
) -> Option<ImportedTask> {
    let legacy_id = old.id;
    let (title, in_title) = cleaned(old.title.as_deref());
    let (description, in_description) = cleaned(old.description.as_deref());
    let checked = (|| {
        let id = uuid(&legacy_id).ok_or("the id is not a UUID")?;
        let user_id = old.user_id.as_deref().and_then(uuid).ok_or("its user's id is missing, or not a UUID")?;
        if same_ids.contains(&legacy_id) {
            return Err("another task has the same id in another spelling");
        }
        let title = title.ok_or("the title is missing")?;
        let title = Title::parse(&title).map_err(|_| "the title is empty, or longer than 255 characters")?;
        let description = description.map(|text| Description::parse(text.into_owned())).transpose();
        let description = description.map_err(|_| "the description is longer than 10,000 characters")?;
        let due_datetime = match old.due_datetime {
            LegacyTime::Missing => None,
            LegacyTime::At(due) => Some(due),
            LegacyTime::OutOfRange => return Err("the due date is out of range"),
        };
        let priority = old.priority.as_deref().map(str::to_lowercase).ok_or("the priority is missing")?;
        let priority = Priority::parse(&priority).map_err(|_| "the priority is unknown")?;
        let times = times(old.created_at, old.updated_at, now)?;
        Ok((id, user_id, title, description, due_datetime, priority, times))
    })();
    let (id, user_id, title, description, due_datetime, priority, (created_at, updated_at, guessed)) = match checked {
        Ok(checked) => checked,
        Err(problem) => {
            batch.skip(&legacy_id, problem);
            return None;
        }
    };
    if guessed {
        batch.adjust(&legacy_id, NO_TIME);
    }
    if in_title || in_description {
        batch.adjust(&legacy_id, CONTROLS);
    }
    if old.is_completed.is_none() {
        batch.adjust(&legacy_id, "is_completed is missing; it is false now");
    }
    Some(ImportedTask {
        id,
        user_id,
        title,
        description: description.map(|text| text.as_str().to_owned()),
        due_datetime,
        priority,
        is_completed: old.is_completed.unwrap_or(false),
        created_at,
        updated_at,
    })
}
