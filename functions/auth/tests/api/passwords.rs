//! Which passwords are accepted, and the check against known breaches.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use shared::config::Function;
use testkit::Api;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::api;

fn body(password: &str) -> Value {
    json!({ "email": "ada.lovelace@example.com", "password": password, "name": "Ada King" })
}

#[tokio::test]
async fn a_refusal_says_how_to_choose_a_better_password() {
    let api = api().await;
    for (password, reason) in [
        ("short", "must be at least 8 characters long"),
        (
            "password",
            "is too easy to guess. This is a top-10 common password. Add another word or two. Uncommon words are better.",
        ),
        ("qwertyuiop", "is too easy to guess."),
        ("ada.lovelace@example.com", "must not be your email address; choose something only you would think of"),
        ("Ada King", "must not be your name; choose something only you would think of"),
    ] {
        let problem = api.post("/api/v1/auth/signup", body(password)).await.invalid_at("/password");
        let detail = problem["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.starts_with(reason), "{password}: {detail}");
        assert!(!detail.contains(password) || password == "password", "the password is not quoted");
    }
    api.post("/api/v1/auth/signup", body("a phrase nobody guesses")).await.data(201);
}

/// The range with the password, which has three occurrences.
const BREACHED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 78\r\n\r\n0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n79B132CC3A2920415314E69E3765660D35B:3\r\n";

/// The range with the password as padding: it has no occurrences.
const PADDED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 78\r\n\r\n0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n79B132CC3A2920415314E69E3765660D35B:0\r\n";

/// A range service that gives the same answer to every request.
async fn service(answer: &'static str) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://127.0.0.1:{}/range/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap_or_default();
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                // The start of the SHA-1 hash of "a phrase nobody guesses". The rest of the hash is not sent.
                assert!(request.starts_with("GET /range/73FD8 HTTP/1.1\r\n"), "{request}");
                if answer.is_empty() {
                    // Never answers.
                    std::future::pending::<()>().await;
                }
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    url
}

async fn with_breach_service(url: String) -> Api {
    Api::start_with(Function::Auth, auth::routes, |settings| {
        settings.insert("BREACHED_PASSWORDS_URL".to_owned(), url);
    })
    .await
}

#[tokio::test]
async fn a_password_from_a_breach_is_refused() {
    let api = with_breach_service(service(BREACHED).await).await;
    let problem = api.post("/api/v1/auth/signup", body("a phrase nobody guesses")).await.invalid_at("/password");
    assert!(problem["detail"].as_str().unwrap().contains("data breach"), "{problem}");
}

#[tokio::test]
async fn a_password_is_accepted_if_the_service_does_not_know_it_or_fails() {
    for answer in [
        PADDED,
        "",
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n\u{fffd}\n",
        "nonsense",
    ] {
        let api = with_breach_service(service(answer).await).await;
        api.post("/api/v1/auth/signup", body("a phrase nobody guesses")).await.data(201);
    }
    let api = with_breach_service("http://127.0.0.1:1/range/".to_owned()).await;
    api.post("/api/v1/auth/signup", body("a phrase nobody guesses")).await.data(201);
}
