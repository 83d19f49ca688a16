//! Tables of the old backend with unexpected types or rows.

use migrate::{MigrateCommand, OnConflict};
use shared::lambda::Invocation;

use crate::{BCRYPT, FIRST, SECOND, SHA256, counts, database, id, import, run_import, texts};

#[tokio::test]
async fn of_users_with_one_email_address_the_oldest_valid_one_is_imported() {
    let (database, client) = database(SECOND).await;
    let hex = |n: u32| format!("{n:032x}");
    let (one, two, three, long) = (hex(1), hex(2), hex(3), "x".repeat(256));
    let sql = format!(
        "INSERT INTO \"user\" (id, email, name, created_at, updated_at) VALUES
            ('{one}', 'Ada@example.com', '{long}', '2025-01-01', '2025-01-01'),
            ('{two}', 'ada@example.com', 'younger', '2025-01-02', '2025-01-02'),
            ('{three}', 'ADA@example.com', 'youngest', '2025-01-03', '2025-01-03');
         INSERT INTO account VALUES ('1', '{two}', 'credential', '{BCRYPT}'), ('2', '{two}', 'credential', '{SHA256}')"
    );
    client.batch_execute(&sql).await.unwrap();
    let imported = import(&database).await;
    assert_eq!((counts(&imported.users), imported.verified), ([3, 1, 0, 2, 1], Some(true)), "{:#?}", imported.problems);
    assert_eq!(texts(&client, "SELECT name FROM users").await, ["younger"]);
    let problems: Vec<&str> = imported.problems.iter().map(|problem| problem.problem.as_str()).collect();
    assert_eq!(
        problems,
        [
            "the name is blank or longer than 255 characters",
            "there are several passwords; one of them was imported",
            "another user has this address",
        ]
    );
}

#[tokio::test]
async fn a_failure_of_the_whole_import_is_one_error_and_not_a_problem_of_each_row() {
    let (database, client) = database(FIRST).await;
    client.batch_execute("ALTER TABLE task RENAME COLUMN priority TO importance").await.unwrap();
    let sql = format!(
        "INSERT INTO \"user\" VALUES ('{0}', 'ada@example.com', 'Ada', true, '{BCRYPT}', now(), now());
         INSERT INTO task (id, user_id, title) VALUES ('{1}', '{0}', 'x');
         ALTER TABLE legacy_rows RENAME TO legacy_rows_elsewhere",
        id(1),
        id(11)
    );
    client.batch_execute(&sql).await.unwrap();
    let command = MigrateCommand::ImportLegacy { dry_run: false, after: None, on_conflict: OnConflict::Report };
    let error = run_import(&database, command, Invocation::default()).await.unwrap_err();
    assert!(error.to_string().contains("legacy_rows"), "{error}");
    assert_eq!(texts(&client, "SELECT problem FROM legacy_problems").await.len(), 0);
}

#[tokio::test]
async fn tasks_of_a_skipped_user_are_skipped() {
    let (database, client) = database(SECOND).await;
    let (lower, upper) = ("7777000000000000000000000000007a", "7777000000000000000000000000007A");
    let sql = format!(
        "INSERT INTO \"user\" (id, email, created_at, updated_at) VALUES
            ('{lower}', 'mallory@example.com', '2025-01-01', '2025-01-01'),
            ('{upper}', 'victim@example.com', '2025-01-01', '2025-01-01');
         INSERT INTO task (id, user_id, title, priority, is_completed, created_at, updated_at)
         SELECT md5(id), id, 'of ' || email, 'urgent_important', false, now(), now() FROM \"user\""
    );
    client.batch_execute(&sql).await.unwrap();
    let imported = import(&database).await;
    assert_eq!((counts(&imported.users), counts(&imported.tasks)), ([2, 1, 0, 1, 1], [2, 1, 0, 1, 0]));
    assert_eq!(imported.verified, Some(true));
    let owners =
        texts(&client, "SELECT t.title || ' is ' || u.email FROM tasks t JOIN users u ON u.id = t.user_id").await;
    let user = texts(&client, "SELECT email FROM users").await;
    assert_eq!(owners, [format!("of {0} is {0}", user[0])]);
}

#[tokio::test]
async fn columns_with_unexpected_types_are_refused_by_name() {
    let (database, client) = database(FIRST).await;
    let sql = "ALTER TABLE task ALTER is_completed TYPE integer USING 0, ALTER due_datetime TYPE text;
               ALTER TABLE \"user\" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY";
    client.batch_execute(sql).await.unwrap();
    let command = MigrateCommand::ImportLegacy { dry_run: true, after: None, on_conflict: OnConflict::Report };
    let error = run_import(&database, command, Invocation::default()).await.unwrap_err().to_string();
    for part in [
        "task.due_datetime has the type text; expected date or timestamp",
        "task.is_completed has the type integer; expected boolean",
    ] {
        assert!(error.contains(part), "{error}");
    }
    // The tests run as a superuser, to whom row-level security does not apply.
    assert!(!error.contains("hides rows") || error.contains("hides rows of user"), "{error}");
}

#[tokio::test]
async fn rows_without_an_id_and_with_dates_out_of_range_are_reported() {
    let (database, client) = database(FIRST).await;
    let sql = format!(
        "ALTER TABLE task DROP CONSTRAINT task_pkey, ALTER id DROP NOT NULL, ALTER due_datetime TYPE date;
         INSERT INTO \"user\" VALUES ('{0}', 'ada@example.com', 'Ada', true, '{BCRYPT}', now(), now());
         INSERT INTO task VALUES (NULL, '{0}', 'x', NULL, NULL, 'URGENT_IMPORTANT', false, now(), now()),
            ('{1}', '{0}', 'x', NULL, '0044-03-15 BC', 'URGENT_IMPORTANT', false, now(), now()),
            ('{2}', '{0}', 'x', NULL, '294275-12-31', 'URGENT_IMPORTANT', false, now(), now()),
            ('{3}', '{0}', 'x', NULL, '2026-12-01', 'URGENT_IMPORTANT', false, now(), now()),
            ('{3}', '{0}', 'twice', NULL, NULL, 'URGENT_IMPORTANT', false, now(), now())",
        id(1),
        id(11),
        id(12),
        id(13)
    );
    client.batch_execute(&sql).await.unwrap();
    let imported = import(&database).await;
    assert_eq!((counts(&imported.tasks), imported.verified), ([5, 1, 0, 4, 0], Some(true)), "{:#?}", imported.problems);
    assert_eq!(
        texts(&client, "SELECT (due_datetime AT TIME ZONE 'UTC')::text FROM tasks").await,
        ["2026-12-01 00:00:00"]
    );
}

#[tokio::test]
async fn control_characters_are_replaced_and_reported() {
    let (database, client) = database(SECOND).await;
    let user = format!("{:032x}", 1);
    let sql = format!(
        "INSERT INTO \"user\" (id, email, name, banned, ban_reason, created_at, updated_at) VALUES
            ('{user}', 'ada@example.com', E'A\\x07da', true, E'S\\x01pam', '2025-01-01', '2025-01-01');
         INSERT INTO task (id, user_id, title, description, priority, is_completed, created_at, updated_at) VALUES
            ('{:032x}', '{user}', E'B\\x1by milk', E'one\\ttwo\\nthree\\x02', 'urgent_important', false, now(), now()),
            ('{:032x}', '{user}', E'\\u200b\\u2800', NULL, 'urgent_important', false, now(), now())",
        11, 12
    );
    client.batch_execute(&sql).await.unwrap();
    let imported = import(&database).await;
    assert_eq!(counts(&imported.users), [1, 1, 0, 0, 2], "{:#?}", imported.problems);
    assert_eq!(counts(&imported.tasks), [2, 1, 0, 1, 1], "{:#?}", imported.problems);
    assert_eq!((imported.verified, imported.legacy_password_hashes), (Some(true), Some(0)));
    let replaced = imported
        .problems
        .iter()
        .filter(|one| one.problem == "a text has control characters, which were replaced by U+FFFD");
    assert_eq!(replaced.count(), 2);
    assert_eq!(texts(&client, "SELECT name || ban_reason FROM users").await, ["A\u{fffd}daS\u{fffd}pam"]);
    assert_eq!(
        texts(&client, "SELECT title || description FROM tasks").await,
        ["B\u{fffd}y milkone\ttwo\nthree\u{fffd}"]
    );
}

#[tokio::test]
async fn an_old_account_gets_its_email_address_back_if_the_operator_chooses_it() {
    let (database, client) = database(FIRST).await;
    let sql = format!(
        "INSERT INTO \"user\" VALUES ('{}', 'ada@example.com', 'Ada', true, '{BCRYPT}', now(), now()),
                                     ('{}', 'bob@example.com', 'Bob', true, '{BCRYPT}', now(), now());
         SET app.importing = 'on';
         INSERT INTO users (id, email, created_at, updated_at) VALUES ('{}', 'ada@example.com', now(), now())",
        id(1),
        id(2),
        id(9)
    );
    client.batch_execute(&sql).await.unwrap();
    let run_import = async |dry_run, on_conflict| {
        run_import(&database, MigrateCommand::ImportLegacy { dry_run, after: None, on_conflict }, Invocation::default())
            .await
            .unwrap()
    };
    // The placeholder without its random part.
    let sql = "SELECT right(id::text, 1) || regexp_replace(email, '-.*@', '-x@') FROM users ORDER BY id";
    let emails = async || texts(&client, sql).await;
    let placeholder = "9released-x@released.invalid";

    let reported = run_import(false, OnConflict::Report).await;
    assert_eq!(counts(&reported.users), [2, 1, 0, 1, 0]);
    assert_eq!(reported.problems[0].problem, format!("the account {} has this address", id(9)));
    assert_eq!(reported.legacy_password_hashes, Some(1));
    assert_eq!(emails().await, ["2bob@example.com", "9ada@example.com"]);

    let dry = run_import(true, OnConflict::OldAccountWins).await;
    assert_eq!(counts(&dry.users), [2, 1, 1, 0, 1], "{:#?}", dry.problems);
    assert_eq!(emails().await, ["2bob@example.com", "9ada@example.com"], "a dry run changes nothing");

    let won = run_import(false, OnConflict::OldAccountWins).await;
    assert_eq!((counts(&won.users), won.verified), ([2, 1, 1, 0, 1], Some(true)), "{:#?}", won.problems);
    let expected = format!("the account {} had this address, and has a placeholder now", id(9));
    assert_eq!((&won.problems[0].problem, won.legacy_password_hashes), (&expected, Some(2)));
    assert_eq!(emails().await, ["1ada@example.com", "2bob@example.com", placeholder]);
    let events = texts(&client, "SELECT concat_ws(' ', kind, user_id, details->>'reason') FROM audit_events").await;
    assert_eq!(events, [format!("address_released {} old_account_wins", id(9))]);

    // Of two old users with the same email address the older one keeps it, whatever option the operator chooses.
    let twin =
        format!("INSERT INTO \"user\" VALUES ('{}', 'bob@EXAMPLE.com', 'Rob', true, '{BCRYPT}', now(), now())", id(3));
    client.batch_execute(&twin).await.unwrap();
    let again = run_import(false, OnConflict::OldAccountWins).await;
    assert_eq!(counts(&again.users), [3, 0, 2, 1, 0], "{:#?}", again.problems);
    assert_eq!(emails().await, ["1ada@example.com", "2bob@example.com", placeholder]);
}
