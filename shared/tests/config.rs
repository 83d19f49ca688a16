//! Settings that are missing, malformed or forbidden in production. All problems are reported together, without values.

use std::collections::BTreeMap;

use shared::config::{Environment, Function, SettingProblems, Settings, Sources};

/// A word in every wrong value, so that a leaked value is found.
const LEAK: &str = "hunter2";

fn complete_settings() -> BTreeMap<String, String> {
    let mut all = testkit::settings();
    all.remove("RATE_LIMITS");
    all.insert("DATABASE_URL".to_owned(), "postgresql://user:hunter2@localhost/todo".to_owned());
    all.insert("DATABASE_URL_UNPOOLED".to_owned(), "postgresql://user:hunter2@localhost/todo".to_owned());
    all
}

/// Settings that production accepts.
fn production_settings() -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> =
        complete_settings().into_iter().map(|(name, value)| (name, value.replace("dev-", "prod-"))).collect();
    for (name, value) in [
        ("ENVIRONMENT", "production"),
        ("ALLOWED_ORIGINS", "https://app.example.com, https://www.example.com/"),
        (
            "DATABASE_URL",
            "postgresql://u:hunter2@ep-x-1-pooler.eu-central-1.aws.neon.tech/d?sslmode=require&channel_binding=require",
        ),
        ("DATABASE_URL_UNPOOLED", "postgresql://u:hunter2@ep-x-1.eu-central-1.aws.neon.tech/d?sslmode=require"),
        ("BETTER_AUTH_SECRET", "k3yb0ard-c4t-and-a-long-tail-hunter2"),
    ] {
        all.insert(name.to_owned(), value.to_owned());
    }
    all
}

fn read(function: Function, settings: BTreeMap<String, String>) -> Result<Settings, SettingProblems> {
    Settings::read(function, &Sources::environment(settings))
}

fn names(problems: &SettingProblems) -> Vec<&'static str> {
    problems.list.iter().map(|problem| problem.name).collect()
}

#[test]
fn complete_settings_are_accepted_by_every_function() {
    for function in Function::ALL {
        assert!(
            read(function, complete_settings()).is_ok(),
            "{function:?}: {}",
            read(function, complete_settings()).unwrap_err()
        );
        assert!(
            read(function, production_settings()).is_ok(),
            "{function:?}: {}",
            read(function, production_settings()).unwrap_err()
        );
    }
}

#[test]
fn development_needs_keys_and_a_database_and_nothing_else() {
    let all = complete_settings();
    let settings = read(Function::Auth, all).unwrap();
    assert_eq!(settings.environment, Environment::Development);
    let origin = |text: &'static str| settings.origins.allow(&http::HeaderValue::from_static(text));
    assert!(origin("http://localhost:3000") && origin("http://127.0.0.1:3000") && !origin("http://localhost:3001"));
    assert_eq!(settings.access_ttl.as_secs(), 900);
    assert_eq!(settings.token_ttl.as_secs(), 24 * 3600);
}

#[test]
fn each_function_needs_its_own_settings_and_no_others() {
    let needs = |function| names(&read(function, BTreeMap::new()).err().unwrap_or_default());
    assert_eq!(needs(Function::Auth), ["DATABASE_URL", "JWT_SIGNING_KEYS", "REFRESH_TOKEN_KEYS", "PASSWORD_PEPPERS"]);
    assert_eq!(needs(Function::Tasks), ["DATABASE_URL", "JWT_PUBLIC_KEYS"]);
    assert_eq!(needs(Function::Health), ["DATABASE_URL"]);
    assert_eq!(needs(Function::Docs), [""; 0]);
    assert_eq!(needs(Function::Migrate), ["DATABASE_URL_UNPOOLED"]);
}

#[test]
fn tasks_ignores_a_private_key() {
    let mut all = complete_settings();
    all.insert("JWT_PUBLIC_KEYS".to_owned(), all["JWT_SIGNING_KEYS"].clone());
    assert_eq!(names(&read(Function::Tasks, all).unwrap_err()), ["JWT_PUBLIC_KEYS"]);
    let settings = read(Function::Tasks, complete_settings()).unwrap();
    assert!(settings.access_tokens.signing_keys.active().is_none() && settings.refresh_keys.active().is_none());
}

#[test]
fn every_malformed_value_is_reported_with_the_expected_one() {
    let short_key = r#"{"keys":[{"kty":"oct","kid":"hunter2","k":"c2hvcnQ"}]}"#;
    let two_active = testkit::settings()["JWT_SIGNING_KEYS"].replace("retired", "active");
    let none_active =
        testkit::settings()["JWT_SIGNING_KEYS"].replace("active\"}", "retired\"}").replace("\"active\"", "\"retired\"");
    let same_ids = testkit::settings()["JWT_SIGNING_KEYS"].replace("test-retired", "test-active");
    let wrong_public = testkit::settings()["JWT_SIGNING_KEYS"].replacen("\"x\":\"", "\"x\":\"A", 1);
    let table: Vec<(&str, &str, Function)> = vec![
        ("ENVIRONMENT", "hunter2", Function::Docs),
        ("ENVIRONMENT", "Production", Function::Docs),
        ("LOG_LEVEL", "hunter2", Function::Docs),
        ("LOG_LEVEL", "info,tokio_postgres=trace", Function::Docs),
        ("ALLOWED_ORIGINS", "hunter2", Function::Docs),
        ("ALLOWED_ORIGINS", "https://a.example.com/hunter2", Function::Docs),
        ("ALLOWED_ORIGINS", "https://hunter2@a.example.com", Function::Docs),
        ("ALLOWED_ORIGINS", "ftp://hunter2.example.com", Function::Docs),
        ("ALLOWED_ORIGINS", ",", Function::Docs),
        // Browsers never send these.
        ("ALLOWED_ORIGINS", "https://hunter2.example.com:443", Function::Docs),
        ("ALLOWED_ORIGINS", "http://hunter2.example.com:80", Function::Docs),
        ("ALLOWED_ORIGINS", "https://hunter2.*.example.com", Function::Docs),
        ("ALLOWED_ORIGINS", "https://*hunter2.example.com", Function::Docs),
        ("ALLOWED_ORIGINS", "https://*.hunter2.example.com/x", Function::Docs),
        ("ALLOWED_ORIGINS", "https://hunter2.example.com?x", Function::Docs),
        ("ALLOWED_ORIGINS", "hunter2.example.com", Function::Docs),
        ("ALLOWED_ORIGINS", "https://hunter2..example.com", Function::Docs),
        ("ALLOWED_ORIGINS", "https://hunter2.example.com:08443", Function::Docs),
        ("ALLOWED_ORIGINS", "http://127.1:3000", Function::Docs),
        ("ALLOWED_ORIGINS", "http://[0:0:0:0:0:0:0:1]:3000", Function::Docs),
        ("ALLOWED_HEADERS", "x-hunter2 and more", Function::Tasks),
        ("REFRESH_COOKIE_SAMESITE", "hunter2", Function::Auth),
        ("LEGACY_PASSWORD_HASHES", "hunter2", Function::Auth),
        ("MAX_TASKS_PER_USER", "0", Function::Tasks),
        ("MAX_TASKS_PER_USER", "10000001", Function::Tasks),
        ("DATABASE_URL", "hunter2", Function::Tasks),
        ("DATABASE_URL", "mysql://u:hunter2@h/d", Function::Tasks),
        ("DATABASE_URL", "postgresql://h/hunter2", Function::Tasks),
        ("DATABASE_URL", "postgresql://u:hunter2@h/d?sslmode=hunter2", Function::Tasks),
        ("DATABASE_URL", "postgresql://u:hunter2@h/d?sslnegotiation=direct", Function::Tasks),
        ("DATABASE_URL", "postgresql://u:hunter2@h:port/d", Function::Tasks),
        ("DATABASE_URL_UNPOOLED", "hunter2", Function::Migrate),
        ("DATABASE_CA_CERT", "/nowhere/hunter2.pem", Function::Tasks),
        ("DATABASE_CA_CERT", "-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----", Function::Tasks),
        ("JWT_ISSUER", "hunter2 hunter2", Function::Tasks),
        ("JWT_AUDIENCE", "hunter2\u{e9}", Function::Tasks),
        ("ACCESS_TOKEN_TTL_SECONDS", "hunter2", Function::Auth),
        ("ACCESS_TOKEN_TTL_SECONDS", "59", Function::Auth),
        ("JWT_EXPIRATION_DELTA_HOURS", "-1", Function::Auth),
        ("JWT_EXPIRATION_DELTA_HOURS", "721", Function::Auth),
        ("JWT_EXPIRATION_DELTA_HOURS", "1.5", Function::Auth),
        ("JWT_SIGNING_KEYS", "hunter2", Function::Auth),
        ("JWT_SIGNING_KEYS", r#"{"keys":[]}"#, Function::Auth),
        ("JWT_SIGNING_KEYS", short_key, Function::Auth),
        ("JWT_SIGNING_KEYS", &two_active, Function::Auth),
        ("JWT_SIGNING_KEYS", &none_active, Function::Auth),
        ("JWT_SIGNING_KEYS", &same_ids, Function::Auth),
        ("JWT_SIGNING_KEYS", &wrong_public, Function::Auth),
        ("JWT_PUBLIC_KEYS", "hunter2", Function::Tasks),
        ("REFRESH_TOKEN_KEYS", "hunter2", Function::Auth),
        ("REFRESH_TOKEN_KEYS", short_key, Function::Auth),
        ("PASSWORD_PEPPERS", short_key, Function::Auth),
        ("REFRESH_REUSE_STRICT", "hunter2", Function::Auth),
        ("RATE_LIMITS", "hunter2", Function::Tasks),
        ("RATE_LIMIT_SIGN_IN_ADDRESS", "10", Function::Auth),
        ("RATE_LIMIT_SIGN_IN_ACCOUNT", "5, hunter2/min", Function::Auth),
        ("RATE_LIMIT_SIGN_UP", "0, 10/h", Function::Auth),
        ("RATE_LIMIT_REFRESH", "30, 6/hunter2", Function::Auth),
        ("RATE_LIMIT_WRITES", "120; 2/s", Function::Users),
        ("BREACHED_PASSWORDS_URL", "hunter2", Function::Auth),
        ("BREACHED_PASSWORDS_URL", "https://hunter2.example/range", Function::Auth),
        ("DECOY_BCRYPT_COST", "15", Function::Auth),
        ("JWT_PUBLIC_KEYS", "hunter2", Function::Users),
        ("SECRET_CACHE_SECONDS", "9", Function::Auth),
    ];
    for (name, value, function) in table {
        let mut all = complete_settings();
        all.insert(name.to_owned(), value.to_owned());
        let problems = read(function, all).expect_err(&format!("{name}={value}"));
        assert_eq!(names(&problems), [name], "{name}={value}");
        let message = problems.to_string();
        assert!(message.contains(&format!("{name} (from environment): expected ")), "{message}");
        assert!(!message.contains(LEAK) && (value.len() < 4 || !message.contains(value)), "{message}");
        assert!(!format!("{problems:?}").contains(LEAK));
    }
}

#[test]
fn migrate_refuses_the_pooled_host() {
    for environment in ["development", "staging", "production"] {
        let mut all = production_settings();
        all.insert("ENVIRONMENT".to_owned(), environment.to_owned());
        let pooled = "postgresql://u:hunter2@ep-x-1-pooler.eu.aws.neon.tech/d?sslmode=require";
        all.insert("DATABASE_URL_UNPOOLED".to_owned(), pooled.to_owned());
        let problems = read(Function::Migrate, all).expect_err("its locks would stay in the pooler");
        assert_eq!(names(&problems), ["DATABASE_URL_UNPOOLED"], "{environment}");
    }
}

#[test]
fn production_refuses_unsafe_settings() {
    let weak_keys = |name: &'static str| (name, production_settings()[name].replace("test-", "dev-"));
    let table: Vec<(&str, String, Function)> = vec![
        ("DATABASE_URL", "postgresql://u:hunter2@db.example.com/d".to_owned(), Function::Tasks),
        ("DATABASE_URL", "postgresql://u:hunter2@db.example.com/d?sslmode=prefer".to_owned(), Function::Tasks),
        (
            "DATABASE_URL",
            "postgresql://u:hunter2@ep-x-1.eu.aws.neon.tech/d?sslmode=require".to_owned(),
            Function::Tasks,
        ),
        ("DATABASE_URL_UNPOOLED", "postgresql://u:hunter2@db.example.com/d".to_owned(), Function::Migrate),
        ("ALLOWED_ORIGINS", "*".to_owned(), Function::Docs),
        ("ALLOWED_ORIGINS", "https://app.example.com,*".to_owned(), Function::Docs),
        ("ALLOWED_ORIGINS", "http://localhost:3000".to_owned(), Function::Docs),
        ("ALLOWED_ORIGINS", "https://127.0.0.1".to_owned(), Function::Docs),
        ("ALLOWED_ORIGINS", "http://app.example.com".to_owned(), Function::Docs),
        ("RATE_LIMITS", "off".to_owned(), Function::Auth),
        ("RATE_LIMITS", "off".to_owned(), Function::Tasks),
        ("RATE_LIMITS", "off".to_owned(), Function::Users),
        ("BREACHED_PASSWORDS_URL", "http://hunter2.example/range/".to_owned(), Function::Auth),
        ("BETTER_AUTH_SECRET", "hunter2".to_owned(), Function::Tasks),
        ("BETTER_AUTH_SECRET", "your-secret-key-change-in-production-hunter2".to_owned(), Function::Auth),
        ("JWT_SIGNING_KEYS", weak_keys("JWT_SIGNING_KEYS").1, Function::Auth),
        ("JWT_PUBLIC_KEYS", weak_keys("JWT_PUBLIC_KEYS").1, Function::Tasks),
        ("REFRESH_TOKEN_KEYS", weak_keys("REFRESH_TOKEN_KEYS").1, Function::Auth),
        ("PASSWORD_PEPPERS", weak_keys("PASSWORD_PEPPERS").1, Function::Auth),
    ];
    for (name, value, function) in table {
        let mut all = production_settings();
        all.insert(name.to_owned(), value.clone());
        let problems = read(function, all.clone()).expect_err(&format!("{name}={value}"));
        assert!(names(&problems).iter().all(|problem| *problem == name), "{problems}");
        let message = problems.to_string();
        assert!(message.contains("in production") && !message.contains(LEAK), "{message}");
        // Development accepts the same value.
        all.insert("ENVIRONMENT".to_owned(), "development".to_owned());
        assert!(read(function, all).is_ok(), "{name}={value}");
    }
    let mut all = production_settings();
    all.remove("ALLOWED_ORIGINS");
    assert_eq!(names(&read(Function::Docs, all).unwrap_err()), ["ALLOWED_ORIGINS"], "no default in production");
}

#[test]
fn all_problems_are_in_one_message() {
    let settings = [
        ("ENVIRONMENT", "production"),
        ("LOG_LEVEL", "hunter2"),
        ("DATABASE_URL", "hunter2"),
        ("JWT_EXPIRATION_DELTA_HOURS", "x"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let problems = read(Function::Auth, settings).unwrap_err();
    assert_eq!(
        names(&problems),
        [
            "LOG_LEVEL",
            "ALLOWED_ORIGINS",
            "DATABASE_URL",
            "JWT_EXPIRATION_DELTA_HOURS",
            "JWT_SIGNING_KEYS",
            "REFRESH_TOKEN_KEYS",
            "PASSWORD_PEPPERS"
        ]
    );
    let message = problems.to_string();
    assert!(
        message.starts_with("the configuration has 7 problem(s):\n  LOG_LEVEL (from environment): expected trace"),
        "{message}"
    );
    assert!(message.contains("\n  ALLOWED_ORIGINS: missing; expected origins"), "{message}");
    assert!(message.contains("looked in environment"), "{message}");
}

#[test]
fn log_levels_may_have_pythons_names() {
    for (given, read_as) in [("INFO", "info"), ("WARNING", "warn"), ("CRITICAL", "error"), ("Debug", "debug")] {
        let settings = read(Function::Docs, [("LOG_LEVEL".to_owned(), given.to_owned())].into()).unwrap();
        assert_eq!(settings.log_level, read_as);
    }
}

#[test]
fn settings_print_no_secret() {
    let printed = format!("{:?}", read(Function::Auth, production_settings()).unwrap());
    for secret in [LEAK, "\"d\"", "AgEBAQEB"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn a_blank_value_is_a_missing_value() {
    let mut all = complete_settings();
    all.insert("DATABASE_URL".to_owned(), "  ".to_owned());
    let problems = read(Function::Tasks, all).unwrap_err();
    assert!(problems.to_string().contains("DATABASE_URL: missing"), "{problems}");
}

#[test]
fn the_database_url_may_have_its_other_name() {
    let mut all = production_settings();
    let url = all.remove("DATABASE_URL").unwrap();
    all.insert("NEON_DATABASE_URL".to_owned(), url);
    let settings = read(Function::Tasks, all.clone()).unwrap();
    assert!(settings.report.iter().any(|row| row.name == "NEON_DATABASE_URL" && row.set));
    all.insert("NEON_DATABASE_URL".to_owned(), "postgresql://u:hunter2@db.example.com/d".to_owned());
    assert_eq!(names(&read(Function::Tasks, all).unwrap_err()), ["NEON_DATABASE_URL"]);
}
