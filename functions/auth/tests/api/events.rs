//! `GET /api/v1/auth/events`, and which actions write an event.

use http::Method;
use serde_json::{Value, json};
use testkit::{Api, TestResponse};

use crate::{PASSWORD, api, refresh, sign_up, text};

async fn list_events(api: &Api, token: &str, query: &str) -> TestResponse {
    api.call(Method::GET, &format!("/api/v1/auth/events{query}")).bearer(token).send().await
}

async fn kinds(api: &Api, token: &str) -> Vec<String> {
    let data = list_events(api, token, "?limit=100").await.data(200);
    data["events"].as_array().unwrap().iter().map(|event| text(event, "kind")).collect()
}

#[tokio::test]
async fn a_user_sees_only_their_own_events() {
    let api = api().await;
    let ada = sign_up(&api, "ada@example.com").await;
    let step = || api.clock.advance_seconds(1);
    step();
    let body = |password: &str| json!({ "email": "ada@example.com", "password": password });
    let call = api.call(Method::POST, "/api/v1/auth/signin").json(body("wrong")).from_ip("198.51.100.9");
    call.with_agent("curl/8").send().await.problem(401, "invalid_credentials");
    step();
    let second = api.post("/api/v1/auth/signin", body(PASSWORD)).await.data(200);
    step();
    api.call(Method::POST, "/api/v1/auth/signout").bearer(&text(&second, "access_token")).send().await;
    step();
    let eve = sign_up(&api, "eve@example.com").await;
    api.post("/api/v1/auth/signin", json!({ "email": "unknown@example.com", "password": "x" })).await;

    let token = text(&ada, "access_token");
    assert_eq!(kinds(&api, &token).await, ["signed_out", "signed_in", "sign_in_failed", "signed_up"]);
    assert_eq!(kinds(&api, &text(&eve, "access_token")).await, ["signed_up"]);
    let events = list_events(&api, &token, "").await.data(200);
    let failed = &events["events"][2];
    assert_eq!((&failed["ip"], &failed["user_agent"]), (&json!("198.51.100.9"), &json!("curl/8")));
    assert_eq!(failed["details"], json!({ "reason": "wrong_password" }));
    assert_eq!(
        (&failed["by_administrator"], &failed["occurred_at"]),
        (&json!(false), &json!("2026-03-10T12:00:01.000000Z"))
    );
    assert_eq!(events["next_cursor"], Value::Null);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap() {
    let api = api().await;
    let ada = sign_up(&api, "ada@example.com").await;
    let token = text(&ada, "access_token");
    // All events have the same time, so that their ids decide the order.
    for _ in 0..6 {
        api.post("/api/v1/auth/signin", json!({ "email": "ada@example.com", "password": "wrong" })).await;
    }
    let (mut seen, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let page = list_events(&api, &token, &query).await.data(200);
        seen.extend(page["events"].as_array().unwrap().iter().map(|event| text(event, "id")));
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    let all = list_events(&api, &token, "").await.data(200);
    let all: Vec<String> = all["events"].as_array().unwrap().iter().map(|event| text(event, "id")).collect();
    assert_eq!((seen.len(), &seen), (7, &all));
}

#[tokio::test]
async fn a_page_that_holds_all_events_exactly_is_the_last() {
    let api = api().await;
    let token = text(&sign_up(&api, "ada@example.com").await, "access_token");
    api.post("/api/v1/auth/signin", json!({ "email": "ada@example.com", "password": "wrong" })).await;
    for (limit, is_last) in [(1, false), (2, true), (3, true)] {
        let page = list_events(&api, &token, &format!("?limit={limit}")).await.data(200);
        assert_eq!(page["next_cursor"].is_null(), is_last, "{limit}");
    }
}

#[tokio::test]
async fn bad_parameters_are_422() {
    let api = api().await;
    let token = text(&sign_up(&api, "ada@example.com").await, "access_token");
    for (query, pointer) in [
        ("?limit=0", "/query/limit"),
        ("?limit=101", "/query/limit"),
        ("?cursor=x", "/query/cursor"),
        ("?cursor=", "/query/cursor"),
        ("?cursor=f_________8AAAAAAAAAAAAAAAAAAAAA", "/query/cursor"),
    ] {
        list_events(&api, &token, query).await.invalid_at(pointer);
    }
}

#[tokio::test]
async fn suspicious_refreshes_are_events_and_rotations_are_not() {
    let api = api().await;
    let data = sign_up(&api, "ada@example.com").await;
    let first = text(&data, "refresh_token");
    let rotated = refresh(&api, &first).await.data(200);
    let token = text(&rotated, "access_token");
    assert_eq!(kinds(&api, &token).await, ["signed_up"], "a rotation is not an event");
    refresh(&api, &first).await.data(200);
    assert_eq!(kinds(&api, &token).await, ["signed_up"], "nor is a repeated answer to the same place");

    // Rules 2 and 3, from another network or another user agent.
    for (token, ip, agent) in [
        (first.as_str(), "198.51.100.1", ""),
        (first.as_str(), "203.0.113.7", "curl/8"),
        (&text(&rotated, "refresh_token"), "198.51.100.1", ""),
    ] {
        api.clock.advance_seconds(1);
        let call = api.call(Method::POST, "/api/v1/auth/refresh").json(json!({ "refresh_token": token })).from_ip(ip);
        let call = if agent.is_empty() { call } else { call.with_agent(agent) };
        call.send().await.data(200);
    }
    assert_eq!(
        kinds(&api, &token).await,
        ["refreshed_elsewhere", "refreshed_elsewhere", "refreshed_elsewhere", "signed_up"]
    );

    // Rule 4, from the session's own network and from elsewhere.
    let token = text(&refresh(&api, &text(&rotated, "refresh_token")).await.data(200), "access_token");
    crate::me(&api, &token).await.data(200);
    api.clock.advance_seconds(120);
    refresh(&api, &first).await.problem(401, "refresh_token_superseded");
    assert_eq!(kinds(&api, &token).await[0], "refresh_token_superseded");
    api.clock.advance_seconds(1);
    let call = api.call(Method::POST, "/api/v1/auth/refresh").json(json!({ "refresh_token": first }));
    call.from_ip("198.51.100.1").with_agent("curl/8").send().await.problem(401, "refresh_token_reused");
    let again = api.post("/api/v1/auth/signin", json!({ "email": "ada@example.com", "password": PASSWORD })).await;
    let events = list_events(&api, &text(&again.data(200), "access_token"), "").await.data(200);
    let reused =
        events["events"].as_array().unwrap().iter().find(|event| event["kind"] == "refresh_token_reused").unwrap();
    assert_eq!((&reused["ip"], &reused["details"]), (&json!("198.51.100.1"), &json!({ "generation": 0, "newest": 1 })));
}

#[tokio::test]
async fn events_cannot_be_changed_or_deleted() {
    let api = api().await;
    sign_up(&api, "ada@example.com").await;
    let client = api.database.connect().await;
    for role in ["todo_auth", "todo_tasks", "todo_admin"] {
        client.batch_execute(&format!("SET ROLE {role}")).await.unwrap();
        for sql in ["UPDATE audit_events SET kind = 'x'", "DELETE FROM audit_events", "TRUNCATE audit_events"] {
            assert!(client.batch_execute(sql).await.is_err(), "{role}: {sql}");
        }
    }
}

#[tokio::test]
async fn the_ip_address_of_an_administrator_is_hidden() {
    let api = api().await;
    let ada = sign_up(&api, "ada@example.com").await;
    let owner = api.database.connect().await;
    let sql = format!(
        "INSERT INTO audit_events (id, occurred_at, kind, user_id, actor_id, ip, user_agent, details)
         VALUES (gen_random_uuid(), '2026-03-11', 'banned', '{}', gen_random_uuid(), '198.51.100.7', 'x', '{{\"reason\":\"spam\"}}')",
        text(&ada, "user_id")
    );
    owner.batch_execute(&sql).await.unwrap();
    let events = list_events(&api, &text(&ada, "access_token"), "").await.data(200);
    let banned = &events["events"][0];
    assert_eq!((&banned["by_administrator"], &banned["details"]), (&json!(true), &json!({ "reason": "spam" })));
    assert_eq!((&banned["ip"], &banned["user_agent"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn the_end_of_a_ban_has_the_usual_time_format() {
    let api = api().await;
    let ada = sign_up(&api, "ada@example.com").await;
    let sql = format!(
        "INSERT INTO audit_events (id, occurred_at, kind, user_id, details)
         SELECT gen_random_uuid(), '2026-03-10T12:00:01Z', 'banned', '{}',
                jsonb_build_object('until', t, 'reason', 'x') FROM (VALUES (timestamptz '2026-04-01T00:00:00.5Z')) v(t)",
        text(&ada, "user_id")
    );
    api.database.connect().await.batch_execute(&sql).await.unwrap();
    let events = list_events(&api, &text(&ada, "access_token"), "").await.data(200);
    assert_eq!(events["events"][0]["details"], json!({ "until": "2026-04-01T00:00:00.500000Z", "reason": "x" }));
}
