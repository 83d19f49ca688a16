//! The worst-case time of the password policy check, compared with the time of one hash. Run with
//! `cargo bench --profile dev --workspace --bench password_policy`; fails if the most expensive known password takes as
//! long as a hash.

use std::time::{Duration, Instant};

use shared::config::{Function, Settings, Sources};
use shared::domain::NewPassword;
use shared::passwords::{self, policy};

/// The most expensive passwords to check that a search over leet, keyboard walks, dates and repetitions has found,
/// ordered by how many kinds of leet they contain.
const COSTLIEST: [&str; 6] = [
    "classicl|ssiicastle+7é7e|7assiicassisaile+7é1aa1acİL11/12/1|71i-",
    "754+|$1!6{9([@‹İ1!‹İ1!1i",
    "96+5[{s<7|$1!4@(",
    "|(6{@56<1$47+!9[I$!1",
    "[59471!@(7|+6<$I+😀4$||{+",
    "4@({[<69!|17$5+4@({[<69!|17$5+4@({[<69!|17$5+4@({[<69!|17$5+",
];

/// An attacker also chooses the email address and the name: the check looks for their words in the password.
const EMAIL: &str = "sci.ccaai.isgc@4a8.c1.example";
const NAME: &str = "ciitgcsitlasii sci c ccaai a s 4@8({[<369!|1 tlasii";

/// The median of some runs.
fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..31)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
fn main() {
    let mut all = testkit::settings();
    all.insert("DATABASE_URL".to_owned(), "postgresql://u:p@127.0.0.1:1/d".to_owned());
    let settings = Settings::read(Function::Auth, &Sources::environment(all)).expect("the settings are valid");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("the runtime starts");
    let password = NewPassword::parse("correct horse battery").expect("the password is acceptable");
    let hash = median(|| {
        let hashed = runtime.block_on(passwords::hash(&settings.passwords, password.as_password().clone()));
        assert!(hashed.is_ok());
    });
    println!("one password hash: {hash:.2?}");
    for text in COSTLIEST {
        let password = NewPassword::parse(text).expect("the password has an acceptable form");
        let check = median(|| {
            let _ = policy::check(&password, EMAIL, Some(NAME));
        });
        println!("checking {text}: {check:.2?}, {:.2} of a hash", check.as_secs_f64() / hash.as_secs_f64());
        assert!(check < hash, "checking this password takes longer than hashing it");
    }
}
