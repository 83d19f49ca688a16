//! `GET /api/tasks`, `GET /api/v1/tasks`

use http::Method;
use serde_json::{Value, json};
use testkit::Person;

use crate::{api, task};

pub(crate) fn titles(page: &Value) -> Vec<&str> {
    page["tasks"].as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap()).collect()
}

async fn titles_of(person: &Person<'_>, query: &str) -> String {
    let page = person.get(&format!("/api/tasks?{query}")).await.data(200);
    titles(&page).join(" ")
}

#[tokio::test]
async fn a_list_without_tasks_is_an_empty_page() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let page = ada.get("/api/tasks").await.data(200);
    assert_eq!(page, json!({ "tasks": [], "total_count": 0, "limit": 50, "offset": 0 }));
}

#[tokio::test]
async fn a_list_has_only_the_users_own_tasks_newest_first() {
    let api = api().await;
    let (ada, eve) = (api.person("ada@example.com").await, api.person("eve@example.com").await);
    for title in ["one", "two", "three"] {
        api.clock.advance_seconds(1);
        task(&ada, title).await;
        task(&eve, "eve's").await;
    }
    let page = ada.get("/api/v1/tasks?limit=2").await.data(200);
    assert_eq!(titles(&page), ["three", "two"]);
    assert_eq!((&page["total_count"], &page["limit"], &page["offset"]), (&json!(3), &json!(2), &json!(0)));
    let page = ada.get("/api/tasks?limit=2&offset=2").await.data(200);
    assert_eq!((titles(&page), &page["total_count"]), (vec!["one"], &json!(3)));
}

#[tokio::test]
async fn a_page_past_the_end_still_has_the_total_count() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    task(&ada, "x").await;
    for offset in ["1", "1000000", "9223372036854775807"] {
        let page = ada.get(&format!("/api/tasks?offset={offset}&sort_by=due_datetime")).await.data(200);
        assert_eq!((titles(&page), &page["total_count"]), (vec![], &json!(1)), "{offset}");
    }
}

#[tokio::test]
async fn filters_combine_and_the_total_count_respects_them() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for (title, priority, done) in
        [("a", "urgent_important", true), ("b", "urgent_important", false), ("c", "not_urgent_important", false)]
    {
        ada.post("/api/tasks", json!({ "title": title, "priority": priority, "is_completed": done })).await.data(201);
    }
    for (query, expected) in [
        ("priority=urgent_important", "a b"),
        ("completed=false", "b c"),
        ("is_completed=False", "b c"),
        ("completed=1", "a"),
        ("completed=false&priority=urgent_important", "b"),
        ("completed=true&is_completed=true", "a"),
        ("priority=urgent_not_important", ""),
    ] {
        let page = ada.get(&format!("/api/tasks?sort_by=title&sort_order=asc&{query}")).await.data(200);
        assert_eq!(titles(&page).join(" "), expected, "{query}");
        assert_eq!(page["total_count"], expected.split_whitespace().count(), "{query}");
    }
}

#[tokio::test]
async fn every_sort_key_works_in_both_directions() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for (title, priority, due) in [
        ("b", "not_urgent_not_important", Some("2026-05-01T00:00:00Z")),
        ("c", "urgent_important", None),
        ("a", "urgent_not_important", Some("2026-04-01T00:00:00Z")),
        ("d", "not_urgent_important", None),
    ] {
        api.clock.advance_seconds(1);
        ada.post("/api/tasks", json!({ "title": title, "priority": priority, "due_datetime": due })).await.data(201);
    }
    for (query, expected) in [
        ("", "d a c b"),
        ("sort_order=asc", "b c a d"),
        ("sort_by=title&sort_order=asc", "a b c d"),
        ("sort_by=title", "d c b a"),
        ("sort_by=priority&sort_order=asc", "c d a b"),
        ("sort_by=priority&sort_order=desc", "b a d c"),
        ("sort_by=updated_at&sort_order=asc", "b c a d"),
        // Tasks without a due date come last in both directions.
        ("sort_by=due_datetime&sort_order=asc", "a b c d"),
        ("sort_by=due_datetime&sort_order=desc", "b a d c"),
    ] {
        assert_eq!(titles_of(&ada, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn equal_sort_keys_are_stable_across_pages() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    // The clock does not move, so every key except the id is equal.
    for _ in 0..23 {
        task(&ada, "same").await;
    }
    for sort in ["created_at", "updated_at", "due_datetime", "priority", "title"] {
        for order in ["asc", "desc"] {
            let mut seen = Vec::new();
            for offset in (0..25).step_by(5) {
                let path = format!("/api/tasks?sort_by={sort}&sort_order={order}&limit=5&offset={offset}");
                let page = ada.get(&path).await.data(200);
                seen.extend(
                    page["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned()),
                );
            }
            let mut expected = seen.clone();
            expected.sort();
            expected.dedup();
            if order == "desc" {
                expected.reverse();
            }
            assert_eq!(seen.len(), 23);
            assert_eq!(seen, expected, "{sort} {order}");
        }
    }
}

#[tokio::test]
async fn unknown_values_in_a_query_are_422() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for query in
        ["priority=urgent", "priority=", "sort_by=id", "sort_by=created_at;drop", "sort_order=down", "sort_order=ASC"]
    {
        let name = query.split_once('=').unwrap().0;
        ada.get(&format!("/api/v1/tasks?{query}")).await.invalid_at(&format!("/query/{name}"));
    }
}

#[tokio::test]
async fn limit_and_offset_have_ranges() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for limit in ["0", "101", "-1", "", "x", "1.5", "1e2", "99999999999999999999", "%00", "٥"] {
        ada.get(&format!("/api/tasks?limit={limit}")).await.invalid_at("/query/limit");
    }
    for offset in ["-1", "x", "9223372036854775808"] {
        ada.get(&format!("/api/tasks?offset={offset}")).await.invalid_at("/query/offset");
    }
    ada.get("/api/tasks?limit=1&offset=0").await.data(200);
    ada.get("/api/tasks?limit=100").await.data(200);
}

#[tokio::test]
async fn parameters_given_twice_or_with_bad_values_are_422() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    ada.get("/api/tasks?limit=1&limit=2").await.invalid_at("/query/limit");
    ada.get("/api/tasks?completed=maybe").await.invalid_at("/query/completed");
    ada.get("/api/tasks?completed=true&is_completed=false").await.invalid_at("/query/is_completed");
}

#[tokio::test]
async fn unknown_parameters_are_ignored_unless_handling_is_strict() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let id = crate::task(&ada, "x").await["id"].as_str().unwrap().to_owned();
    for query in ["_=169", "sortBy=title", "user_id=x", "utm_source=x", "priorty=urgent", "%ff=%fe", "_=1&_=2"] {
        for path in ["/api/tasks".to_owned(), "/api/v1/tasks".to_owned(), format!("/api/v1/tasks/{id}")] {
            let path = format!("{path}?{query}");
            let lenient = ada.get(&path).await;
            lenient.data(200);
            assert_eq!(lenient.header("preference-applied"), "");
            let strict = ada.call(Method::GET, &path).header("prefer", "handling=strict").send().await;
            let problem = strict.problem(422, "validation_failed");
            assert!(problem["errors"][0]["pointer"].as_str().unwrap().starts_with("/query/"), "{problem}");
            assert_eq!(strict.header("preference-applied"), "handling=strict");
        }
    }
    // The request is refused before it changes anything.
    let call = ada.call(Method::DELETE, &format!("/api/tasks/{id}?force=1")).header("prefer", "handling=strict");
    call.send().await.invalid_at("/query/force");
    let known = ada.call(Method::GET, "/api/tasks?limit=5&offset=0&sort_by=title").header("prefer", "handling=strict");
    let answer = known.send().await;
    assert_eq!(answer.data(200)["total_count"], 1);
    assert_eq!(answer.header("preference-applied"), "handling=strict");
}

#[tokio::test]
async fn titles_are_sorted_as_people_sort_them() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    for title in [
        "Zebra",
        "éclair",
        "Banana",
        "Ångström",
        "apple",
        "straße",
        "Strand",
        "Яблоко",
        "яма",
        "10 eggs",
        "Ωmega",
        "αλφα",
        "άλφα",
        "Ёлка",
        "еж",
        "ель",
    ] {
        crate::task(&ada, title).await;
    }
    let expected = "10 eggs|apple|Ångström|Banana|éclair|Strand|straße|Zebra|αλφα|άλφα|Ωmega|еж|ель|Ёлка|Яблоко|яма";
    // Half of the tasks have no key for their title, like tasks from before the key existed.
    let owner = api.database.connect().await;
    let delete_keys = "SET app.importing = 'on'; UPDATE tasks SET title_key = NULL WHERE title > 'a'";
    owner.batch_execute(delete_keys).await.unwrap();
    for query in ["", "&offset=0&limit=100"] {
        let page = ada.get(&format!("/api/tasks?sort_by=title&sort_order=asc{query}")).await.data(200);
        assert_eq!(titles(&page).join("|"), expected);
    }
    // The same order over several pages, and in reverse.
    let mut paged = Vec::new();
    for offset in [0, 5, 10, 15] {
        let page = ada.get(&format!("/api/tasks?sort_by=title&sort_order=asc&limit=5&offset={offset}")).await.data(200);
        paged.extend(titles(&page).into_iter().map(str::to_owned));
    }
    assert_eq!(paged.join("|"), expected);
    let page = ada.get("/api/tasks?sort_by=title&sort_order=desc").await.data(200);
    let mut backwards: Vec<&str> = expected.split('|').collect();
    backwards.reverse();
    assert_eq!(titles(&page).join("|"), backwards.join("|"));
    // A new title has a new key.
    let first = &ada.get("/api/tasks?sort_by=title&sort_order=asc").await.data(200)["tasks"][0];
    ada.put(&format!("/api/tasks/{}", first["id"].as_str().unwrap()), json!({ "title": "zz" })).await.data(200);
    let page = ada.get("/api/tasks?sort_by=title&sort_order=asc").await.data(200);
    assert_eq!(titles(&page).join("|"), expected.replace("10 eggs|", "").replace("Zebra|", "Zebra|zz|"));
}
