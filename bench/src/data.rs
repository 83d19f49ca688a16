//! Who is in the database and what they have to do: the same for the same seed, loaded by COPY in the order of
//! time, so that a person's tasks lie scattered as they do in life.

use std::io::{IsTerminal, Write};
use std::pin::pin;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use shared::passwords::StoredPassword;
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::Result;

/// The default number of tasks: 10,000 people × 100, 20 × 10,000, one × 50,000.
pub(crate) const TASKS: u64 = 1_250_000;

/// In how many steps of time people write their tasks: each one writes a share in every step.
const STEPS: u64 = 100;

/// When the first task was written.
const START: i64 = 1_700_000_000_000;

/// From the first to the last task.
const SPAN: SignedDuration = SignedDuration::from_hours(24 * 700);

/// People by how much they have to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Hundred,
    TenThousand,
    FiftyThousand,
}

impl Class {
    pub(crate) const ALL: [Self; 3] = [Self::Hundred, Self::TenThousand, Self::FiftyThousand];

    pub(crate) fn tasks(self) -> u64 {
        match self {
            Self::Hundred => 100,
            Self::TenThousand => 10_000,
            Self::FiftyThousand => 50_000,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hundred => "100 tasks",
            Self::TenThousand => "10,000 tasks",
            Self::FiftyThousand => "50,000 tasks",
        }
    }
}

/// The whole of the data, by its seed and size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Data {
    pub(crate) seed: u64,
    pub(crate) tasks: u64,
}

/// A person.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) number: u64,
    pub(crate) class: Class,
    data: Data,
}

impl Data {
    /// How many people of a class there are. A class that would be more than half of the data is left out.
    pub(crate) fn people(self, class: Class) -> u64 {
        let one_per = |tasks: u64| (self.tasks + tasks / 2) / tasks;
        let many = match class {
            Class::FiftyThousand => one_per(TASKS),
            Class::TenThousand => one_per(TASKS / 20),
            Class::Hundred => {
                let others = [Class::TenThousand, Class::FiftyThousand];
                let others: u64 = others.iter().map(|class| self.people(*class) * class.tasks()).sum();
                return (self.tasks - others) / 100;
            }
        };
        many.min(self.tasks / 2 / class.tasks())
    }

    /// Everybody; those with the most tasks come last.
    pub(crate) fn accounts(self) -> impl Iterator<Item = Account> {
        let classes = Class::ALL.into_iter().flat_map(move |class| (0..self.people(class)).map(move |_| class));
        classes.zip(0..).map(move |(class, number)| Account { number, class, data: self })
    }

    /// Sixty-four bits that depend on the seed and these numbers alone (SplitMix64).
    fn bits(self, kind: u64, owner: u64, number: u64) -> u64 {
        let mut state = self.seed;
        for part in [kind, owner, number] {
            state = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
            state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            state ^= state >> 31;
        }
        state
    }

    /// A UUIDv7 of that time.
    pub(crate) fn id(self, kind: u64, owner: u64, number: u64, millis: i64) -> Uuid {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.bits(kind, owner, number).to_le_bytes());
        random[8..].copy_from_slice(&self.bits(kind + 1, owner, number).to_le_bytes()[..2]);
        uuid::Builder::from_unix_timestamp_millis(millis.unsigned_abs(), &random).into_uuid()
    }
}

impl Account {
    pub(crate) fn id(self) -> Uuid {
        self.data.id(10, self.number, 0, START)
    }

    pub(crate) fn email(self) -> String {
        format!("person{}@example.com", self.number)
    }

    /// The id of the `number`th task, oldest first.
    pub(crate) fn task(self, number: u64) -> Uuid {
        self.data.id(20, self.number, number, self.written(number))
    }

    /// Whether a task is done when the data is loaded.
    pub(crate) fn is_done(self, number: u64) -> bool {
        self.data.bits(23, self.number, number) >> 41 & 7 < 3
    }

    /// When a task was written, in milliseconds since 1970.
    fn written(self, number: u64) -> i64 {
        let share = self.class.tasks() / STEPS;
        let step = i64::try_from(SPAN.as_millis()).unwrap_or(i64::MAX) / i64::try_from(STEPS).unwrap_or(1);
        let within = self.data.bits(22, self.number, number) % u64::try_from(step).unwrap_or(1) / share.max(1);
        let (round, place) = (number / share.max(1), number % share.max(1));
        let place = i64::try_from(place).unwrap_or(0) * step / i64::try_from(share.max(1)).unwrap_or(1);
        START + i64::try_from(round).unwrap_or(0) * step + place + i64::try_from(within).unwrap_or(0)
    }
}

const WORDS: [&str; 16] = [
    "call", "invoice", "garden", "report", "dentist", "tickets", "review", "budget", "letter", "slides", "repair",
    "birthday", "contract", "shopping", "release", "backup",
];

/// Fills empty tables, as somebody whom row-level security does not bind.
pub(crate) async fn load(client: &Client, data: Data, password: &StoredPassword) -> Result<()> {
    let started = Instant::now();
    people(client, data, password).await?;
    // Rows first, indexes and foreign keys afterwards: several times as fast.
    let indexes = client.simple_query(
        "SELECT indexname, indexdef FROM pg_indexes i WHERE tablename = 'tasks' AND schemaname = 'public'
         AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)",
    );
    let indexes: Vec<(String, String)> = indexes
        .await?
        .iter()
        .filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some((row.get(0)?.to_owned(), row.get(1)?.to_owned())),
            _ => None,
        })
        .collect();
    client.batch_execute("SET session_replication_role = replica; SET maintenance_work_mem = '512MB'").await?;
    for (name, _) in &indexes {
        client.batch_execute(&format!("DROP INDEX {name}")).await?;
    }
    tasks(client, data, started).await?;
    for (number, (name, definition)) in indexes.iter().enumerate() {
        say(&format!("index {} of {}: {name}", number + 1, indexes.len()), started);
        client.batch_execute(definition).await?;
    }
    say("vacuum and analyze", started);
    client.batch_execute("VACUUM (FREEZE, ANALYZE)").await?;
    finish(&format!("{} tasks loaded", crate::report::thousands(data.tasks)), started);
    Ok(())
}

async fn people(client: &Client, data: Data, password: &StoredPassword) -> Result<()> {
    let copy = "COPY users (id, email, name, password_hash, pepper_id, created_at, updated_at) FROM STDIN BINARY";
    let types = [Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TIMESTAMPTZ, Type::TIMESTAMPTZ];
    let mut writer = pin!(BinaryCopyInWriter::new(client.copy_in(copy).await?, &types));
    let at = Timestamp::from_millisecond(START)?;
    for account in data.accounts() {
        let (id, email, name) = (account.id(), account.email(), format!("Person {}", account.number));
        let (hash, pepper) = (&password.hash, &password.pepper_id);
        writer.as_mut().write(&[&id, &email, &name, hash, pepper, &at, &at]).await?;
    }
    writer.finish().await?;
    Ok(())
}

async fn tasks(client: &Client, data: Data, started: Instant) -> Result<()> {
    let copy = "COPY tasks (id, user_id, title, description, due_datetime, priority, is_completed, completed_at,
                            created_at, updated_at) FROM STDIN BINARY";
    let types = [
        Type::UUID,
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
        Type::TIMESTAMPTZ,
        Type::INT2,
        Type::BOOL,
        Type::TIMESTAMPTZ,
        Type::TIMESTAMPTZ,
        Type::TIMESTAMPTZ,
    ];
    let mut writer = pin!(BinaryCopyInWriter::new(client.copy_in(copy).await?, &types));
    let accounts: Vec<(Account, Uuid)> = data.accounts().map(|account| (account, account.id())).collect();
    let (mut written, mut said) = (0_u64, Instant::now());
    for step in 0..STEPS {
        for (account, owner) in &accounts {
            let share = account.class.tasks() / STEPS;
            for number in step * share..(step + 1) * share {
                let bits = data.bits(23, account.number, number);
                let word = |shift: u32| WORDS[usize::try_from((bits >> shift) & 15).unwrap_or(0)];
                let title = format!("{} {} {number}", word(0), word(4));
                let description = (bits & 0x100 == 0).then(|| {
                    format!("{} the {} before the {}, and ask about the {}", word(12), word(16), word(20), word(24))
                });
                let created = Timestamp::from_millisecond(account.written(number))?;
                let day = i64::try_from(bits >> 32 & 0x1ff)?;
                let due = (bits & 0x600 != 0).then(|| created + SignedDuration::from_hours(24 * day));
                let priority = i16::try_from(bits >> 28 & 3)?;
                let done = account.is_done(number);
                let completed = done.then_some(created + SignedDuration::from_hours(24));
                let updated = completed.unwrap_or(created);
                let id = account.task(number);
                writer
                    .as_mut()
                    .write(&[&id, owner, &title, &description, &due, &priority, &done, &completed, &created, &updated])
                    .await?;
            }
            written += share;
            if said.elapsed() > Duration::from_millis(500) {
                said = Instant::now();
                let (now, all) = (crate::report::thousands(written), crate::report::thousands(data.tasks));
                say(&format!("loading tasks: {now} of {all} ({} %)", written * 100 / data.tasks.max(1)), started);
            }
        }
    }
    writer.finish().await?;
    Ok(())
}

/// Adds sessions of users, which have not been used and may be refreshed at once.
pub(crate) async fn sessions(client: &Client, sessions: &[(Uuid, Uuid)], now: Timestamp) -> Result<()> {
    let copy = "COPY sessions (id, user_id, settle_until, idle_expires_at, absolute_expires_at, created_at,
                               last_used_at) FROM STDIN BINARY";
    let [id, time] = [Type::UUID, Type::TIMESTAMPTZ];
    let types = [id.clone(), id, time.clone(), time.clone(), time.clone(), time.clone(), time];
    let mut writer = pin!(BinaryCopyInWriter::new(client.copy_in(copy).await?, &types));
    let (before, later) = (now - SignedDuration::from_mins(5), now + SignedDuration::from_hours(24));
    for (session, user) in sessions {
        writer.as_mut().write(&[session, user, &before, &later, &later, &before, &now]).await?;
    }
    writer.finish().await?;
    Ok(())
}

/// Shows progress on a terminal, in place.
fn say(text: &str, started: Instant) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[2K  {text}, {:.0} s", started.elapsed().as_secs_f64());
        let _ = std::io::stderr().flush();
    }
}

fn finish(text: &str, started: Instant) {
    let clear = if std::io::stderr().is_terminal() { "\r\x1b[2K" } else { "" };
    eprintln!("{clear}  {text} in {:.0} s", started.elapsed().as_secs_f64());
}
