//! Several statements in one scope are one transaction with the rights of the caller.

use shared::config::Function;
use shared::db::{Caller, DbError};
use shared::tokens::Proof;
use testkit::Api;

async fn api() -> Api {
    Api::start(Function::Tasks, axum::Router::new).await
}

const INSERT: &str = "INSERT INTO tasks (id, user_id, title, priority, created_at, updated_at)
    SELECT gen_random_uuid(), current_setting('app.user_id')::uuid, 'x', 0, now(), now()";
const COUNT: &str = "SELECT count(*) FROM tasks";

#[tokio::test]
async fn a_transaction_commits_as_its_caller() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let scope = api.app.db.scope(Caller {
        user: ada.id,
        proof: Proof::Session { id: ada.session, generation: 0 },
        as_admin: false,
    });
    let seen = scope
        .transaction(async |transaction| {
            transaction.query(INSERT, &[]).await?;
            transaction.query(INSERT, &[]).await?;
            Ok(transaction.query(COUNT, &[]).await?[0].get::<_, i64>(0))
        })
        .await
        .unwrap();
    assert_eq!(seen, 2);
    assert_eq!(scope.query(COUNT, &[]).await.unwrap().rows[0].get::<_, i64>(0), 2);
}

#[tokio::test]
async fn a_failed_transaction_leaves_nothing_behind_and_its_connection_is_not_used_again() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let scope = api.app.db.scope(Caller {
        user: ada.id,
        proof: Proof::Session { id: ada.session, generation: 0 },
        as_admin: false,
    });
    let failed = scope
        .transaction(async |transaction| {
            transaction.query(INSERT, &[]).await?;
            transaction.query("SELECT 1 / 0", &[]).await
        })
        .await;
    assert!(matches!(failed, Err(DbError::Other(_))), "{failed:?}");
    let given_up = scope
        .transaction(async |transaction| {
            transaction.query(INSERT, &[]).await?;
            Err::<(), _>(DbError::TimedOut("the handler changed its mind".into()))
        })
        .await;
    assert!(given_up.is_err());
    assert_eq!(scope.query(COUNT, &[]).await.unwrap().rows[0].get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_transaction_with_a_failed_statement_is_never_reported_as_committed() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let scope = api.app.db.scope(Caller {
        user: ada.id,
        proof: Proof::Session { id: ada.session, generation: 0 },
        as_admin: false,
    });
    let swallowed = scope
        .transaction(async |transaction| {
            transaction.query(INSERT, &[]).await?;
            let _ = transaction.query("SELECT 1 / 0", &[]).await;
            Ok(())
        })
        .await;
    assert!(matches!(swallowed, Err(DbError::Other(_))), "{swallowed:?}");
    assert_eq!(scope.query(COUNT, &[]).await.unwrap().rows[0].get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_caller_without_a_live_session_opens_no_transaction() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let scope =
        api.app.db.scope(Caller { user: ada.id, proof: Proof::Session { id: ada.id, generation: 0 }, as_admin: false });
    let refused = scope.transaction(async |transaction| transaction.query(INSERT, &[]).await).await;
    assert!(matches!(refused, Err(DbError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn nothing_of_a_request_stays_on_its_connection() {
    let api = api().await;
    let ada = api.person("ada@example.com").await;
    let scope = api.app.db.scope(Caller {
        user: ada.id,
        proof: Proof::Session { id: ada.session, generation: 0 },
        as_admin: false,
    });
    scope.query(COUNT, &[]).await.unwrap();
    let left = api.app.db.anonymous().query("SELECT current_setting('app.user_id', true)", &[]).await.unwrap();
    assert_eq!(left.rows[0].get::<_, Option<String>>(0).unwrap_or_default(), "");
}
