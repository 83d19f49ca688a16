//! Each statement names the owner of its rows. This must keep users apart even without row-level security, which
//! `database.rs` tests.

use http::Method;
use serde_json::{Value, json};

use crate::{api, task};

#[tokio::test]
async fn without_row_level_security_another_users_tasks_are_still_out_of_reach() {
    let api = api().await;
    let (ada, eve) = (api.person("ada@example.com").await, api.person("eve@example.com").await);
    let (made, _) = (task(&ada, "ada's").await, task(&ada, "ada's too").await);
    let loosen = "CREATE POLICY loose ON tasks TO todo_tasks USING (true) WITH CHECK (true)";
    api.database.connect().await.batch_execute(loosen).await.unwrap();
    for base in ["/api/tasks", "/api/v1/tasks"] {
        let path = format!("{base}/{}", made["id"].as_str().unwrap());
        let change = json!({ "title": "stolen" });
        for (method, path, body) in [
            (Method::GET, path.clone(), Value::Null),
            (Method::PUT, path.clone(), change.clone()),
            (Method::PATCH, path.replace("/api/tasks", "/api/v1/tasks"), change),
            (Method::PATCH, format!("{path}/complete"), json!({ "completed": true })),
            (Method::DELETE, path, Value::Null),
        ] {
            let call = eve.call(method.clone(), &path);
            let call = if body.is_null() { call } else { call.json(body) };
            assert_eq!(call.send().await.status, 404, "{method} {path}");
        }
        for query in ["", "?offset=1", "?sort_by=due_datetime", "?sort_by=due_datetime&offset=1"] {
            let page = eve.get(&format!("{base}{query}")).await.data(200);
            assert_eq!((&page["tasks"], &page["total_count"]), (&json!([]), &json!(0)), "{base}{query}");
        }
        assert_eq!(ada.get(&format!("{base}/{}", made["id"].as_str().unwrap())).await.data(200)["title"], "ada's");
    }
}
