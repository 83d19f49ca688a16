//! Properties that must hold for any input from outside. Fuzzers call these functions with inputs that reach new code,
//! property tests with random inputs.

use std::sync::{Arc, OnceLock};

use axum::routing::any;
use serde_json::{Value, json};
use shared::App;
use shared::clock::Clock;
use shared::config::{Function, LiveSettings, Settings, Sources};
use shared::domain::{AuditContext, Email, Password};
use shared::http::cursor::Cursor;
use shared::http::event::HttpEvent;
use shared::http::response::LambdaResponse;
use shared::http::{Json, PathId, Query, cookie, stack};
use shared::passwords::{self, HashCost};
use shared::tokens::{self, MacKeys, RefreshToken};
use tower::ServiceExt;

const PRIVATE: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","d":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]}"#;
const OCTETS: &str = r#"{"keys":[{"kty":"oct","kid":"o","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]}"#;
const LEGACY: &str = "the secret of the old backend, 32 bytes";

fn settings() -> &'static Settings {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    SETTINGS.get_or_init(|| {
        let all = [
            ("DATABASE_URL", "postgresql://u:p@127.0.0.1:1/d"),
            ("JWT_SIGNING_KEYS", PRIVATE),
            ("REFRESH_TOKEN_KEYS", OCTETS),
            ("PASSWORD_PEPPERS", OCTETS),
            ("BETTER_AUTH_SECRET", LEGACY),
        ];
        let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Settings::read(Function::Auth, &Sources::environment(all)).expect("the settings are valid")
    })
}

fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

/// An accepted refresh token is one that we derive, in its only spelling.
pub(crate) fn refresh_token(data: &[u8]) {
    use secrecy::ExposeSecret;
    let keys = MacKeys::parse(OCTETS).expect("the keys are valid");
    let given = text(data);
    if let Ok(read) = RefreshToken::verify(&keys, &given) {
        let derived = tokens::derive_refresh_token(&keys, read).expect("there is an active key");
        assert_eq!(derived.expose_secret(), given);
    }
    // A derived token is accepted, unless a character is changed.
    let mut seed = [0; 24];
    let length = data.len().min(24);
    seed[..length].copy_from_slice(&data[..length]);
    let (session, generation) = seed.split_at(16);
    let token = RefreshToken {
        session: uuid::Uuid::from_slice(session).expect("16 bytes"),
        generation: i64::from_be_bytes(generation.try_into().expect("8 bytes")),
    };
    let derived = tokens::derive_refresh_token(&keys, token).expect("there is an active key");
    assert_eq!(RefreshToken::verify(&keys, derived.expose_secret()), Ok(token));
    if let (Some(place), Some(byte)) = (data.get(24), data.get(25)) {
        let mut changed = derived.expose_secret().as_bytes().to_vec();
        let place = usize::from(*place) % changed.len();
        if changed[place] != *byte {
            changed[place] = *byte;
            assert!(RefreshToken::verify(&keys, &text(&changed)).is_err());
        }
    }
}

/// A token that we have not signed is refused. A signed token is verified without a panic, whatever its claims are.
pub(crate) fn jwt(data: &[u8]) {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let now = jiff::Timestamp::from_second(1_773_144_000).expect("a valid time");
    assert!(tokens::verify(&settings().access_tokens, &text(data), now).is_err(), "unsigned text is no token");
    let middle = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (header, payload) = data.split_at(middle);
    let message =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload.get(1..).unwrap_or_default()));
    for signature in ["", "AAAA", &"A".repeat(86)] {
        assert!(tokens::verify(&settings().access_tokens, &format!("{message}.{signature}"), now).is_err());
    }
    // Signed with our keys, so only the claims decide.
    let seed: Vec<u8> = (0..32).collect();
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed of 32 bytes");
    let ours = URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes()));
    let mac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, LEGACY.as_bytes());
    let theirs = URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&mac, message.as_bytes()));
    for (signature, algorithm) in [(ours, "EdDSA"), (theirs, "HS256")] {
        if let Ok(identity) = tokens::verify(&settings().access_tokens, &format!("{message}.{signature}"), now) {
            let header: Value = serde_json::from_slice(header).expect("an accepted header is JSON");
            assert_eq!(header["alg"], algorithm, "one algorithm per key");
            assert_eq!(identity.proof.session().is_some(), algorithm == "EdDSA");
        }
    }
}

/// An accepted address is normalised, and normalising it again does not change it.
pub(crate) fn email(data: &[u8]) {
    let Ok(email) = Email::parse(&text(data)) else { return };
    let text = email.as_str();
    assert_eq!(Email::parse(text).as_ref().map(Email::as_str), Ok(text));
    assert!((3..=254).contains(&text.len()) && text.contains('@') && text == text.to_lowercase().replace('ς', "σ"));
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

/// No accepted hash is above the largest cost, and a cheap one is verified without a panic.
pub(crate) fn stored_hash(data: &[u8]) {
    let stored = text(data);
    let cheap = match passwords::cost_of(&stored) {
        None | Some(HashCost::Sha256) => true,
        Some(HashCost::Argon2(memory, passes, lanes)) => {
            assert!(memory <= 64 * 1024 && passes <= 10 && lanes <= 4, "{stored}");
            false
        }
        Some(HashCost::Bcrypt(cost)) => {
            assert!(cost <= 14, "{stored}");
            cost <= 4
        }
    };
    if cheap {
        assert!(
            !passwords::matches_legacy(&stored, &Password::new("no horse at all")),
            "nobody finds a preimage: {stored}"
        );
    }
}

/// An accepted cursor is one that we would encode, with a time that the database can store.
pub(crate) fn cursor(data: &[u8]) {
    let given = text(data);
    if let Some(cursor) = Cursor::decode(&given) {
        assert_eq!(cursor.encode(), given);
        assert!(cursor.time.as_second() >= -62_135_596_800);
    }
    let Ok(bytes) = <[u8; 24]>::try_from(data.get(..24).unwrap_or_default()) else { return };
    let (micros, id) = bytes.split_at(8);
    let micros = i64::from_be_bytes(micros.try_into().expect("8 bytes")).unsigned_abs() % 253_402_207_200_000_000;
    let time = jiff::Timestamp::from_microsecond(i64::try_from(micros).expect("in range")).expect("in range");
    let cursor = Cursor { time, id: uuid::Uuid::from_slice(id).expect("16 bytes") };
    assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
}

/// Every event gets a response that is not 5xx and has the headers of every response.
pub(crate) fn event(data: &[u8]) {
    let Ok(given) = serde_json::from_slice::<Value>(data) else { return };
    // Add the missing fields of an event, so that more inputs are valid events.
    let mut event: Value = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "", "headers": {},
        "requestContext": { "http": { "method": "POST", "path": "/", "sourceIp": "203.0.113.7" } },
        "isBase64Encoded": false
    });
    if !given.is_object() {
        return;
    }
    merge(&mut event, &given);
    // API Gateway sends no fields of other types.
    let Ok(event) = serde_json::from_value::<HttpEvent>(event) else { return };
    let answer = runtime().block_on(router().clone().oneshot(event.into_request(None)));
    let answer = answer.unwrap_or_else(|never| match never {});
    assert!(answer.status().as_u16() < 500, "{}", answer.status());
    assert!(answer.headers().contains_key("x-request-id"));
    let answer = runtime().block_on(LambdaResponse::from_response(answer)).expect("the body is in memory");
    let written: Value =
        serde_json::from_str(&serde_json::to_string(&answer).expect("it is JSON")).expect("it is JSON");
    assert!(written["statusCode"].is_u64() && written["headers"]["x-content-type-options"] == "nosniff");
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the runtime starts"))
}

#[derive(serde::Deserialize)]
struct Body {
    #[expect(dead_code, reason = "only its shape matters")]
    title: String,
}

/// A router with a handler that uses every extractor, behind the layers of every function.
fn router() -> &'static axum::Router {
    static ROUTER: OnceLock<axum::Router> = OnceLock::new();
    ROUTER.get_or_init(|| {
        let clock = Clock::system();
        let sources = Sources::environment([("LOG_LEVEL".to_owned(), "error".to_owned())]);
        let live = runtime().block_on(LiveSettings::load(Function::Docs, clock.clone(), sources));
        let live = live.unwrap_or_else(|error| panic!("{error}"));
        let app = shared::lambda::assemble(Function::Docs, Arc::new(live), clock, 1);
        let take = |context: AuditContext,
                    browser: cookie::BrowserCookie,
                    id: PathId,
                    mut query: Query,
                    body: Json<Body>| async move {
            let limit = query.number("limit", 1..=100, 50)?;
            Cursor::take(&mut query)?;
            query.finish()?;
            let _ = (context, browser.token()?.is_some(), id, limit, body);
            Ok::<_, shared::error::ApiError>("taken")
        };
        let routes: axum::Router<App> = axum::Router::new().route("/", any(take)).route("/tasks/{id}", any(take));
        stack(routes, app)
    })
}
