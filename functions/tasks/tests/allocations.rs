//! How much memory a warm request allocates, from the request to the bytes of its answer. Allocations are counted, so
//! the machine does not matter. The test has its own binary, because everything in the process is counted.

use allocation_counter::{AllocationInfo, measure};
use http_body_util::BodyExt;
use serde_json::json;
use shared::config::Function;
use testkit::{Api, Person};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// The allocations of the third of three equal requests: the connection is open, and everything that is kept exists.
fn measure_warm_request(runtime: &Runtime, api: &Api, person: &Person<'_>, path: &str) -> AllocationInfo {
    let mut last = AllocationInfo::default();
    for _ in 0..3 {
        let request = person.call(http::Method::GET, path).request();
        let router = api.router();
        let mut body = None;
        last = measure(|| {
            runtime.block_on(async {
                let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
                body = Some(response.into_body().collect().await.expect("bodies are in memory").to_bytes());
            });
        });
        let body: serde_json::Value = serde_json::from_slice(&body.expect("it was answered")).expect("it is JSON");
        assert_eq!(body["success"], true, "{body}");
    }
    last
}

#[test]
fn a_warm_list_allocates_little_for_each_task() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("the runtime starts");
    let api = runtime.block_on(Api::start_with(Function::Tasks, tasks::routes, |settings| {
        settings.remove("RATE_LIMITS");
    }));
    let ada = runtime.block_on(api.person("ada@example.com"));
    for number in 0..50 {
        let task = json!({ "title": format!("task {number}"), "priority": "urgent_important", "description": "and ask about the invoice" });
        runtime.block_on(ada.post("/api/v1/tasks", task)).data(201);
    }
    let one = measure_warm_request(&runtime, &api, &ada, "/api/v1/tasks?limit=1");
    let fifty = measure_warm_request(&runtime, &api, &ada, "/api/v1/tasks?limit=50");
    let for_each = (fifty.count_total - one.count_total).div_ceil(49);
    assert!(for_each <= 4, "{for_each} allocations for each task: its row, its title, its description, and growth");
    assert!(one.count_total <= 260, "{} allocations for a list of one task", one.count_total);
    assert!(fifty.bytes_total <= 150_000, "{} bytes allocated for a list of fifty tasks", fifty.bytes_total);
}
