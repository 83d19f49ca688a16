//! The docs page in headless Chromium.

use testkit::Browser;

use crate::stack;

/// Waits in the page until an expression is true.
async fn wait(browser: &Browser, expression: &str) {
    let script = format!(
        "for (let tries = 0; tries < 200; tries++) {{ if ({expression}) return true; await new Promise((next) => setTimeout(next, 50)); }} return document.querySelector('.live-responses-table')?.innerText ?? document.body.innerText.slice(0, 2000);"
    );
    let result = browser.run(&script).await;
    assert_eq!(result, true, "waited for {expression}");
}

#[tokio::test]
async fn a_person_signs_up_on_the_page_and_tries_a_call() {
    let stack = stack().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/api/docs", stack.watch.url)).await;
    wait(&browser, "document.querySelectorAll('.opblock').length > 25").await;

    browser
        .run(
            "document.getElementById('email').value = 'page@example.com';
             document.getElementById('password').value = 'correct horse battery';
             document.querySelector('button[value=signup]').click();",
        )
        .await;
    wait(&browser, "document.getElementById('signed-in').textContent === 'Signed in as page@example.com.'").await;
    assert_eq!(browser.run("return document.getElementById('password').value").await, "");

    browser.run("document.querySelector('#operations-tasks-list_tasks .opblock-summary-control').click()").await;
    wait(&browser, "document.querySelector('#operations-tasks-list_tasks .execute')").await;
    browser.run("document.querySelector('#operations-tasks-list_tasks .execute').click()").await;
    wait(&browser, "document.querySelector('#operations-tasks-list_tasks .live-responses-table tbody .response-col_status')?.innerText.startsWith('200')").await;
    let shown = browser
        .run("return document.querySelector('#operations-tasks-list_tasks .live-responses-table').innerText")
        .await;
    assert!(shown.as_str().unwrap().contains("\"total_count\": 0"), "{shown}");

    std::fs::write(local::target().join("docs-page.png"), browser.screenshot().await).expect("target/ can be written");
    let complaints: Vec<String> =
        browser.console().await.into_iter().filter(|line| !line.contains("favicon")).collect();
    assert!(complaints.is_empty(), "the console is not quiet: {complaints:#?}");
}
