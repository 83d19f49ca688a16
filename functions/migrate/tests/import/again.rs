//! Runs that repeat another, are interrupted, or run at the same time.

use migrate::{MigrateCommand, OnConflict, Position};
use serde_json::json;
use shared::lambda::Invocation;
use testkit::TestClock;

use crate::{BCRYPT, FIRST, counts, database, id, import, run_import, texts};

#[tokio::test]
async fn a_second_run_imports_new_and_repaired_rows_and_none_that_was_deleted_since() {
    let (database, client) = database(FIRST).await;
    let sql = format!(
        "INSERT INTO \"user\" VALUES ('{0}', 'ada@example.com', 'Ada', true, '{BCRYPT}', now(), now()),
                                     ('{1}', 'bob@example.com', 'Bob', true, '{BCRYPT}', now(), now());
         INSERT INTO task VALUES ('{2}', '{0}', 'stays', NULL, NULL, 'URGENT_IMPORTANT', false, now(), now()),
                                 ('{3}', '{0}', 'deleted since', NULL, NULL, 'URGENT_IMPORTANT', false, now(), now()),
                                 ('{4}', '{0}', '', NULL, NULL, 'URGENT_IMPORTANT', false, now(), now()),
                                 ('{5}', '{1}', 'of bob', NULL, NULL, 'URGENT_IMPORTANT', false, now(), now())",
        id(1),
        id(2),
        id(11),
        id(12),
        id(13),
        id(14)
    );
    client.batch_execute(&sql).await.unwrap();
    let first = import(&database).await;
    assert_eq!((counts(&first.tasks), first.verified), ([4, 3, 0, 1, 0], Some(true)));

    let since = format!(
        "SET app.importing = 'on';
         UPDATE tasks SET title = 'changed since' WHERE id = '{}'; DELETE FROM tasks WHERE id = '{}'; DELETE FROM users WHERE id = '{}';
         UPDATE task SET title = 'repaired' WHERE id = '{}';
         INSERT INTO task VALUES ('{}', '{}', 'straggler', NULL, NULL, 'URGENT_IMPORTANT', false, now(), now())",
        id(11), id(12), id(2), id(13), id(5), id(1)
    );
    client.batch_execute(&since).await.unwrap();
    let second = import(&database).await;
    assert_eq!((counts(&second.users), counts(&second.tasks)), ([2, 0, 2, 0, 0], [5, 2, 3, 0, 0]));
    assert_eq!((second.verified, second.problems.len()), (Some(true), 0));
    let titles = texts(&client, "SELECT title FROM tasks ORDER BY title").await;
    assert_eq!(titles, ["changed since", "repaired", "straggler"]);
    assert_eq!(texts(&client, "SELECT email FROM users").await, ["ada@example.com"]);

    let more = format!(
        "INSERT INTO task VALUES ('{}', '{}', 'late', NULL, NULL, 'URGENT_IMPORTANT', false, now(), now())",
        id(6),
        id(2)
    );
    client.batch_execute(&more).await.unwrap();
    let third = import(&database).await;
    assert_eq!(third.problems[0].problem, "its user has deleted their account since");
}

#[tokio::test]
async fn an_interrupted_import_continues_where_it_stopped() {
    let (database, client) = database(FIRST).await;
    let sql = format!(
        "INSERT INTO \"user\" VALUES ('{0}', 'ada@example.com', 'Ada', true, '{BCRYPT}', now(), now());
         INSERT INTO task SELECT ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid, '{0}', 'task ' || n, NULL, NULL, 'URGENT_IMPORTANT', false, now(), now()
         FROM generate_series(1, 12000) n",
        id(1)
    );
    client.batch_execute(&sql).await.unwrap();
    // The deadline has passed before the run begins. Each run still does one batch, so that it makes progress.
    let invocation = Invocation { deadline: Some(TestClock::default().now()) };
    let mut after: Option<Position> = None;
    let mut runs = Vec::new();
    loop {
        let run = run_import(
            &database,
            MigrateCommand::ImportLegacy { dry_run: false, after: after.take(), on_conflict: OnConflict::Report },
            invocation,
        )
        .await
        .unwrap();
        runs.push(run.tasks.imported);
        let Some(next) = run.next else {
            assert_eq!(run.verified, Some(true));
            break;
        };
        // The operator sends back the position from the answer.
        let command: MigrateCommand =
            serde_json::from_value(json!({ "action": "import_legacy", "after": next.clone() })).unwrap();
        assert_eq!(
            command,
            MigrateCommand::ImportLegacy { dry_run: false, after: Some(next.clone()), on_conflict: OnConflict::Report }
        );
        after = Some(next);
    }
    assert!(runs.len() >= 4, "{runs:?}");
    assert_eq!(runs.iter().sum::<i64>(), 12_000);
    let total = texts(&client, "SELECT count(*)::text FROM tasks").await;
    assert_eq!(total, ["12000"]);
}

#[tokio::test]
async fn two_concurrent_imports_import_each_row_once() {
    let (database, client) = database(FIRST).await;
    let sql = format!(
        "INSERT INTO \"user\" VALUES ('{0}', 'ada@example.com', 'Ada', true, '{BCRYPT}', now(), now());
         INSERT INTO task SELECT gen_random_uuid(), '{0}', 'x', NULL, NULL, 'URGENT_IMPORTANT', false, now(), now() FROM generate_series(1, 6000)",
        id(1)
    );
    client.batch_execute(&sql).await.unwrap();
    let (one, two) = tokio::join!(import(&database), import(&database));
    assert_eq!(one.tasks.imported + two.tasks.imported, 6_000);
    assert_eq!(one.tasks.already + two.tasks.already, 6_000);
    assert_eq!((one.verified, two.verified), (Some(true), Some(true)));
}
