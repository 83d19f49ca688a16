//! Rate limits: what refuses, when, and what the refusal says.

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use shared::config::Function;
use testkit::{Answer, Api};

use crate::{PASSWORD, refresh, sign_up, text};

/// The function with limits as they are by default.
async fn api() -> Api {
    with(&[]).await
}

/// The function with other limits.
async fn with(limits: &[(&str, &str)]) -> Api {
    Api::start_with(Function::Auth, auth::routes, |settings| {
        settings.remove("RATE_LIMITS");
        settings.extend(limits.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    })
    .await
}

async fn sign_in(api: &Api, ip: &str, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    api.call(Method::POST, "/api/v1/auth/signin").json(body).from_ip(ip).send().await
}

/// An address per number.
fn ip(n: usize) -> String {
    format!("198.51.{}.{}", n / 250, n % 250 + 1)
}

/// The events of a kind, as the owner of the tables sees them.
async fn events(api: &Api, kind: &str) -> Vec<Value> {
    let owner = api.database.connect().await;
    let sql = "SELECT to_jsonb(e) FROM audit_events e WHERE kind = $1 ORDER BY occurred_at";
    let rows = owner.query_typed(sql, &[(&kind, tokio_postgres::types::Type::TEXT)]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn of_two_hundred_at_once_exactly_the_burst_passes() {
    let api = with(&[("RATE_LIMIT_SIGN_UP", "5, 1/h")]).await;
    let calls = (0..200).map(|n| {
        api.post("/api/v1/auth/signup", json!({ "email": format!("p{n}@example.com"), "password": PASSWORD }))
    });
    let answers = join_all(calls).await;
    let passed = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(passed, 5);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.problem(429, "rate_limited");
    }
    assert_eq!(events(&api, "rate_limited").await.len(), 1, "the first refusal of the window is noted");
}

#[tokio::test]
async fn a_refusal_says_how_long_to_wait_and_waiting_helps() {
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
async fn an_address_has_ten_tries_whatever_the_account() {
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
async fn an_ipv6_network_is_one_address_and_those_without_share_one() {
    let api = with(&[("RATE_LIMIT_SIGN_IN_ADDRESS", "2, 1/h")]).await;
    for ip in ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"] {
        sign_in(&api, ip, "nobody@example.com", "wrong").await.problem(401, "invalid_credentials");
    }
    sign_in(&api, "2001:db8:1:2:3:4:5:6", "other@example.com", "wrong").await.problem(429, "rate_limited");
    sign_in(&api, "2001:db8:1:3::1", "other@example.com", "wrong").await.problem(401, "invalid_credentials");
    // IPv4 in IPv6's clothing is IPv4.
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
async fn headers_about_the_address_are_not_believed() {
    let api = with(&[("RATE_LIMIT_SIGN_IN_ADDRESS", "2, 1/h")]).await;
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
async fn five_failures_from_anywhere_pause_the_account_and_pauses_double() {
    for account in ["ada@example.com", "nobody@example.com"] {
        let api = api().await;
        sign_up(&api, "ada@example.com").await;
        let mut from = 0;
        let mut fail = async || {
            from += 1;
            sign_in(&api, &ip(from), account, "wrong").await
        };
        for _ in 0..5 {
            fail().await.problem(401, "invalid_credentials");
        }
        for pause in [30, 60, 120, 240, 480, 960, 1920, 3600, 3600] {
            let refused = fail().await;
            refused.problem(429, "too_many_failures");
            assert_eq!(refused.header("retry-after"), pause.to_string());
            api.clock.advance_seconds(pause - 1);
            fail().await.problem(429, "too_many_failures");
            api.clock.advance_seconds(1);
            fail().await.problem(401, "invalid_credentials");
        }
        let noted = events(&api, "rate_limited").await;
        assert_eq!(noted.len(), 9, "one for each pause");
        assert_eq!(noted[0]["user_id"].is_null(), account != "ada@example.com");
    }
}

#[tokio::test]
async fn of_many_guesses_at_once_five_are_looked_at() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let addresses: Vec<String> = (1..=60).map(ip).collect();
    let answers = join_all(addresses.iter().map(|ip| sign_in(&api, ip, "ada@example.com", "wrong"))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 401).count(), 5);
}

#[tokio::test]
async fn a_stranger_cannot_lock_a_user_out_of_where_they_have_been() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    for n in 1..=5 {
        sign_in(&api, &ip(n), "ada@example.com", "wrong").await.problem(401, "invalid_credentials");
    }
    // Even the right password waits where nobody knows her.
    sign_in(&api, &ip(6), "ada@example.com", PASSWORD).await.problem(429, "too_many_failures");
    // The address she signed up from is hers; success there clears the count.
    sign_in(&api, "203.0.113.10", "ada@example.com", PASSWORD).await.data(200);
    sign_in(&api, &ip(6), "ada@example.com", PASSWORD).await.data(200);
}

#[tokio::test]
async fn after_a_hundred_failures_only_a_known_address_or_an_operator_helps() {
    let api = api().await;
    let user = sign_up(&api, "ada@example.com").await;
    let owner = api.database.connect().await;
    for n in 1..=5 {
        sign_in(&api, &ip(n), "ada@example.com", "wrong").await.problem(401, "invalid_credentials");
    }
    owner.batch_execute("UPDATE sign_in_failures SET failures = 99").await.unwrap();
    api.clock.advance_seconds(3600);
    sign_in(&api, &ip(7), "ada@example.com", "wrong").await.problem(401, "invalid_credentials");
    api.clock.advance_seconds(365 * 24 * 3600);
    let refused = sign_in(&api, &ip(8), "ada@example.com", PASSWORD).await;
    refused.problem(429, "too_many_failures");
    assert_eq!(refused.header("retry-after"), "3600");

    owner.batch_execute("SET ROLE todo_admin").await.unwrap();
    let sql = format!(
        "UPDATE users SET sign_in_unlocked_at = '{}' WHERE id = '{}'",
        api.now() + jiff::SignedDuration::from_secs(1),
        text(&user, "user_id")
    );
    owner.batch_execute(&sql).await.unwrap();
    sign_in(&api, &ip(8), "ada@example.com", PASSWORD).await.data(200);
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
    assert_eq!(events(&api, "rate_limited").await[0]["user_id"], json!(one_user(&api).await));
}

async fn one_user(api: &Api) -> String {
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
async fn no_email_stands_in_the_tables_of_limits_and_events() {
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
