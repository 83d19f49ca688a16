//! The sources of settings.

use shared::config::{Function, Settings, Source, Sources};

#[test]
fn the_environment_wins_over_the_secret() {
    let mut whole = testkit::settings();
    whole.insert("DATABASE_URL".to_owned(), "postgresql://user:password@localhost/todo".to_owned());
    let sources = Sources::environment([("JWT_ISSUER".to_owned(), "from-environment".to_owned())]);
    let secret = whole.into_iter().chain([
        ("JWT_ISSUER".to_owned(), "from-secret".to_owned()),
        ("JWT_AUDIENCE".to_owned(), "from-secret".to_owned()),
    ]);
    let settings = Settings::read(Function::Auth, &sources.with_secret(secret.collect())).unwrap();
    assert_eq!(
        (settings.access_tokens.issuer.as_str(), settings.access_tokens.audience.as_str()),
        ("from-environment", "from-secret")
    );
    let source = |name: &str| settings.report.iter().find(|row| row.name == name).and_then(|row| row.source);
    assert_eq!(source("JWT_ISSUER"), Some(Source::Environment));
    assert_eq!(source("JWT_AUDIENCE"), Some(Source::Secret));
    assert_eq!(source("LOG_LEVEL"), Some(Source::Default));
}

#[test]
fn dotenv_files_are_read_unless_a_secret_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env.local"), "JWT_ISSUER=local\n").unwrap();
    std::fs::write(folder.path().join(".env"), "JWT_ISSUER=shared\nJWT_AUDIENCE='with \"quotes\"'\n").unwrap();
    let sources = Sources::process(folder.path()).unwrap();
    assert_eq!(sources.get("JWT_ISSUER"), Some(("local", Source::EnvLocal)));
    assert_eq!(sources.get("JWT_AUDIENCE"), Some(("with \"quotes\"", Source::Env)));
    assert!(sources.get("PATH").is_some_and(|(_, source)| source == Source::Environment));
}
