//! Reading secrets with the real SDK from a moto server.

use std::sync::Arc;

use serde_json::{Value, json};
use shared::config::{Function, LiveSettings, SecretReader, Sources};
use shared::db::{Database, DatabaseRole, Statement, connect_direct, health};
use testkit::{Moto, PgBouncer, TestClock, TestDatabase, TlsFront, forge, jwt_keys, other_jwt_keys, settings};

/// The settings of a function as a secret, with key sets as JSON objects and not as text.
fn secret(database: &TestDatabase) -> Value {
    let mut values: serde_json::Map<String, Value> = settings()
        .into_iter()
        .map(|(name, text)| (name, serde_json::from_str(&text).unwrap_or(Value::String(text))))
        .collect();
    values.insert("DATABASE_URL".to_owned(), database.url().into());
    Value::Object(values)
}

async fn load(moto: &Moto, arn: &str, clock: &TestClock, function: Function) -> Arc<LiveSettings> {
    let reader = SecretReader::with_config(&moto.sdk().await, arn);
    let sources = Sources::environment([("JWT_AUDIENCE".to_owned(), "from-environment".to_owned())]);
    Arc::new(
        LiveSettings::load_with(function, clock.clock(), sources, Some(reader))
            .await
            .unwrap_or_else(|error| panic!("{error}")),
    )
}

#[tokio::test]
async fn the_secret_is_read_again_after_its_cache_time() {
    let (moto, database, clock) = (Moto::start(), TestDatabase::empty().await, TestClock::default());
    let mut values = secret(&database);
    let arn = moto.create_secret("auth", &values).await;
    let live = load(&moto, &arn, &clock, Function::Auth).await;
    assert_eq!(live.current().access_tokens.issuer, "todo-backend");
    assert_eq!(live.current().access_tokens.audience, "from-environment", "the environment wins");

    values["JWT_ISSUER"] = json!("rotated");
    moto.put_secret(&arn, &values).await;
    clock.advance_seconds(299);
    live.keep_fresh().await;
    assert_eq!(live.current().access_tokens.issuer, "todo-backend", "cached");
    clock.advance_seconds(1);
    live.keep_fresh().await;
    assert_eq!(live.current().access_tokens.issuer, "rotated");
}

#[tokio::test]
async fn a_secret_with_problems_does_not_replace_the_settings() {
    let (moto, database, clock) = (Moto::start(), TestDatabase::empty().await, TestClock::default());
    let arn = moto.create_secret("auth", &secret(&database)).await;
    let live = load(&moto, &arn, &clock, Function::Auth).await;
    for broken in [json!({ "DATABASE_URL": "nonsense" }), json!(["no object"])] {
        moto.put_secret(&arn, &broken).await;
        clock.advance_seconds(301);
        live.keep_fresh().await;
        assert_eq!(live.current().access_tokens.issuer, "todo-backend");
        assert!(live.current().access_tokens.signing_keys.active().is_some());
    }
}

#[tokio::test]
async fn a_missing_or_malformed_secret_stops_the_start_without_leaking() {
    let (moto, clock) = (Moto::start(), TestClock::default());
    let arn = moto.create_secret("list", &json!(["hunter2"])).await;
    for name in [arn.as_str(), "nothing"] {
        let reader = SecretReader::with_config(&moto.sdk().await, name);
        let sources = Sources::environment([]);
        let error = LiveSettings::load_with(Function::Auth, clock.clock(), sources, Some(reader))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("APP_SECRET_ARN") && !error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn an_unknown_key_id_reads_the_secret_again_at_most_once_a_minute() {
    let (moto, clock) = (Moto::start(), TestClock::default());
    let database = TestDatabase::new().await;
    let mut values = secret(&database);
    values["JWT_AUDIENCE"].take();
    let arn = moto.create_secret("tasks", &values).await;
    let live = load(&moto, &arn, &clock, Function::Tasks).await;
    let app = shared::lambda::assemble(Function::Tasks, Arc::clone(&live), clock.clock(), 1);
    let now = clock.now().as_second();
    let id = "01980000-0000-7000-8000-000000000000";
    let claims = json!({ "iss": "todo-backend", "aud": "from-environment", "sub": id, "sid": id, "gen": 0, "iat": now, "exp": now + 60 });
    let token = |kid: &str, byte: u8| {
        let mut seed = [byte; 32];
        seed[0] = byte + 1;
        forge(&json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid }), &claims, &seed)
    };
    let accepts = async |token: &str| shared::http::CurrentUser::of(&app, token).await.is_ok();
    assert!(accepts(&token("test-active", 1)).await);

    // A forged key id causes the first early read, so a rotation right after it is noticed a minute later.
    assert!(!accepts(&token("forged", 9)).await);
    values["JWT_PUBLIC_KEYS"] = other_jwt_keys().1;
    moto.put_secret(&arn, &values).await;
    assert!(!accepts(&token("test-newer", 3)).await, "the secret was read a moment ago");
    clock.advance_seconds(60);
    let claims_now = clock.now().as_second();
    let fresh = json!({ "iss": "todo-backend", "aud": "from-environment", "sub": id, "sid": id, "gen": 0, "iat": claims_now, "exp": claims_now + 60 });
    let mut seed = [3; 32];
    seed[0] = 4;
    let newer = forge(&json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "test-newer" }), &fresh, &seed);
    assert!(accepts(&newer).await, "learned the new key without a restart");
    let _ = jwt_keys();
}

/// Creates a role for this test, whose password can be changed.
async fn rotating_role(database: &TestDatabase) -> (String, tokio_postgres::Client) {
    let role = format!("rotating_{}", database.name());
    let owner = database.connect().await;
    owner.batch_execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'first'")).await.unwrap();
    (role, owner)
}

#[tokio::test]
async fn a_rotated_database_password_is_read_and_used() {
    let (moto, clock) = (Moto::start(), TestClock::default());
    let database = TestDatabase::empty().await;
    let (role, owner) = rotating_role(&database).await;
    let url = |password: &str| {
        format!("postgresql://{role}:{password}@127.0.0.1:{}/{}", database.server().get_ports()[0], database.name())
    };
    let mut values = secret(&database);
    values["DATABASE_URL"] = url("first").into();
    let arn = moto.create_secret("health", &values).await;
    let live = load(&moto, &arn, &clock, Function::Health).await;
    let pool = Database::new(live.clone(), clock.clock(), DatabaseRole::Login, 1);
    health::ping(&pool.anonymous()).await.unwrap();

    owner.batch_execute(&format!("ALTER ROLE {role} PASSWORD 'second'")).await.unwrap();
    values["DATABASE_URL"] = url("second").into();
    moto.put_secret(&arn, &values).await;
    health::ping(&pool.anonymous()).await.expect("the open connection stays");
    let newcomer = Database::new(live.clone(), clock.clock(), DatabaseRole::Login, 1);
    health::ping(&newcomer.anonymous()).await.expect("the refused password made the secret be read again");

    owner.batch_execute(&format!("ALTER ROLE {role} PASSWORD 'third'")).await.unwrap();
    let unlucky = Database::new(live, clock.clock(), DatabaseRole::Login, 1);
    let error = health::ping(&unlucky.anonymous()).await.unwrap_err();
    assert!(!format!("{error:?}").contains("second"), "{error:?}");
}

#[tokio::test]
async fn a_password_that_pgbouncer_refuses_is_read_again_too() {
    let (moto, clock) = (Moto::start(), TestClock::default());
    let database = TestDatabase::empty().await;
    let bouncer = PgBouncer::start(database.server());
    let good = bouncer.url(database.name(), None);
    let password = String::from_utf8(database.server().get_password().unwrap().to_vec()).unwrap();
    let mut values = secret(&database);
    values["DATABASE_CA_CERT"] = bouncer.authority.clone().into();
    values["DATABASE_URL"] = good.replace(&password, "outdated").into();
    let arn = moto.create_secret("health", &values).await;
    let live = load(&moto, &arn, &clock, Function::Health).await;
    values["DATABASE_URL"] = good.into();
    moto.put_secret(&arn, &values).await;
    let pool = Database::new(live, clock.clock(), DatabaseRole::Login, 1);
    health::ping(&pool.anonymous()).await.expect("the refused password made the secret be read again");
}

#[tokio::test]
async fn a_changed_database_url_closes_the_connections_to_the_old_database() {
    let (moto, clock) = (Moto::start(), TestClock::default());
    let (old, new) = (TestDatabase::empty().await, TestDatabase::empty().await);
    let mut values = secret(&old);
    let arn = moto.create_secret("health", &values).await;
    let live = load(&moto, &arn, &clock, Function::Health).await;
    let pool = Database::new(live.clone(), clock.clock(), DatabaseRole::Login, 1);
    let name = async || {
        let sql = "SELECT current_database()::text AS name";
        let rows = Statement::new("test", sql).run(&pool.anonymous()).await.unwrap();
        rows.one().unwrap().get::<String>("name").unwrap()
    };
    assert_eq!(name().await, old.name());
    values["DATABASE_URL"] = new.url().into();
    moto.put_secret(&arn, &values).await;
    clock.advance_seconds(301);
    live.keep_fresh().await;
    assert_eq!(name().await, new.name());
}

#[tokio::test]
async fn the_health_function_starts_without_its_secret_and_reports_it() {
    let (moto, clock) = (Moto::start(), TestClock::default());
    let database = TestDatabase::empty().await;
    let arn = moto.create_secret("health", &json!(["no object"])).await;
    let live = load(&moto, &arn, &clock, Function::Health).await;
    let names = || live.problems().list.iter().map(|problem| problem.name).collect::<Vec<_>>();
    assert_eq!(names(), ["APP_SECRET_ARN", "DATABASE_URL"]);
    moto.put_secret(&arn, &secret(&database)).await;
    clock.advance_seconds(301);
    live.keep_fresh().await;
    assert_eq!(names(), [""; 0]);
    assert!(live.current().database.is_some());
}

#[tokio::test]
async fn reading_the_secret_again_keeps_the_tls_sessions_of_the_database() {
    let (moto, clock) = (Moto::start(), TestClock::default());
    let database = TestDatabase::empty().await;
    let port = database.server().get_ports()[0];
    let front = TlsFront::start(port).await;
    let url = database.url_at(front.port).replace("sslmode=disable", "sslmode=require");
    let values = json!({ "DATABASE_URL": url, "DATABASE_CA_CERT": front.authority });
    let arn = moto.create_secret("health", &values).await;
    let live = load(&moto, &arn, &clock, Function::Health).await;
    drop(connect_direct(&*live).await.unwrap());
    clock.advance_seconds(301);
    live.keep_fresh().await;
    drop(connect_direct(&*live).await.unwrap());
    let other = TlsFront::start(port).await;
    moto.put_secret(&arn, &json!({ "DATABASE_URL": url, "DATABASE_CA_CERT": other.authority })).await;
    clock.advance_seconds(301);
    live.keep_fresh().await;
    assert!(connect_direct(&*live).await.is_err(), "the authority of its certificate is not trusted any more");
    let resumed: Vec<bool> = front.handshakes().iter().map(|handshake| handshake.resumed).collect();
    assert_eq!(resumed, [false, true]);
}
