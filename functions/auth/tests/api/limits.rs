//! Rate limits: which limit refuses a request, when, and what the refusal says.

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use shared::config::Function;
use testkit::{Api, TestResponse};

use crate::{PASSWORD, refresh, sign_up, text};

/// The function with the default limits.
pub(crate) async fn api() -> Api {
    with_limits(&[]).await
}

/// The function with other limits.
pub(crate) async fn with_limits(limits: &[(&str, &str)]) -> Api {
    Api::start_with(Function::Auth, auth::routes, |settings| {
        settings.remove("RATE_LIMITS");
        settings.extend(limits.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    })
    .await
}

pub(crate) async fn sign_in(api: &Api, ip: &str, email: &str, password: &str) -> TestResponse {
    let body = json!({ "email": email, "password": password });
    api.call(Method::POST, "/api/v1/auth/signin").json(body).from_ip(ip).send().await
}

/// An IP address for each number.
pub(crate) fn ip(n: usize) -> String {
    format!("198.51.{}.{}", n / 250, n % 250 + 1)
}

/// The events of a kind, read by the owner of the tables.
pub(crate) async fn events(api: &Api, kind: &str) -> Vec<Value> {
    let owner = api.database.connect().await;
    let sql = "SELECT to_jsonb(e) FROM audit_events e WHERE kind = $1 ORDER BY occurred_at";
    let rows = owner.query_typed(sql, &[(&kind, tokio_postgres::types::Type::TEXT)]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn every_documented_operation_has_the_limit_of_its_row() {
    let sign_in = &["sign_in_account", "sign_in_address"][..];
    let rows: [(&str, &[&str]); 13] = [
        ("sign_up", &["sign_up"]),
        ("sign_in", sign_in),
        ("login", sign_in),
        ("login_unversioned", sign_in),
        ("refresh", &["refresh"]),
        ("refresh_unversioned", &["refresh"]),
        ("change_password", &["password"]),
        ("delete_account", &["password"]),
        // Users can always end their own sessions.
        ("sign_out", &[]),
        ("logout", &[]),
        ("logout_unversioned", &[]),
        ("logout_all", &[]),
        ("revoke_session", &[]),
    ];
    testkit::check_limits(Function::Auth, auth::routes, "auth", &rows).await;
}

#[tokio::test]
async fn of_200_concurrent_requests_exactly_the_burst_passes() {
    let api = with_limits(&[("RATE_LIMIT_SIGN_UP", "5, 1/h")]).await;
    let calls = (0..200).map(|n| {
        api.post("/api/v1/auth/signup", json!({ "email": format!("p{n}@example.com"), "password": PASSWORD }))
    });
    let answers = join_all(calls).await;
    let passed = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(passed, 5);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.problem(429, "rate_limited");
    }
    assert_eq!(events(&api, "rate_limited").await.len(), 1, "only the first refusal of the window writes an event");
}

#[tokio::test]
async fn a_refusal_says_how_long_to_wait_and_then_a_request_passes() {
    let api = api().await;
    for _ in 0..5 {
        sign_in(&api, "203.0.113.7", "nobody@example.com", "wrong").await.problem(401, "invalid_credentials");
    }
    let refused = sign_in(&api, "203.0.113.7", "nobody@example.com", "wrong").await;
    let problem = refused.problem(429, "rate_limited");
    assert_eq!(problem["detail"], "Too many requests; try again in 60 s");
    assert_eq!(refused.header("retry-after"), "60");
    assert_eq!(refused.header("ratelimit"), "\"sign_in_account\";r=0;t=60");
    assert_eq!(refused.header("ratelimit-policy"), "\"sign_in_account\";q=5;w=300");
    api.clock.advance_seconds(59);
    assert_eq!(sign_in(&api, "203.0.113.7", "nobody@example.com", "wrong").await.header("retry-after"), "1");
    api.clock.advance_seconds(1);
    sign_in(&api, "203.0.113.7", "nobody@example.com", "wrong").await.problem(401, "invalid_credentials");
    sign_in(&api, "203.0.113.7", "nobody@example.com", "wrong").await.problem(429, "rate_limited");
}

#[tokio::test]
async fn an_ip_address_has_ten_attempts_over_all_accounts() {
    let api = api().await;
    for n in 0..10 {
        sign_in(&api, "203.0.113.7", &format!("p{n}@example.com"), "wrong").await.problem(401, "invalid_credentials");
    }
    let refused = sign_in(&api, "203.0.113.7", "another@example.com", "wrong").await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("ratelimit-policy"), "\"sign_in_address\";q=10;w=120");
    sign_in(&api, "203.0.113.8", "another@example.com", "wrong").await.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn an_ipv6_64_counts_as_one_address_and_missing_addresses_share_a_bucket() {
    let api = with_limits(&[("RATE_LIMIT_SIGN_IN_ADDRESS", "2, 1/h")]).await;
    for ip in ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"] {
        sign_in(&api, ip, "nobody@example.com", "wrong").await.problem(401, "invalid_credentials");
    }
    sign_in(&api, "2001:db8:1:2:3:4:5:6", "other@example.com", "wrong").await.problem(429, "rate_limited");
    sign_in(&api, "2001:db8:1:3::1", "other@example.com", "wrong").await.problem(401, "invalid_credentials");
    // An IPv4-mapped IPv6 address counts as the IPv4 address.
    for ip in ["203.0.113.9", "::ffff:203.0.113.9"] {
        sign_in(&api, ip, "third@example.com", "wrong").await.problem(401, "invalid_credentials");
    }
    sign_in(&api, "203.0.113.9", "third@example.com", "wrong").await.problem(429, "rate_limited");
    for ip in ["", "nonsense"] {
        sign_in(&api, ip, "fourth@example.com", "wrong").await.problem(401, "invalid_credentials");
    }
    sign_in(&api, "999.1.1.1", "fifth@example.com", "wrong").await.problem(429, "rate_limited");
}

#[tokio::test]
async fn forwarding_headers_do_not_change_the_ip_address() {
    let api = with_limits(&[("RATE_LIMIT_SIGN_IN_ADDRESS", "2, 1/h")]).await;
    let call = async |forged: &str| {
        let body = json!({ "email": "nobody@example.com", "password": "wrong" });
        let call = api.call(Method::POST, "/api/v1/auth/signin").json(body);
        call.header("x-forwarded-for", forged).header("x-real-ip", forged).header("forwarded", forged).send().await
    };
    call("192.0.2.1").await.problem(401, "invalid_credentials");
    call("192.0.2.2").await.problem(401, "invalid_credentials");
    call("192.0.2.3").await.problem(429, "rate_limited");
}

#[tokio::test]
async fn refreshes_of_one_session_are_limited_and_another_session_is_not() {
    let api = api().await;
    let one = text(&sign_up(&api, "ada@example.com").await, "refresh_token");
    let other = text(&sign_up(&api, "eve@example.com").await, "refresh_token");
    let answers = join_all((0..60).map(|_| refresh(&api, &one))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 30);
    let refused = answers.iter().find(|answer| answer.status != 200).unwrap();
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("ratelimit-policy"), "\"refresh\";q=30;w=300");
    refresh(&api, &other).await.data(200);
    api.clock.advance_seconds(10);
    refresh(&api, &one).await.data(200);
    assert_eq!(events(&api, "rate_limited").await[0]["user_id"], json!(ada_id(&api).await));
}

async fn ada_id(api: &Api) -> String {
    let owner = api.database.connect().await;
    owner.batch_execute("SET ROLE todo_auth").await.unwrap();
    let sql = "SELECT id::text FROM users WHERE email = 'ada@example.com'";
    owner.query_typed_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn guesses_with_a_stolen_access_token_are_limited() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    let guess = async |password: &str| {
        let body = json!({ "current_password": password, "new_password": "seven unlikely penguins" });
        let call = api.call(Method::POST, "/api/v1/auth/change-password").json(body);
        call.bearer(&text(&data, "access_token")).send().await
    };
    for _ in 0..5 {
        guess("wrong").await.problem(401, "invalid_credentials");
    }
    guess(PASSWORD).await.problem(429, "rate_limited");
    let delete = api.call(Method::DELETE, "/api/v1/auth/account").json(json!({ "password": PASSWORD }));
    delete.bearer(&text(&data, "access_token")).send().await.problem(429, "rate_limited");
}

#[tokio::test]
async fn limits_and_events_contain_no_email_address() {
    let api = api().await;
    for n in 0..12 {
        sign_in(&api, &ip(n), "Nobody.Known@example.com", "wrong").await;
    }
    let owner = api.database.connect().await;
    let sql = "SELECT concat((SELECT string_agg(e::text, ' ') FROM audit_events e), (SELECT string_agg(l::text, ' ') FROM rate_limits l),
                             (SELECT string_agg(f::text, ' ') FROM sign_in_failures f))";
    let all: String = owner.query_typed_one(sql, &[]).await.unwrap().get(0);
    assert!(all.contains("unknown_account") && !all.to_lowercase().contains("known@"), "{all}");
}

#[tokio::test]
async fn a_stolen_session_cannot_use_up_the_permits_of_another_session() {
    let api = with_limits(&[("RATE_LIMIT_WRITES", "1, 1/h")]).await;
    let stolen = text(&sign_up(&api, "ada@example.com").await, "access_token");
    let signed_in = sign_in(&api, "203.0.113.10", "ada@example.com", PASSWORD).await.data(200);
    let own = text(&signed_in, "access_token");
    let other = text(&sign_in(&api, "203.0.113.10", "ada@example.com", PASSWORD).await.data(200), "access_token");
    let call = |method: Method, path: &str, token: &str| api.call(method, path).bearer(token);
    // The thief uses up all permits of the stolen session.
    for _ in 0..10 {
        let guess = json!({ "current_password": "wrong", "new_password": "seven unlikely penguins" });
        call(Method::POST, "/api/v1/auth/change-password", &stolen).json(guess).send().await;
        let unknown_session = "/api/v1/auth/sessions/01980000-0000-7000-8000-000000000000";
        call(Method::DELETE, unknown_session, &stolen).send().await.problem(404, "session_not_found");
    }
    let id = crate::claims(&other)["sid"].as_str().unwrap().to_owned();
    call(Method::DELETE, &format!("/api/v1/auth/sessions/{id}"), &own).send().await.data(200);
    crate::me(&api, &other).await.problem(401, "session_revoked");
    let change = json!({ "current_password": PASSWORD, "new_password": "seven unlikely penguins" });
    call(Method::POST, "/api/v1/auth/change-password", &own).json(change).send().await.data(200);
    crate::me(&api, &stolen).await.problem(401, "session_revoked");
    assert_eq!(call(Method::POST, "/api/v1/auth/logout-all", &own).send().await.data(200)["revoked"], 1);
}

#[tokio::test]
async fn wider_ipv6_networks_have_their_own_buckets() {
    let api = api().await;
    let mut refused = Vec::new();
    for n in 0..30 {
        let from = format!("2001:db8:77:{n:x}00::1");
        let answer = sign_in(&api, &from, &format!("p{n}@example.com"), "wrong").await;
        if answer.status == 429 {
            refused.push((n, answer.header("ratelimit-policy").to_owned()));
        }
    }
    assert_eq!(refused.first(), Some(&(25, "\"sign_in_address\";q=25;w=120".to_owned())), "{refused:?}");
    assert_eq!(refused.len(), 5);
    // A /56 has fewer permits, and a refusal by a wide network takes no permit from the narrow one.
    let api = self::api().await;
    for n in 0..21 {
        let from = format!("2001:db8:88:{n:02x}::1");
        let answer = sign_in(&api, &from, &format!("p{n}@example.com"), "wrong").await;
        assert_eq!(answer.status.as_u16(), if n < 20 { 401 } else { 429 }, "{n}");
    }
    let owner = api.database.connect().await;
    let sql = "SELECT count(*) FROM rate_limits WHERE key = '2001:db8:88:14::/64' AND full_at > $1";
    let now = api.now();
    let taken = owner.query_typed_one(sql, &[(&now, tokio_postgres::types::Type::TIMESTAMPTZ)]).await.unwrap();
    assert_eq!(taken.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn an_office_behind_one_ip_address_can_sign_in() {
    let api = with_limits(&[("RATE_LIMIT_SIGN_UP", "100, 1/s")]).await;
    for n in 0..30 {
        sign_up(&api, &format!("p{n}@example.com")).await;
    }
    // One of them has forgotten the password.
    for _ in 0..30 {
        let answer = sign_in(&api, "203.0.113.10", "p0@example.com", "wrong").await;
        assert!([401, 429].contains(&answer.status.as_u16()));
    }
    for n in 1..30 {
        sign_in(&api, "203.0.113.10", &format!("p{n}@example.com"), PASSWORD).await.data(200);
    }
}

#[tokio::test]
async fn without_a_permit_the_password_policy_is_not_checked() {
    let api = with_limits(&[("RATE_LIMIT_SIGN_UP", "1, 1/h")]).await;
    let weak = async |n: u32| {
        let body =
            json!({ "email": format!("p{n}@example.com"), "password": "4@8({[<369!|1$5+72x4@8({[<369!|1$5+72x" });
        api.post("/api/v1/auth/signup", body).await
    };
    // A malformed request takes no permit.
    api.post("/api/v1/auth/signup", json!({ "email": "x", "password": "x" })).await.problem(422, "validation_failed");
    let easy = json!({ "email": "ada@example.com", "password": "password1" });
    api.post("/api/v1/auth/signup", easy).await.invalid_at("/password");
    weak(1).await.problem(429, "rate_limited");
}
