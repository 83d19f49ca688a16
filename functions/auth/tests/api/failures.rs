//! Failed sign-ins: what pauses an account, for which IP addresses, and what a refusal reveals.

use futures_util::future::join_all;
use http::Method;
use serde_json::json;
use shared::config::Function;
use shared::db::users::{PauseVerdict, check_pause};
use testkit::{Api, TestResponse};

use crate::limits::{api, events, ip, sign_in, with_limits};
use crate::{PASSWORD, sign_up, text};

#[tokio::test]
async fn five_failures_from_any_ip_address_pause_the_account_and_pauses_double() {
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
        let refusals = events(&api, "rate_limited").await;
        assert_eq!(refusals.len(), 9, "one for each pause");
        assert_eq!(refusals[0]["user_id"].is_null(), account != "ada@example.com");
    }
}

#[tokio::test]
async fn of_many_concurrent_guesses_five_are_checked() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let addresses: Vec<String> = (1..=60).map(ip).collect();
    let answers = join_all(addresses.iter().map(|ip| sign_in(&api, ip, "ada@example.com", "wrong"))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 401).count(), 5);
}

#[tokio::test]
async fn failures_elsewhere_do_not_lock_known_ip_addresses() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    for n in 1..=5 {
        sign_in(&api, &ip(n), "ada@example.com", "wrong").await.problem(401, "invalid_credentials");
    }
    // From an unknown IP address even the right password must wait.
    sign_in(&api, &ip(6), "ada@example.com", PASSWORD).await.problem(429, "too_many_failures");
    // The IP address of her sign-up is known; a success from there clears the count.
    sign_in(&api, "203.0.113.10", "ada@example.com", PASSWORD).await.data(200);
    sign_in(&api, &ip(6), "ada@example.com", PASSWORD).await.data(200);
}

#[tokio::test]
async fn after_100_failures_only_a_known_ip_address_or_an_operator_unlocks() {
    let api = api().await;
    let user = sign_up(&api, "ada@example.com").await;
    let owner = api.database.connect().await;
    for n in 1..=5 {
        sign_in(&api, &ip(n), "ada@example.com", "wrong").await.problem(401, "invalid_credentials");
    }
    owner.batch_execute("UPDATE sign_in_failures SET failures = 99, unknown_failures = 99").await.unwrap();
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
async fn known_ip_addresses_close_at_100_failures_until_a_success_from_elsewhere() {
    // Elsewhere: an IP address that is unknown, and one that is known and has no failures.
    for elsewhere in ["198.51.100.1", "203.0.113.200"] {
        let api =
            with_limits(&[("RATE_LIMIT_SIGN_IN_ACCOUNT", "1000, 1/s"), ("RATE_LIMIT_SIGN_IN_ADDRESS", "1000, 1/s")])
                .await;
        sign_up(&api, "ada@example.com").await;
        sign_in(&api, "203.0.113.200", "ada@example.com", PASSWORD).await.data(200);
        // Two known IP addresses, which share one count.
        sign_in(&api, "203.0.113.77", "ada@example.com", PASSWORD).await.data(200);
        for n in 0..100 {
            let ip = if n % 2 == 0 { "203.0.113.10" } else { "203.0.113.77" };
            let status = sign_in(&api, ip, "ada@example.com", "wrong").await.status.as_u16();
            assert!(status == 401 || status == 429, "{status}");
            if n == 98 {
                // Not closed yet: pauses do not apply to known IP addresses.
                sign_in(&api, "203.0.113.10", "ada@example.com", PASSWORD).await.data(200);
                let owner = api.database.connect().await;
                let sql = "INSERT INTO sign_in_failures (account, failures, failed_at, blocked_until, known_failures, known_since)
                       SELECT split_part(key, ' ', 1), 0, full_at, '-infinity', 99, '-infinity' FROM rate_limits
                       WHERE bucket = 'sign_in_account' LIMIT 1";
                owner.batch_execute(sql).await.unwrap();
            }
        }
        for ip in ["203.0.113.10", "203.0.113.77"] {
            let refused = sign_in(&api, ip, "ada@example.com", PASSWORD).await;
            assert!([401, 429].contains(&refused.status.as_u16()), "{}", refused.text());
        }
        api.clock.advance_seconds(30 * 24 * 3600);
        assert_ne!(
            sign_in(&api, "203.0.113.10", "ada@example.com", PASSWORD).await.status,
            200,
            "waiting does not help"
        );
        sign_in(&api, elsewhere, "ada@example.com", PASSWORD).await.data(200);
        sign_in(&api, "203.0.113.10", "ada@example.com", PASSWORD).await.data(200);
    }
}

#[tokio::test]
async fn a_refusal_does_not_reveal_whether_the_ip_address_is_known() {
    // At each step a wrong password from a known and from an unknown IP address. Each has its own account;
    // otherwise the accounts are in the same state.
    let api =
        with_limits(&[("RATE_LIMIT_SIGN_IN_ACCOUNT", "1000, 1/s"), ("RATE_LIMIT_SIGN_IN_ADDRESS", "1000, 1/s")]).await;
    sign_up(&api, "known@example.com").await;
    api.call(Method::POST, "/api/v1/auth/signup")
        .json(json!({ "email": "unknown@example.com", "password": PASSWORD }))
        .from_ip("192.0.2.1")
        .send()
        .await
        .data(201);
    let shared = "203.0.113.10";
    let visible_parts = |answer: &TestResponse| {
        let mut body = answer.json();
        body["instance"].take();
        let names = ["retry-after", "ratelimit", "ratelimit-policy"];
        (answer.status, body, names.map(|name| answer.header(name).to_owned()))
    };
    // Failures from the known IP address, and then from unknown ones during the pause.
    for account in ["known@example.com", "unknown@example.com"] {
        for _ in 0..5 {
            sign_in(&api, shared, account, "wrong").await;
        }
    }
    api.clock.advance_seconds(25);
    for n in 0..6 {
        let [known, unknown] = ["known@example.com", "unknown@example.com"];
        let (known, unknown) =
            (sign_in(&api, &ip(n), known, "wrong").await, sign_in(&api, &ip(n), unknown, "wrong").await);
        assert_eq!(visible_parts(&known), visible_parts(&unknown), "unknown IP address {n}");
        assert_eq!(known.header("retry-after"), "5");
    }
    api.clock.advance_seconds(40 * 24 * 3600);
    let mut seen = std::collections::BTreeSet::new();
    for (step, wait) in [0, 0, 0, 0, 0, 1, 30, 0, 60, 5, 120, 0, 240, 3600].into_iter().enumerate() {
        api.clock.advance_seconds(wait);
        // Sign-ins from other unknown IP addresses fail as well, for both accounts.
        if step % 4 == 3 {
            for account in ["known@example.com", "unknown@example.com"] {
                sign_in(&api, &ip(step), account, "wrong").await;
            }
        }
        let before = shared::passwords::hashes_computed();
        let known = sign_in(&api, shared, "known@example.com", "wrong").await;
        let for_known = shared::passwords::hashes_computed() - before;
        let unknown = sign_in(&api, shared, "unknown@example.com", "wrong").await;
        assert_eq!(visible_parts(&known), visible_parts(&unknown), "step {step}");
        let for_unknown = shared::passwords::hashes_computed() - before - for_known;
        assert!(for_known >= 1 && for_unknown >= 1, "a refusal takes as long as any other answer");
        seen.insert(known.status.as_u16());
    }
    assert_eq!(seen, [401, 429].into());
    // The right password is accepted from a known IP address.
    sign_in(&api, shared, "known@example.com", PASSWORD).await.data(200);
}

#[tokio::test]
async fn concurrent_correct_sign_ins_from_new_ip_addresses_all_succeed() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let addresses: Vec<String> = (1..=12).map(ip).collect();
    let calls = addresses.iter().map(|ip| sign_in(&api, ip, "ada@example.com", PASSWORD));
    for answer in join_all(calls).await {
        answer.data(200);
    }
}

#[tokio::test]
async fn concurrent_correct_sign_ins_succeed_after_failures_too() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    for n in 0..5 {
        sign_in(&api, &ip(n), "ada@example.com", "wrong").await.problem(401, "invalid_credentials");
    }
    api.clock.advance_seconds(31);
    let addresses: Vec<String> = (10..15).map(ip).collect();
    let calls = addresses.iter().map(|ip| sign_in(&api, ip, "ada@example.com", PASSWORD));
    for answer in join_all(calls).await {
        answer.data(200);
    }
}

#[tokio::test]
async fn a_correct_guess_among_wrong_ones_is_refused_like_them() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    for n in 0..5 {
        sign_in(&api, &ip(n), "ada@example.com", "wrong").await.problem(401, "invalid_credentials");
    }
    let addresses: Vec<String> = (10..30).map(ip).collect();
    let guesses = addresses
        .iter()
        .enumerate()
        .map(|(n, ip)| sign_in(&api, ip, "ada@example.com", if n == 7 { PASSWORD } else { "wrong" }));
    for answer in join_all(guesses).await {
        answer.problem(429, "too_many_failures");
    }
}

#[tokio::test]
async fn a_clock_that_ran_ahead_blocks_for_one_window_and_pauses_for_at_most_an_hour() {
    let api = with_limits(&[("RATE_LIMIT_SIGN_UP", "2, 1/min")]).await;
    sign_up(&api, "ada@example.com").await;
    let year = 365 * 24 * 3600;
    api.clock.advance_seconds(year);
    sign_up(&api, "eve@example.com").await;
    for n in 0..6 {
        sign_in(&api, &ip(n), "ada@example.com", "wrong").await;
    }
    api.clock.advance_seconds(-year);
    let try_once = async |n: u32| {
        let body = json!({ "email": format!("p{n}@example.com"), "password": PASSWORD });
        api.post("/api/v1/auth/signup", body).await
    };
    let refused = try_once(0).await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "60");
    api.clock.advance_seconds(60);
    try_once(1).await.data(201);
    // The pause ends an hour after the first attempt that notices how far ahead its end is.
    let paused = sign_in(&api, &ip(50), "ada@example.com", PASSWORD).await;
    paused.problem(429, "too_many_failures");
    assert_eq!(paused.header("retry-after"), "3600");
    api.clock.advance_seconds(3600);
    sign_in(&api, &ip(51), "ada@example.com", PASSWORD).await.data(200);
}

#[tokio::test]
async fn a_pause_that_ends_during_verification_still_refuses() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    for n in 0..5 {
        sign_in(&api, &ip(n), "ada@example.com", "wrong").await.problem(401, "invalid_credentials");
    }
    // A sign-in that began during the pause was not counted, so it must still be refused when the pause is over.
    api.clock.advance_seconds(3600);
    let account = shared::passwords::account_key(&api.app.settings().passwords, "ada@example.com").unwrap();
    assert_eq!(check_pause(&api.app.db.anonymous(), &account).await.unwrap(), PauseVerdict::Paused);
    sign_in(&api, &ip(9), "ada@example.com", PASSWORD).await.data(200);
    assert_eq!(check_pause(&api.app.db.anonymous(), &account).await.unwrap(), PauseVerdict::Cleared);
}

#[tokio::test]
async fn during_a_pause_every_refusal_takes_the_same_number_of_round_trips() {
    let (api, proxy) = Api::behind_a_proxy(Function::Auth, auth::routes).await;
    sign_up(&api, "ada@example.com").await;
    for n in 0..5 {
        sign_in(&api, &ip(n), "ada@example.com", "wrong").await.problem(401, "invalid_credentials");
    }
    let (known, unknown) = ("203.0.113.10", "192.0.2.1");
    let mut seen = Vec::new();
    for (ip, email, password) in [
        (known, "ada@example.com", "wrong"),
        (unknown, "ada@example.com", "wrong"),
        (unknown, "ada@example.com", PASSWORD),
    ] {
        let _ = proxy.take_round_trips();
        sign_in(&api, ip, email, password).await.problem(429, "too_many_failures");
        seen.push(proxy.take_round_trips());
    }
    assert_eq!(seen, [3, 3, 3]);
}
