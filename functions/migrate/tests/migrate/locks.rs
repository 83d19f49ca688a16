//! Tables that other transactions have locked: a migration waits for them in short attempts, and its error says so if
//! they stay locked.

use jiff::SignedDuration;
use migrate::{MigrateCommand, perform};
use shared::lambda::Invocation;
use testkit::{TestClock, TestDatabase, migrator};

use crate::{LATEST, down, status, up};

#[tokio::test]
async fn a_locked_table_is_not_reported_as_another_migration() {
    let database = TestDatabase::new().await;
    // V23 comments on every table, also on the one that is locked below.
    down(&database, 22).await;
    let client = database.connect().await;
    client.batch_execute("BEGIN; LOCK TABLE tasks").await.unwrap();
    let clock = TestClock::default();
    let app = migrator(&database.url(), clock.clock()).await;
    // Two seconds for the work, and 25 seconds that are kept in reserve.
    let soon = Invocation { deadline: Some(clock.now() + SignedDuration::from_secs(27)) };
    let error = perform(&app, &soon, &MigrateCommand::Rollback { to: 4 }).await.unwrap_err();
    assert!(error.to_string().contains("lock timeout"), "{error}");
    assert!(!error.to_string().contains("another migration"), "{error}");
    // The newest migrations do not need that table, and were undone.
    assert_eq!(status(&database).await.current, 20);
}

#[tokio::test]
async fn a_migration_waits_for_a_locked_table_in_short_attempts() {
    let database = TestDatabase::new().await;
    down(&database, LATEST - 1).await;
    let (holder, watcher) = (database.connect().await, database.connect().await);
    holder.batch_execute("BEGIN; LOCK TABLE refinery_schema_history IN SHARE MODE").await.unwrap();
    let migrating = async {
        let migrated = up(&database).await;
        assert_eq!(migrated.current, LATEST);
    };
    let releasing = async {
        // The migration waits, gives up, lets others pass, and waits again.
        let waits =
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'refinery_schema_history'::regclass";
        for waiting in [1_i64, 0, 1] {
            while watcher.query_typed_one(waits, &[]).await.unwrap().get::<_, i64>(0) != waiting {
                tokio::task::yield_now().await;
            }
        }
        holder.batch_execute("COMMIT").await.unwrap();
    };
    tokio::join!(migrating, releasing);
}
