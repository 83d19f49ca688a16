//! The real binaries under the real `cargo lambda watch`, settings from Secrets Manager, database behind
//! PgBouncer with TLS.

mod day;
mod page;
mod rotate;
mod smoke;

use std::collections::BTreeMap;

use serde_json::Value;
use testkit::{Moto, PgBouncer, TestDatabase, Watch, settings};

/// The whole stack.
struct Stack {
    watch: Watch,
    _bouncer: PgBouncer,
    moto: Moto,
    database: TestDatabase,
    /// The secret that every function reads, and its values.
    arn: String,
    values: BTreeMap<String, String>,
    /// Values that must not be in any log.
    secrets: Vec<String>,
}

async fn stack() -> Stack {
    stack_with(BTreeMap::new()).await
}

/// The whole stack with other settings.
async fn stack_with(other: BTreeMap<String, String>) -> Stack {
    let database = TestDatabase::new().await;
    let bouncer = PgBouncer::start(database.server());
    let moto = Moto::start();
    let mut values: BTreeMap<String, String> = settings();
    // As in production.
    values.insert("RATE_LIMITS".to_owned(), "on".to_owned());
    values.extend(other);
    let url = bouncer.url(database.name(), None);
    let password = String::from_utf8(database.server().get_password().unwrap_or_default().to_vec()).unwrap();
    let mut secrets = vec![password];
    for name in ["JWT_SIGNING_KEYS", "REFRESH_TOKEN_KEYS", "PASSWORD_PEPPERS"] {
        let ring: Value = serde_json::from_str(&values[name]).unwrap();
        secrets.extend(
            ring["keys"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|key| key["d"].as_str().or(key["k"].as_str()))
                .map(str::to_owned),
        );
    }
    values.insert("DATABASE_URL".to_owned(), url);
    values.insert("DATABASE_URL_UNPOOLED".to_owned(), database.url());
    values.insert("DATABASE_CA_CERT".to_owned(), bouncer.authority.clone());
    let arn = moto.create_secret("everything", &serde_json::to_value(&values).unwrap()).await;
    let mut environment = moto.environment(&arn);
    // Settings of the developer must not replace those of the secret.
    let others =
        [("DATABASE_URL", ""), ("DATABASE_URL_UNPOOLED", ""), ("JWT_SIGNING_KEYS", ""), ("LOG_LEVEL", "trace")];
    environment.extend(others.map(|(name, value)| (name.to_owned(), value.to_owned())));
    Stack { watch: Watch::start(&environment), _bouncer: bouncer, moto, database, arn, values, secrets }
}
