//! Virtual users: their tokens, and what each would ask next.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rand::{Rng, RngExt};
use serde::Deserialize;
use serde_json::json;

use super::Operation;
use crate::Result;
use crate::data::{Account, Class};
use crate::stand::{PASSWORD, Stand, Visitor};

/// Sessions of one account: there may be twenty, and people sign in while they are measured.
const DEVICES: u64 = 5;

/// A server that has been running has the data of its users in memory; this one has a fresh copy.
const IN_MEMORY: &str = "CREATE EXTENSION IF NOT EXISTS pg_prewarm;
    SELECT pg_prewarm(oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')";

/// Everybody.
#[derive(Debug)]
pub(crate) struct Crowd {
    people: Vec<Person>,
}

/// A virtual user: one device of an account.
#[derive(Debug)]
pub(crate) struct Person {
    tokens: Mutex<Visitor>,
    owned: Arc<Owned>,
    /// Nobody shares it.
    pub(crate) address: String,
}

/// The tasks of an account. Tasks are read from the older half and deleted from the younger one, so that nobody
/// asks for what is gone.
#[derive(Debug)]
struct Owned {
    account: Account,
    deleted: AtomicU64,
    /// Those whose completion was changed an odd number of times.
    flipped: Mutex<HashSet<u64>>,
}

impl Owned {
    /// What completion a task gets that has the other one.
    fn flip(&self, number: u64) -> bool {
        let mut flipped = self.flipped.lock().unwrap_or_else(PoisonError::into_inner);
        let odd = flipped.insert(number) || !flipped.remove(&number);
        self.account.is_done(number) != odd
    }
}

/// A request to send.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) operation: Operation,
    pub(crate) class: Class,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) query: &'static str,
    pub(crate) token: Option<String>,
    pub(crate) body: Option<String>,
}

impl Crowd {
    /// So many virtual users; one in a hundred has 10,000 tasks and one in a thousand 50,000, as far as there are
    /// accounts for them.
    pub(crate) async fn gather(stand: &Stand, users: u64) -> Result<Self> {
        let accounts: Vec<Account> = stand.users().collect();
        let of = |class: Class| accounts.iter().filter(move |account| account.class == class).copied();
        let mut chosen = Vec::new();
        let wanted = [(Class::TenThousand, users / 100), (Class::FiftyThousand, users / 1000), (Class::Hundred, users)];
        for (class, wanted) in wanted {
            let many = u64::try_from(of(class).count())? * DEVICES;
            let left = users - u64::try_from(chosen.len())?;
            let take = usize::try_from(wanted.min(many).min(left))?;
            let all: Vec<Account> = of(class).collect();
            chosen.extend(all.iter().cycle().take(take).copied());
        }
        let visitors = stand.visitors(&chosen).await?;
        // Plans that were made while there were no sessions read all of them; with time the server notices itself.
        stand.admin.batch_execute("VACUUM (ANALYZE)").await?;
        stand.admin.batch_execute(IN_MEMORY).await?;
        let mut owned: std::collections::BTreeMap<u64, Arc<Owned>> = std::collections::BTreeMap::new();
        let people = visitors.into_iter().zip(0_u32..).map(|(visitor, number)| {
            let account = visitor.account;
            let fresh = || Arc::new(Owned { account, deleted: AtomicU64::new(0), flipped: Mutex::default() });
            let owned = Arc::clone(owned.entry(account.number).or_insert_with(fresh));
            let [_, a, b, c] = number.to_be_bytes();
            Person { tokens: Mutex::new(visitor), owned, address: format!("10.{a}.{b}.{c}") }
        });
        Ok(Self { people: people.collect() })
    }

    pub(crate) fn len(&self) -> usize {
        self.people.len()
    }

    /// One of them.
    pub(crate) fn person(&self, number: usize) -> &Person {
        &self.people[number]
    }
}

/// The tokens in an answer of sign-in and refresh.
#[derive(Deserialize)]
struct Granted {
    data: Tokens,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
}

impl Person {
    /// What this person does next, if it is that.
    pub(crate) fn asks(&self, operation: Operation, random: &mut impl Rng) -> Asked {
        let account = self.owned.account;
        let half = account.class.tasks() / 2;
        let old = |random: &mut _| RngExt::random_range(random, 0..half);
        let (mut query, mut body) = ("", None);
        let (method, path) = match operation {
            Operation::List => {
                query = match random.random_range(0..20_u32) {
                    0..12 => "",
                    12..17 => "completed=false",
                    17..19 => "sort_by=due_datetime&sort_order=asc",
                    _ => "offset=50",
                };
                ("GET", "/api/v1/tasks".to_owned())
            }
            Operation::Get => ("GET", format!("/api/v1/tasks/{}", account.task(old(random)))),
            Operation::Complete => {
                // People complete what is open, and open again what is not.
                let number = old(random);
                body = Some(json!({ "completed": self.owned.flip(number) }));
                ("PATCH", format!("/api/v1/tasks/{}/complete", account.task(number)))
            }
            Operation::Create => {
                let number = random.random_range(0..1_000_000_u32);
                body = Some(json!({
                    "title": format!("call the dentist {number}"), "priority": "urgent_important",
                    "due_datetime": "2027-02-15T17:00:00Z", "description": "and ask about the invoice of last month",
                }));
                ("POST", "/api/v1/tasks".to_owned())
            }
            Operation::Update => {
                body = Some(json!({ "title": format!("call back {}", random.random_range(0..1_000_000_u32)) }));
                ("PATCH", format!("/api/v1/tasks/{}", account.task(old(random))))
            }
            Operation::Refresh => {
                body = Some(json!({ "refresh_token": self.tokens().refresh }));
                ("POST", "/api/v1/auth/refresh".to_owned())
            }
            Operation::SignIn => {
                body = Some(json!({ "email": account.email(), "password": PASSWORD }));
                ("POST", "/api/v1/auth/signin".to_owned())
            }
            Operation::Delete => {
                let number = self.owned.deleted.fetch_add(1, Ordering::Relaxed) % half;
                ("DELETE", format!("/api/v1/tasks/{}", account.task(2 * half - 1 - number)))
            }
        };
        let token = (operation.function() == "tasks").then(|| self.tokens().access.clone());
        let body = body.map(|body| body.to_string());
        Asked { operation, class: account.class, method, path, query, token, body }
    }

    /// Goes on with the tokens of an answer.
    pub(crate) fn adopt(&self, answer: &[u8]) -> Result<()> {
        let Granted { data: Tokens { access_token, refresh_token } } = serde_json::from_slice(answer)?;
        let mut tokens = self.tokens();
        (tokens.access, tokens.refresh) = (access_token, refresh_token);
        Ok(())
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, Visitor> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
