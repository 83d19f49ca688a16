//! The accounts and tasks in the database. Ids and times are calculated from numbers, so that a request can name a
//! task without reading it first.

use std::hash::{DefaultHasher, Hash, Hasher};

use shared::domain::StoredPassword;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::Result;

/// The time of the first task, in milliseconds since 1970.
const START: u64 = 1_700_000_000_000;

/// The time between the first and the last task, in milliseconds: 700 days.
const SPAN: u64 = 700 * 24 * 3600 * 1000;

/// The kinds of ids: their third group.
const USER: u64 = 1;
const TASK: u64 = 2;
const SESSION: u64 = 3;

/// How many tasks a user has. With 1,250,000 tasks, 10,000 users have 100, 20 have 10,000 and one has 50,000.
pub(crate) const SIZES: [u64; 3] = [100, 10_000, 50_000];

/// A user in the database.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) number: u64,
    pub(crate) tasks: u64,
}

/// The number of users of each of [`SIZES`]. A size that would be more than half of all tasks is left out.
pub(crate) fn users_by_size(tasks: u64) -> [u64; 3] {
    let many = |size: u64, tasks_per_user: u64| (tasks / tasks_per_user).min(tasks / 2 / size);
    let (medium, large) = (many(10_000, 62_500), many(50_000, 1_250_000));
    [(tasks - medium * 10_000 - large * 50_000) / 100, medium, large]
}

/// All users; those with the most tasks come last.
pub(crate) fn accounts(tasks: u64) -> impl Iterator<Item = Account> {
    let sizes = SIZES.into_iter().zip(users_by_size(tasks));
    let sizes = sizes.flat_map(|(size, users)| (0..users).map(move |_| size));
    sizes.zip(0..).map(|(tasks, number)| Account { number, tasks })
}

impl Account {
    pub(crate) fn id(self) -> Uuid {
        id(START, USER, self.number, 0)
    }

    pub(crate) fn email(self) -> String {
        format!("person{}@example.com", self.number)
    }

    /// The id of a task of this user; 0 is the oldest.
    pub(crate) fn task(self, number: u64) -> Uuid {
        // The tasks of different users are interleaved in time, as in production. `data.sql` calculates the same.
        let step = SPAN / self.tasks;
        id(START + number * step + (self.number * 7_919 + number * 104_729) % step, TASK, self.number, number)
    }

    /// Whether a task is completed when the data is loaded.
    pub(crate) fn is_completed(self, number: u64) -> bool {
        (self.number + number) % 8 < 3
    }

    /// The id of a session that is created at a time in milliseconds.
    pub(crate) fn session(self, millis: u64, number: u64) -> Uuid {
        id(millis, SESSION, self.number, number)
    }
}

/// Builds a UUID of version 7.
fn id(millis: u64, kind: u64, owner: u64, number: u64) -> Uuid {
    let version_and_kind = 7 << 12 | kind;
    let variant_and_rest = 8 << 60 | owner << 32 | number;
    Uuid::from_u64_pair(millis << 16 | version_and_kind, variant_and_rest)
}

/// The name of the database that is copied for each run. It changes with the migrations and with the data.
pub(crate) fn template(tasks: u64) -> String {
    let mut hasher = DefaultHasher::new();
    include_str!("data.sql").hash(&mut hasher);
    format!("data_{}_{tasks}_{:08x}", migrate::fingerprint(), hasher.finish() & 0xffff_ffff)
}

/// Fills the empty tables, as a superuser.
pub(crate) async fn load(client: &Client, tasks: u64, password: &StoredPassword) -> Result<()> {
    let [small, medium, large] = users_by_size(tasks);
    let (hash, pepper) = (&password.hash, password.pepper_id.as_deref().unwrap_or_default());
    let accounts = format!(
        "CREATE TEMPORARY TABLE accounts AS SELECT number, '{hash}' AS hash, '{pepper}' AS pepper,
         CASE WHEN number < {small} THEN 100 WHEN number < {} THEN 10000 ELSE 50000 END::bigint AS size
         FROM generate_series(0::bigint, {} - 1) number",
        small + medium,
        small + medium + large,
    );
    client.batch_execute(&accounts).await?;
    client.batch_execute(include_str!("data.sql")).await?;
    client.batch_execute("VACUUM (FREEZE, ANALYZE)").await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_data_has_three_sizes_of_users() {
        assert_eq!(users_by_size(1_250_000), [10_000, 20, 1]);
        assert_eq!(accounts(1_250_000).map(|account| account.tasks).sum::<u64>(), 1_250_000);
        assert_eq!(users_by_size(10_000), [100, 0, 0]);
    }

    #[test]
    fn ids_are_of_version_7() {
        let task = Account { number: 10_020, tasks: 50_000 }.task(49_999);
        assert_eq!((task.get_version_num(), task.get_variant()), (7, uuid::Variant::RFC4122));
    }
}
