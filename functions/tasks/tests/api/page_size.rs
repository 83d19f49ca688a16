//! How large a page of tasks may become.

use serde_json::json;

use crate::api;
use crate::list::titles;

/// The largest response that Lambda accepts, in bytes.
const LARGEST_RESPONSE: usize = 6_291_556;

/// The size of an answer inside of Lambda's response, where it is a JSON string.
fn size(answer: &testkit::TestResponse) -> usize {
    serde_json::to_string(&answer.text()).unwrap().len()
}

#[tokio::test]
async fn the_largest_valid_page_fits_into_a_response() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    // Four bytes each as UTF-8; a quote takes four as JSON within JSON.
    for worst in ["🦀", "\""] {
        for _ in 0..100 {
            let body = json!({ "title": worst.repeat(255), "description": worst.repeat(10_000) });
            ada.post("/api/tasks", body).await.data(201);
        }
        let answer = ada.get("/api/tasks?limit=100").await;
        let page = answer.data(200);
        assert_eq!((page["tasks"].as_array().unwrap().len(), &page["limit"]), (100, &json!(100)));
        assert!(size(&answer) < LARGEST_RESPONSE, "{}", size(&answer));
    }
}

#[tokio::test]
async fn a_page_that_would_be_too_large_ends_early_and_the_next_offset_is_right() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    // Control characters, which earlier versions accepted.
    let owner = api.database.connect().await;
    owner.batch_execute(&format!("SET ROLE todo_tasks; SET app.user_id = '{}'", ada.id)).await.unwrap();
    let sql = format!(
        "INSERT INTO tasks (id, user_id, title, description, priority, created_at, updated_at)
         SELECT gen_random_uuid(), '{}', n::text, repeat(chr(1), 10000), 0, now() + n * interval '1 s', now()
         FROM generate_series(1, 100) n",
        ada.id
    );
    owner.batch_execute(&sql).await.unwrap();
    let (mut seen, mut offset) = (Vec::new(), 0);
    while seen.len() < 100 {
        let answer = ada.get(&format!("/api/v1/tasks?limit=100&sort_order=asc&offset={offset}")).await;
        assert!(size(&answer) < LARGEST_RESPONSE, "{}", size(&answer));
        let page = answer.data(200);
        assert_eq!(page["total_count"], 100);
        let titles = titles(&page);
        if seen.is_empty() {
            assert_eq!(page["limit"], titles.len());
            assert!((70..100).contains(&titles.len()), "{}", titles.len());
        }
        offset += page["limit"].as_u64().unwrap();
        seen.extend(titles.into_iter().map(str::to_owned));
    }
    let expected: Vec<String> = (1..=100).map(|n| n.to_string()).collect();
    assert_eq!(seen, expected);
}
