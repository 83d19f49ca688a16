//! The docs page in headless Chromium.

use testkit::Browser;

use crate::stack;

/// Waits in the page until an expression is true.
async fn wait(browser: &Browser, expression: &str) {
    let script = format!(
        "for (let tries = 0; tries < 200; tries++) {{ if ({expression}) return true; await new Promise((next) => setTimeout(next, 50)); }} return document.querySelector('.live-responses-table')?.innerText ?? document.body.innerText.slice(0, 2000);"
    );
    let result = browser.run(&script).await;
    assert_eq!(result, true, "waited for {expression}; the console: {:#?}", browser.console().await);
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
    // The page shows parameters after it has resolved the references of the operation.
    wait(&browser, "document.querySelector('#operations-tasks-list_tasks [data-param-name=sort_by] select')").await;
    browser.run("document.querySelector('#operations-tasks-list_tasks .execute').click()").await;
    wait(&browser, "document.querySelector('#operations-tasks-list_tasks .live-responses-table tbody .response-col_status')?.innerText.startsWith('200')").await;
    let shown = browser
        .run("return document.querySelector('#operations-tasks-list_tasks .live-responses-table').innerText")
        .await;
    assert!(shown.as_str().unwrap().contains("\"total_count\": 0"), "{shown}");

    // The refresh token is in a cookie, which the browser sends and no script can read.
    let refreshed = browser
        .run(
            "const call = (path, body) => fetch('/api/v1/auth/' + path, { method: 'POST',
                 headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
             const credentials = { email: 'page@example.com', password: 'correct horse battery', refresh_cookie: true };
             const signedIn = (await (await call('signin', credentials)).json()).data;
             const refreshed = await call('refresh', {});
             const out = await call('logout', {});
             const after = await call('refresh', {});
             return [signedIn.refresh_token === undefined, document.cookie, refreshed.status, out.status, after.status];",
        )
        .await;
    // Signing out deletes the cookie, so the last refresh has no token.
    assert_eq!(refreshed, serde_json::json!([true, "", 200, 200, 401]));

    std::fs::write(local::target().join("docs-page.png"), browser.screenshot().await).expect("target/ can be written");
    let complaints: Vec<String> =
        browser.console().await.into_iter().filter(|line| !line.contains("favicon") && !line.contains("401")).collect();
    assert!(complaints.is_empty(), "the console has messages: {complaints:#?}");
}
