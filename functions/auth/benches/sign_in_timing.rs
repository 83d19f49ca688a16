//! Whether the time of a refused sign-in reveals that the account exists: 200 attempts, with a known and an unknown
//! account in turn, through the router, with the limits off; then the same with an account of the old backend and a
//! decoy. Run with `cargo bench --profile dev --workspace --bench sign_in_timing`.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::time::{Duration, Instant};

use serde_json::json;
use shared::config::Function;
use testkit::Api;

const TRIES: usize = 200;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let api = Api::start(Function::Auth, auth::routes).await;
    let password = "correct horse battery";
    api.post("/api/v1/auth/signup", json!({ "email": "known@example.com", "password": password })).await.data(201);
    let sign_in = async |email: &str, password: &str| {
        let started = Instant::now();
        let answer = api.post("/api/v1/auth/signin", json!({ "email": email, "password": password })).await;
        (answer.status.as_u16(), started.elapsed())
    };
    for _ in 0..20 {
        sign_in("known@example.com", "wrong").await;
        sign_in("unknown@example.com", "wrong").await;
    }
    let (mut known, mut unknown, mut hash) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..TRIES {
        // The order alternates, so that neither account always follows the other.
        for account in [n % 2, 1 - n % 2] {
            let (email, times) =
                if account == 0 { ("known@example.com", &mut known) } else { ("unknown@example.com", &mut unknown) };
            let (status, time) = sign_in(email, "wrong").await;
            assert_eq!(status, 401);
            times.push(time);
        }
        let settings = api.app.settings();
        let started = Instant::now();
        shared::passwords::hash(&settings.passwords, shared::domain::Password::new("wrong"))
            .await
            .expect("hashing works");
        hash.push(started.elapsed());
    }
    let (known, unknown, hash) = (median(known), median(unknown), median(hash));
    compare("an account with an Argon2id hash", known, unknown, hash);
    compare_legacy_account().await;
}

/// Compares an account that has a bcrypt hash with an unknown account.
async fn compare_legacy_account() {
    const COST: &str = "06";
    let api = Api::start_with(Function::Auth, auth::routes, |settings| {
        settings.insert("DECOY_BCRYPT_COST".to_owned(), COST.to_owned());
    })
    .await;
    let owner = api.database.connect().await;
    let sql = format!(
        "SET ROLE todo_auth; INSERT INTO users (id, email, password_hash, created_at, updated_at) VALUES (gen_random_uuid(),
         'known@example.com', '$2b${COST}$or6w7XltRZoby3flwzBiZuxE7cNcj2GCWj8XWnpepNJo8aq42Lkeu', now(), now())"
    );
    owner.batch_execute(&sql).await.expect("the account can be created");
    let mut times = [Vec::new(), Vec::new()];
    for n in 0..TRIES {
        for account in [n % 2, 1 - n % 2] {
            let email = ["known@example.com", "unknown@example.com"][account];
            let started = Instant::now();
            let answer = api.post("/api/v1/auth/signin", json!({ "email": email, "password": "wrong" })).await;
            answer.problem(401, "invalid_credentials");
            times[account].push(started.elapsed());
        }
    }
    let [known, unknown] = times.map(median);
    compare("an account of the old backend, with a decoy", known, unknown, unknown);
}

fn compare(what: &str, known: Duration, unknown: Duration, hash: Duration) {
    let difference = known.abs_diff(unknown);
    let share = difference.as_secs_f64() / hash.as_secs_f64() * 100.0;
    println!("{what}: medians of {TRIES}: known {known:.2?}, unknown {unknown:.2?}, one hash {hash:.2?}");
    println!("the difference is {difference:.2?}, {share:.1} % of a hash");
    assert!(share < 10.0, "the difference is more than a tenth of a hash's time");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
