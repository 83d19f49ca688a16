//! `GET /api/v1/users`, `GET /api/v1/users/{id}`

use jiff::SignedDuration;
use serde_json::json;

use crate::{act, admin, api, emails, sql};

#[tokio::test]
async fn an_account_is_shown_without_secrets() {
    let api = api().await;
    let root = admin(&api, "root@example.com").await;
    let ada = api.person("ada@example.com").await;
    let answer = root.get(&format!("/api/v1/users/{}", ada.id)).await;
    assert_eq!(
        answer.data(200),
        json!({
            "id": ada.id, "email": "ada@example.com", "name": null, "role": "user", "is_active": true,
            "email_verified": false, "created_at": "2026-03-10T12:00:00.000000Z", "updated_at": "2026-03-10T12:00:00.000000Z",
            "ban": null
        })
    );
    for id in ["01980000-0000-7000-8000-000000000000", "nonsense"] {
        root.get(&format!("/api/v1/users/{id}")).await.problem(404, "user_not_found");
    }
}

#[tokio::test]
async fn filters_combine() {
    let api = api().await;
    let root = admin(&api, "root@example.com").await;
    let ada = api.person("ada@example.com").await;
    let eve = api.person("eve_100%@example.com").await;
    let bob = api.person("bob@other.example").await;
    sql(&api, &format!("SET ROLE todo_auth; UPDATE users SET name = 'Bob Example' WHERE id = '{}'", bob.id)).await;
    act(&root, &ada, "ban", json!({ "reason": "x", "until": "2026-03-10T12:10:00Z" })).await.data(200);
    act(&root, &eve, "deactivate", json!(null)).await.data(200);
    let all = ["bob@other.example", "eve_100%@example.com", "ada@example.com", "root@example.com"];
    for (query, expected) in [
        ("", &all[..]),
        ("?email=ADA@example.com", &all[2..3]),
        ("?search=EXAMPLE.com", &all[1..]),
        ("?search=bob%20ex", &all[..1]),
        ("?search=100%25", &all[1..2]),
        ("?search=_", &all[1..2]),
        ("?search=%5C", &[]),
        ("?role=admin", &all[3..]),
        ("?role=user&is_active=true&banned=false", &all[..1]),
        ("?is_active=false", &all[1..2]),
        ("?banned=true", &all[2..3]),
    ] {
        let mut found = emails(&root.get(&format!("/api/v1/users{query}")).await.data(200));
        let mut expected: Vec<String> = expected.iter().map(|email| (*email).to_owned()).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{query}");
    }
    api.clock.advance(SignedDuration::from_micros(599_999_999));
    assert_eq!(emails(&root.get("/api/v1/users?banned=true").await.data(200)), ["ada@example.com"]);
    assert!(root.get(&format!("/api/v1/users/{}", ada.id)).await.data(200)["ban"].is_object());
    // A ban that has ended does not count.
    api.clock.advance(SignedDuration::from_micros(1));
    assert_eq!(emails(&root.get("/api/v1/users?banned=true").await.data(200)), Vec::<String>::new());
    assert_eq!(root.get(&format!("/api/v1/users/{}", ada.id)).await.data(200)["ban"], json!(null));
}

#[tokio::test]
async fn pages_follow_each_other_newest_first() {
    let api = api().await;
    let root = admin(&api, "root@example.com").await;
    for n in 0..7 {
        // Two accounts at a time have the same age, so that their ids decide the order.
        if n % 2 == 0 {
            api.clock.advance_seconds(1);
        }
        api.person(&format!("p{n}@example.com")).await;
    }
    let (mut seen, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let page = root.get(&format!("/api/v1/users{query}")).await.data(200);
        seen.extend(emails(&page));
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, emails(&root.get("/api/v1/users").await.data(200)));
    assert_eq!((seen.len(), seen[0].as_str(), seen[7].as_str()), (8, "p6@example.com", "root@example.com"));
}

#[tokio::test]
async fn a_page_that_holds_all_accounts_exactly_is_the_last() {
    let api = api().await;
    let root = admin(&api, "root@example.com").await;
    api.person("ada@example.com").await;
    for (limit, is_last) in [(1, false), (2, true), (3, true)] {
        let page = root.get(&format!("/api/v1/users?limit={limit}")).await.data(200);
        assert_eq!(page["next_cursor"].is_null(), is_last, "{limit}");
    }
}

#[tokio::test]
async fn bad_parameters_are_422() {
    let api = api().await;
    let root = admin(&api, "root@example.com").await;
    let long = format!("?search={}", "x".repeat(101));
    for (query, pointer) in [
        ("?email=nobody", "/query/email"),
        ("?search=", "/query/search"),
        ("?search=%00", "/query/search"),
        (long.as_str(), "/query/search"),
        ("?role=owner", "/query/role"),
        ("?banned=maybe", "/query/banned"),
        ("?limit=0", "/query/limit"),
        ("?cursor=x", "/query/cursor"),
    ] {
        root.get(&format!("/api/v1/users{query}")).await.invalid_at(pointer);
    }
}
