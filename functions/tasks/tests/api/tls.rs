//! How connections to the database are encrypted.

use std::collections::BTreeMap;

use shared::config::Function;
use testkit::{Api, Handshake, TestDatabase, TlsFront, settings};

/// The function before a server that speaks TLS, with `options` at the end of its URL.
async fn behind_tls(options: &str, change: impl FnOnce(&mut BTreeMap<String, String>)) -> (Api, TlsFront) {
    let database = TestDatabase::new().await;
    let port = database.server().get_ports()[0];
    let front = TlsFront::start(port).await;
    let url = database.url_at(front.port);
    let mut settings = settings();
    settings.insert("DATABASE_URL".to_owned(), url.replace("sslmode=disable", &format!("sslmode=require{options}")));
    settings.insert("DATABASE_CA_CERT".to_owned(), front.authority.clone());
    change(&mut settings);
    (Api::start_on(database, Function::Tasks, tasks::routes, settings).await, front)
}

/// The handshakes of two connections: the first is cut off before the second request.
async fn two_handshakes(options: &str) -> Vec<Handshake> {
    let (api, front) = behind_tls(options, |_| {}).await;
    let ada = api.person("ada@example.com").await;
    ada.get("/api/tasks").await.data(200);
    api.database.end_connections().await;
    ada.get("/api/tasks").await.data(200);
    front.handshakes()
}

#[tokio::test]
async fn a_connection_resumes_the_tls_session_of_the_one_before() {
    let handshake = |resumed| Handshake { direct: false, resumed, protocol: None };
    assert_eq!(two_handshakes("").await, [handshake(false), handshake(true)]);
}

#[tokio::test]
async fn direct_negotiation_starts_tls_without_asking_the_server() {
    let handshake = |resumed| Handshake { direct: true, resumed, protocol: Some("postgresql".to_owned()) };
    assert_eq!(two_handshakes("&sslnegotiation=direct").await, [handshake(false), handshake(true)]);
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_with_an_unknown_authority() {
    let other = TlsFront::start(1).await.authority;
    let trusting_another = |settings: &mut BTreeMap<String, String>| {
        settings.insert("DATABASE_CA_CERT".to_owned(), other);
    };
    let (api, front) = behind_tls("", trusting_another).await;
    let ada = api.person("ada@example.com").await;
    ada.get("/api/tasks").await.problem(503, "database_unavailable");
    assert_eq!(front.handshakes(), []);
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_with_another_name() {
    // The certificate is for 127.0.0.1 and localhost.
    let (api, front) = behind_tls("", |settings| {
        let url = settings["DATABASE_URL"].replace("@127.0.0.1:", "@127.0.0.2:");
        settings.insert("DATABASE_URL".to_owned(), url);
    })
    .await;
    let ada = api.person("ada@example.com").await;
    ada.get("/api/tasks").await.problem(503, "database_unavailable");
    assert_eq!(front.handshakes(), []);
}
