//! Failed sign-ins: what pauses an account, for whom, and what a refusal tells.

use futures_util::future::join_all;
use http::Method;
use serde_json::json;
use shared::config::Function;
use shared::db::users::{PauseVerdict, judge_pause};
use testkit::{Answer, Api};

use crate::limits::{api, events, ip, sign_in, with};
use crate::{PASSWORD, sign_up, text};

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
async fn guesses_from_known_addresses_close_them_at_a_hundred_until_a_success_from_elsewhere() {
    // Elsewhere is where the account never signed in, and where it did and nobody guessed.
    for elsewhere in ["198.51.100.1", "203.0.113.200"] {
        let api =
            with(&[("RATE_LIMIT_SIGN_IN_ACCOUNT", "1000, 1/s"), ("RATE_LIMIT_SIGN_IN_ADDRESS", "1000, 1/s")]).await;
        sign_up(&api, "ada@example.com").await;
        sign_in(&api, "203.0.113.200", "ada@example.com", PASSWORD).await.data(200);
        // Two known addresses, which count together.
        sign_in(&api, "203.0.113.77", "ada@example.com", PASSWORD).await.data(200);
        for n in 0..100 {
            let ip = if n % 2 == 0 { "203.0.113.10" } else { "203.0.113.77" };
            let status = sign_in(&api, ip, "ada@example.com", "wrong").await.status.as_u16();
            assert!(status == 401 || status == 429, "{status}");
            if n == 98 {
                // Not yet: pauses do not apply there.
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
            "time alone does not help"
        );
        sign_in(&api, elsewhere, "ada@example.com", PASSWORD).await.data(200);
        sign_in(&api, "203.0.113.10", "ada@example.com", PASSWORD).await.data(200);
    }
}

#[tokio::test]
async fn a_refusal_does_not_tell_whether_the_account_signed_in_from_there() {
    // At each step a wrong password from a known and from an unknown address, each with an account of its own that is in
    // the same state otherwise.
    let api = with(&[("RATE_LIMIT_SIGN_IN_ACCOUNT", "1000, 1/s"), ("RATE_LIMIT_SIGN_IN_ADDRESS", "1000, 1/s")]).await;
    sign_up(&api, "known@example.com").await;
    api.call(Method::POST, "/api/v1/auth/signup")
        .json(json!({ "email": "unknown@example.com", "password": PASSWORD }))
        .from_ip("192.0.2.1")
        .send()
        .await
        .data(201);
    let shared = "203.0.113.10";
    let looks = |answer: &Answer| {
        let mut body = answer.json();
        body["instance"].take();
        let names = ["retry-after", "ratelimit", "ratelimit-policy"];
        (answer.status, body, names.map(|name| answer.header(name).to_owned()))
    };
    // Failures at the known address, and then of strangers during the pause.
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
        assert_eq!(looks(&known), looks(&unknown), "stranger {n}");
        assert_eq!(known.header("retry-after"), "5");
    }
    api.clock.advance_seconds(40 * 24 * 3600);
    let mut seen = std::collections::BTreeSet::new();
    for (step, wait) in [0, 0, 0, 0, 0, 1, 30, 0, 60, 5, 120, 0, 240, 3600].into_iter().enumerate() {
        api.clock.advance_seconds(wait);
        // Strangers from elsewhere fail as well, at both.
        if step % 4 == 3 {
            for account in ["known@example.com", "unknown@example.com"] {
                sign_in(&api, &ip(step), account, "wrong").await;
            }
        }
        let before = shared::passwords::hashes_computed();
        let known = sign_in(&api, shared, "known@example.com", "wrong").await;
        let for_known = shared::passwords::hashes_computed() - before;
        let unknown = sign_in(&api, shared, "unknown@example.com", "wrong").await;
        assert_eq!(looks(&known), looks(&unknown), "step {step}");
        let for_unknown = shared::passwords::hashes_computed() - before - for_known;
        assert!(for_known >= 1 && for_unknown >= 1, "a refusal takes as long as any other answer");
        seen.insert(known.status.as_u16());
    }
    assert_eq!(seen, [401, 429].into());
    // The right password is let in from where its owner has been.
    sign_in(&api, shared, "known@example.com", PASSWORD).await.data(200);
}

#[tokio::test]
async fn right_sign_ins_at_the_same_moment_from_new_addresses_all_succeed() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let addresses: Vec<String> = (1..=12).map(ip).collect();
    let calls = addresses.iter().map(|ip| sign_in(&api, ip, "ada@example.com", PASSWORD));
    for answer in join_all(calls).await {
        answer.data(200);
    }
}

#[tokio::test]
async fn right_sign_ins_at_the_same_moment_succeed_after_failures_too() {
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
async fn a_right_guess_among_wrong_ones_is_refused_as_they_are() {
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
async fn a_clock_that_ran_ahead_fills_a_bucket_for_one_window_and_pauses_an_account_for_an_hour() {
    let api = with(&[("RATE_LIMIT_SIGN_UP", "2, 1/min")]).await;
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
    // The pause ends an hour after the first attempt that sees how far ahead it is.
    let paused = sign_in(&api, &ip(50), "ada@example.com", PASSWORD).await;
    paused.problem(429, "too_many_failures");
    assert_eq!(paused.header("retry-after"), "3600");
    api.clock.advance_seconds(3600);
    sign_in(&api, &ip(51), "ada@example.com", PASSWORD).await.data(200);
}

#[tokio::test]
async fn a_pause_that_runs_out_while_a_password_is_verified_lets_nobody_in() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    for n in 0..5 {
        sign_in(&api, &ip(n), "ada@example.com", "wrong").await.problem(401, "invalid_credentials");
    }
    // What began during the pause was not counted, and asks this when the pause is over.
    api.clock.advance_seconds(3600);
    let account = shared::passwords::account_key(&api.app.settings().passwords, "ada@example.com").unwrap();
    assert_eq!(judge_pause(&api.app.db.anonymous(), &account).await.unwrap(), PauseVerdict::Paused);
    sign_in(&api, &ip(9), "ada@example.com", PASSWORD).await.data(200);
    assert_eq!(judge_pause(&api.app.db.anonymous(), &account).await.unwrap(), PauseVerdict::Cleared);
}

#[tokio::test]
async fn during_a_pause_every_refusal_takes_the_same_round_trips() {
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
