//! Judges rows of the old tables: what can be taken over as it is, with a change, or not at all.

use std::borrow::Cow;
use std::collections::HashSet;

use jiff::Timestamp;
use shared::db::legacy::{ImportedTask, ImportedUser, LegacyTable, LegacyTime, OldTask, OldUser, RowProblem};
use shared::db::users::admin::UserRole;
use shared::domain::{BanReason, Description, Email, Name, Priority, Title, replace_controls};
use shared::passwords::{Cost, StoredPassword, cost_of};
use uuid::Uuid;

/// What was found out about a batch.
pub(super) struct Judged {
    pub(super) kind: LegacyTable,
    pub(super) problems: Vec<RowProblem>,
    pub(super) imported: i64,
    pub(super) already: i64,
}

impl Judged {
    pub(super) fn new(kind: LegacyTable) -> Self {
        Self { kind, problems: Vec::new(), imported: 0, already: 0 }
    }

    fn problem(&mut self, legacy_id: &str, problem: &str, skipped: bool) {
        // An id that is none may be anything, and long.
        let (source, problem) = (self.kind, problem.to_owned());
        let legacy_id = legacy_id.chars().take(200).collect();
        self.problems.push(RowProblem { source, legacy_id, problem, skipped });
    }

    /// Leaves a row out; what was to be changed of it does not matter then.
    pub(super) fn skip(&mut self, legacy_id: &str, problem: &str) {
        self.forget(legacy_id);
        self.problem(legacy_id, problem, true);
    }

    /// Takes back what was said of a row in this batch.
    fn forget(&mut self, legacy_id: &str) {
        self.problems.retain(|earlier| earlier.skipped || earlier.legacy_id != legacy_id);
    }

    pub(super) fn adjust(&mut self, legacy_id: &str, problem: &str) {
        self.problem(legacy_id, problem, false);
    }

    /// Counts a row that was taken over before; what was changed of it was reported then.
    pub(super) fn already(&mut self, legacy_id: &str) {
        self.forget(legacy_id);
        self.already += 1;
    }

    /// Counts what a dry run would have stored.
    pub(super) fn would_store(&mut self, rows: usize) {
        self.imported += i64::try_from(rows).unwrap_or_default();
    }

    /// Counts what was stored, and reports what the database refused.
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

/// Text without control characters, which the old backend took; whether it had some.
fn cleaned(text: Option<&str>) -> (Option<Cow<'_, str>>, bool) {
    match text.map(|text| (text, replace_controls(text))) {
        None => (None, false),
        Some((text, None)) => (Some(text.into()), false),
        Some((_, Some(replaced))) => (Some(replaced.into()), true),
    }
}

const CONTROLS: &str = "a text has control characters, which were replaced by U+FFFD";

/// A UUID in any spelling; 32 hexadecimal digits spell one as well.
fn uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 32 || text.len() == 36)
}

/// The times a row was made and changed at; a row without is as old as this run.
fn times(created: LegacyTime, updated: LegacyTime, now: Timestamp) -> Result<(Timestamp, Timestamp, bool), &'static str> {
    const RANGE: &str = "created_at or updated_at is out of range";
    match (created, updated) {
        (LegacyTime::OutOfRange, _) | (_, LegacyTime::OutOfRange) => Err(RANGE),
        (LegacyTime::At(created), LegacyTime::At(updated)) => Ok((created, updated, false)),
        (LegacyTime::At(one), LegacyTime::Missing) | (LegacyTime::Missing, LegacyTime::At(one)) => Ok((one, one, true)),
        (LegacyTime::Missing, LegacyTime::Missing) => Ok((now, now, true)),
    }
}

const NO_TIME: &str = "created_at or updated_at is missing; the other one, or the time of the import, stands for it";

/// A user to take over; none if they are left out.
pub(super) fn user(
    old: &OldUser,
    same_ids: &HashSet<String>,
    now: Timestamp,
    judged: &mut Judged,
) -> Option<ImportedUser> {
    let OldUser { id: legacy_id, email, name, password, is_active, email_verified, role, banned, .. } = old;
    let (name, replaced) = cleaned(name.as_deref());
    let checked = (|| {
        let id = uuid(legacy_id).ok_or("the id is no UUID")?;
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
            judged.skip(legacy_id, problem);
            return None;
        }
    };
    if guessed {
        judged.adjust(legacy_id, NO_TIME);
    }
    let (reason, in_reason) = cleaned(old.ban_reason.as_deref());
    if replaced || (*banned && in_reason) {
        judged.adjust(legacy_id, CONTROLS);
    }
    if is_active.is_none() {
        judged.adjust(legacy_id, "is_active is missing; it is true now");
    }
    let password = password.as_deref().filter(|hash| !hash.is_empty());
    match password {
        None => judged.adjust(legacy_id, "there is no password, so the user cannot sign in"),
        Some(hash) if !matches!(cost_of(hash), Some(Cost::Bcrypt(_) | Cost::Sha256)) => {
            judged
                .adjust(legacy_id, "the password hash is of an unknown kind or too costly, so the user cannot sign in");
        }
        Some(_) => {}
    }
    if old.other_passwords > 0 {
        judged.adjust(legacy_id, "there are several passwords; one of them was taken over");
    }
    let role = match role.as_deref() {
        None | Some("" | "user") => UserRole::User,
        Some("admin") => UserRole::Admin,
        Some(_) => {
            judged.adjust(legacy_id, "the role is unknown; it is user now");
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
                judged.adjust(legacy_id, "ban_expires is out of range; the ban is for good now");
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

/// A task to take over; none if it is left out.
pub(super) fn task(
    old: OldTask,
    same_ids: &HashSet<String>,
    now: Timestamp,
    judged: &mut Judged,
) -> Option<ImportedTask> {
    let legacy_id = old.id;
    let (title, in_title) = cleaned(old.title.as_deref());
    let (description, in_description) = cleaned(old.description.as_deref());
    let checked = (|| {
        let id = uuid(&legacy_id).ok_or("the id is no UUID")?;
        let user_id = old.user_id.as_deref().and_then(uuid).ok_or("its user's id is missing, or no UUID")?;
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
            judged.skip(&legacy_id, problem);
            return None;
        }
    };
    if guessed {
        judged.adjust(&legacy_id, NO_TIME);
    }
    if in_title || in_description {
        judged.adjust(&legacy_id, CONTROLS);
    }
    if old.is_completed.is_none() {
        judged.adjust(&legacy_id, "is_completed is missing; it is false now");
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
