//! Virtual users: their tokens, and the requests they send.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::tokens::{self, Claims, RefreshToken};
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::Result;
use crate::data::{self, Account};
use crate::environment::{Environment, PASSWORD};
use crate::operation::{Operation, Request};

/// How many virtual users share an account. An account may have twenty sessions, and users sign in during a run.
const SESSIONS_PER_ACCOUNT: u64 = 5;

/// The headers of a browser, in addition to those that API Gateway adds.
const BROWSER: [(&str, &str); 7] = [
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
    ("origin", "http://localhost:3000"),
    ("referer", "http://localhost:3000/"),
    ("sec-fetch-dest", "empty"),
    ("sec-fetch-mode", "cors"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0"),
];

/// One session of an account.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) account: Account,
    pub(crate) session: Uuid,
    tokens: Mutex<Tokens>,
    tasks: Arc<Tasks>,
    /// An IP address that no other user has.
    ip: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
}

/// How many requests have changed the tasks of an account. Tasks are read from the older half and deleted from the
/// younger half, so that no request needs a deleted task.
#[derive(Debug, Default)]
struct Tasks {
    completions: AtomicU64,
    deletions: AtomicU64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Signs users in without calling the API: inserts a session for each into the database, and signs its tokens.
pub(crate) async fn sign_in(environment: &Environment, accounts: &[Account]) -> Result<Vec<User>> {
    let settings = &environment.settings;
    let now = Clock::system().now();
    let mut tasks: BTreeMap<u64, Arc<Tasks>> = BTreeMap::new();
    let (mut users, mut sessions, mut owners) = (Vec::new(), Vec::new(), Vec::new());
    for (account, number) in accounts.iter().zip(0_u32..) {
        let session = account.session(now.as_millisecond().unsigned_abs(), u64::from(number));
        let claims = Claims {
            iss: settings.access_tokens.issuer.clone(),
            aud: settings.access_tokens.audience.clone(),
            sub: account.id(),
            iat: now.as_second(),
            exp: (now + SignedDuration::from_hours(2)).as_second(),
            jti: session,
            sid: session,
            generation: 0,
            role: "user".to_owned(),
            user_id: account.id(),
            email: account.email(),
            name: Some(format!("Person {}", account.number)),
        };
        let access_token = tokens::sign(&settings.access_tokens, &claims).ok_or("there is no signing key")?;
        let refresh = RefreshToken { session, generation: 0 };
        let refresh = tokens::derive_refresh_token(&settings.refresh_keys, refresh).ok_or("there is no refresh key")?;
        let refresh_token = refresh.expose_secret().to_owned();
        let [_, a, b, c] = number.to_be_bytes();
        users.push(User {
            account: *account,
            session,
            tokens: Mutex::new(Tokens { access_token, refresh_token }),
            tasks: Arc::clone(tasks.entry(account.number).or_default()),
            ip: format!("10.{a}.{b}.{c}"),
        });
        sessions.push(session);
        owners.push(account.id());
    }
    // Sessions that were never used and can be refreshed immediately.
    let sql = "INSERT INTO sessions (id, user_id, settle_until, idle_expires_at, absolute_expires_at, created_at,
                                     last_used_at)
               SELECT id, owner, now() - interval '5 min', now() + interval '1 day', now() + interval '1 day',
                      now() - interval '5 min', now()
               FROM unnest($1, $2) s (id, owner)";
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&sessions, Type::UUID_ARRAY), (&owners, Type::UUID_ARRAY)];
    environment.admin.execute_typed(sql, &parameters).await?;
    Ok(users)
}

/// The users of the load test. One in a hundred has 10,000 tasks and one in a thousand 50,000, if there are
/// enough such accounts. Returns fewer than `users` if the data has too few accounts.
pub(crate) async fn sign_in_many(environment: &Environment, users: u64) -> Result<Vec<User>> {
    let accounts: Vec<Account> = environment.accounts().collect();
    let mut chosen = Vec::new();
    let [small, medium, large] = data::SIZES;
    for (size, wanted) in [(medium, users / 100), (large, users / 1000), (small, users)] {
        let of_size: Vec<Account> = accounts.iter().filter(|account| account.tasks == size).copied().collect();
        let most = of_size.len() as u64 * SESSIONS_PER_ACCOUNT;
        let count = wanted.min(most).min(users - chosen.len() as u64);
        chosen.extend(of_size.iter().cycle().take(usize::try_from(count)?).copied());
    }
    sign_in(environment, &chosen).await
}

impl User {
    /// A request of this user. `random` chooses the task and new titles.
    pub(crate) fn request(&self, operation: Operation, random: &mut Random) -> Request {
        let half = self.account.tasks / 2;
        let old = random.below(half);
        let task = |number: u64| format!("/api/v1/tasks/{}", self.account.task(number));
        let (method, path, body) = match operation {
            Operation::Floor => ("GET", "/".to_owned(), Value::Null),
            Operation::Health => ("GET", "/health".to_owned(), Value::Null),
            Operation::Me => ("GET", "/api/v1/auth/me".to_owned(), Value::Null),
            Operation::List => ("GET", "/api/v1/tasks".to_owned(), Value::Null),
            Operation::Get => ("GET", task(old), Value::Null),
            Operation::Create => {
                let body = json!({
                    "title": format!("call the dentist {}", random.below(1_000_000)), "priority": "urgent_important",
                    "due_datetime": "2027-02-15T17:00:00Z", "description": "and ask about the invoice of last month",
                });
                ("POST", "/api/v1/tasks".to_owned(), body)
            }
            Operation::Complete => {
                // Toggle all tasks in turn, so that every request changes something.
                let count = self.tasks.completions.fetch_add(1, Ordering::Relaxed);
                let (number, again) = (count % half, count / half % 2 == 1);
                let completed = self.account.is_completed(number) == again;
                ("PATCH", format!("{}/complete", task(number)), json!({ "completed": completed }))
            }
            Operation::Update => {
                let title = format!("call back {}", random.below(1_000_000));
                ("PATCH", task(old), json!({ "title": title }))
            }
            Operation::Delete => {
                let number = self.tasks.deletions.fetch_add(1, Ordering::Relaxed) % half;
                ("DELETE", task(2 * half - 1 - number), Value::Null)
            }
            Operation::Refresh => {
                let token = locked(&self.tokens).refresh_token.clone();
                ("POST", "/api/v1/auth/refresh".to_owned(), json!({ "refresh_token": token }))
            }
            Operation::SignIn => {
                let body = json!({ "email": self.account.email(), "password": PASSWORD });
                ("POST", "/api/v1/auth/signin".to_owned(), body)
            }
        };
        self.event(operation, method, &path, &body)
    }

    /// A typical list request: mostly the first page, sometimes filtered, sorted or a later page.
    pub(crate) fn varied_list(&self, random: &mut Random) -> Request {
        let query = match random.below(20) {
            0..12 => "",
            12..17 => "?completed=false",
            17..19 => "?sort_by=due_datetime&sort_order=asc",
            _ => "?offset=50",
        };
        self.event(Operation::List, "GET", &format!("/api/v1/tasks{query}"), &Value::Null)
    }

    fn event(&self, operation: Operation, method: &str, path: &str, body: &Value) -> Request {
        let authenticated = operation.function() == "tasks" || operation == Operation::Me;
        let token = authenticated.then(|| locked(&self.tokens).access_token.clone());
        let mut event = testkit::http_event(method, path, token.as_deref(), Some(body).filter(|body| !body.is_null()));
        for (name, value) in BROWSER {
            event["headers"][name] = value.into();
        }
        let length = event["body"].as_str().map_or(0, str::len);
        event["headers"]["content-length"] = length.to_string().into();
        event["headers"]["x-forwarded-for"] = self.ip.as_str().into();
        event["requestContext"]["http"]["sourceIp"] = self.ip.as_str().into();
        Request { operation, event: event.to_string().into() }
    }

    /// Uses the tokens of a response to sign-in or refresh from now on.
    pub(crate) fn adopt_tokens(&self, body: &str) -> Result<()> {
        #[derive(Deserialize)]
        struct Body {
            data: Tokens,
        }
        *locked(&self.tokens) = serde_json::from_str::<Body>(body)?.data;
        Ok(())
    }
}

/// A pseudorandom sequence of numbers (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which must be far below 2^64.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// A number from 0 (inclusive) to 1 (exclusive).
    pub(crate) fn fraction(&mut self) -> f64 {
        crate::latency::float(self.next() >> 11) / crate::latency::float(1_u64 << 53)
    }
}
