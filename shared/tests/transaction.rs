//! Several statements in one scope are one transaction with the rights of the caller.

use shared::config::Function;
use shared::db::{Caller, DbError, Executor, Rows, Statement, transaction};
use shared::domain::Proof;
use testkit::Api;

async fn api() -> Api {
    Api::start(Function::Tasks, axum::Router::new).await
}

const INSERT: &str = "INSERT INTO tasks (id, user_id, title, priority, created_at, updated_at)
    SELECT gen_random_uuid(), current_setting('app.user_id')::uuid, 'x', 0, now(), now()";

async fn run(executor: &impl Executor, sql: &str) -> Result<Rows, DbError> {
    Statement::new("test", sql).run(executor).await
}

async fn count(executor: &impl Executor) -> Result<i64, DbError> {
    run(executor, "SELECT count(*) AS count FROM tasks").await?.one()?.get("count")
}

#[tokio::test]
async fn a_transaction_commits_as_its_caller() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let scope = api.app.db.read(Caller {
        user: ada.id,
        proof: Proof::Session { id: ada.session, generation: 0 },
        as_admin: false,
    });
    let seen = transaction(&scope, async |transaction| {
        run(transaction, INSERT).await?;
        run(transaction, INSERT).await?;
        count(transaction).await
    });
    assert_eq!(seen.await.unwrap(), 2);
    assert_eq!(count(&scope).await.unwrap(), 2);
}

#[tokio::test]
async fn a_failed_transaction_leaves_nothing_behind_and_its_connection_is_not_used_again() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let scope = api.app.db.read(Caller {
        user: ada.id,
        proof: Proof::Session { id: ada.session, generation: 0 },
        as_admin: false,
    });
    let failed = transaction(&scope, async |transaction| {
        run(transaction, INSERT).await?;
        run(transaction, "SELECT 1 / 0").await
    })
    .await;
    assert!(matches!(failed, Err(DbError::Other(_))), "{failed:?}");
    let given_up = transaction(&scope, async |transaction| {
        run(transaction, INSERT).await?;
        Err::<(), _>(DbError::TimedOut("the handler changed its mind".into()))
    })
    .await;
    assert!(given_up.is_err());
    assert_eq!(count(&scope).await.unwrap(), 0);
}

#[tokio::test]
async fn a_transaction_with_a_failed_statement_is_never_reported_as_committed() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let scope = api.app.db.read(Caller {
        user: ada.id,
        proof: Proof::Session { id: ada.session, generation: 0 },
        as_admin: false,
    });
    let swallowed = transaction(&scope, async |transaction| {
        run(transaction, INSERT).await?;
        let _ = run(transaction, "SELECT 1 / 0").await;
        Ok(())
    })
    .await;
    assert!(matches!(swallowed, Err(DbError::Other(_))), "{swallowed:?}");
    assert_eq!(count(&scope).await.unwrap(), 0);
}

#[tokio::test]
async fn a_caller_without_a_live_session_opens_no_transaction() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let scope =
        api.app.db.read(Caller { user: ada.id, proof: Proof::Session { id: ada.id, generation: 0 }, as_admin: false });
    let refused = transaction(&scope, async |transaction| run(transaction, INSERT).await).await;
    assert!(matches!(refused, Err(DbError::RequestRefused(_))), "{refused:?}");
}

#[tokio::test]
async fn nothing_of_a_request_stays_on_its_connection() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let scope = api.app.db.read(Caller {
        user: ada.id,
        proof: Proof::Session { id: ada.session, generation: 0 },
        as_admin: false,
    });
    count(&scope).await.unwrap();
    let left = run(&api.app.anonymous(), "SELECT current_setting('app.user_id', true) AS user_id").await.unwrap();
    assert_eq!(left.one().unwrap().get::<Option<String>>("user_id").unwrap().unwrap_or_default(), "");
}
