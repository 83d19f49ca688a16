//! The database's share: round trips through a proxy that delays answers, and the same statements by pgbench
//! through the same pooler, which is the floor of what a function can reach.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use local::postgres::Programs;
use serde::{Deserialize, Serialize};
use shared::clock::Clock;
use shared::db::Role;
use shared::db::tasks::{Selection, SortBy, SortOrder, list_sql};
use testkit::Proxy;
use tokio::process::Command;

use crate::Result;
use crate::lambda::{Fleet, Limits};
use crate::load::Latencies;
use crate::question::{list, questions, saturate};
use crate::stand::{Stand, Visitor};

/// One operation through a proxy that delays every answer of the database by 25 ms.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Delayed {
    pub(crate) operation: String,
    /// How often the function waited for the database.
    pub(crate) round_trips: u64,
    pub(crate) ms: f64,
}

/// Counts the round trips of warm requests.
pub(crate) async fn delayed(stand: &Stand, visitor: &Visitor) -> Result<Vec<Delayed>> {
    let proxy = Proxy::start(stand.bouncer.port()).await;
    let mut delayed = Vec::new();
    let mut fleet: Option<(&str, Arc<Fleet>)> = None;
    for question in questions(visitor).into_iter().filter(|question| ["tasks", "auth"].contains(&question.function)) {
        if fleet.as_ref().is_none_or(|(name, _)| *name != question.function) {
            let function = stand.function(question.function, Some(proxy.port));
            fleet = Some((question.function, Fleet::new(function, Limits { instances: 1, waiting: 1 })));
        }
        let Some((_, fleet)) = &fleet else { continue };
        question.ask(fleet).await?;
        let _ = proxy.take_round_trips();
        let ms = question.ask(fleet).await?.all.as_secs_f64() * 1000.0;
        delayed.push(Delayed { operation: question.name.to_owned(), round_trips: proxy.take_round_trips(), ms });
    }
    Ok(delayed)
}

/// The list statement, by pgbench and by functions.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Compared {
    /// How many ask at once.
    pub(crate) concurrency: usize,
    pub(crate) pgbench_ms: f64,
    pub(crate) pgbench_per_second: f64,
    /// The function with its runtime, as its caller sees it.
    pub(crate) function_ms: f64,
    pub(crate) function_per_second: f64,
}

/// Runs the first page of fifty as a transaction of ours, through the same pooler, with as many clients as there
/// are instances; both in turn, twice.
pub(crate) async fn compare(
    stand: &Stand,
    visitor: &Visitor,
    folder: &Path,
    concurrency: usize,
    duration: Duration,
) -> Result<Compared> {
    let fleet = Fleet::new(stand.with_wide_limits("tasks"), Limits { instances: concurrency, waiting: concurrency });
    for _ in 0..concurrency {
        fleet.start_one().await?;
    }
    let half = duration / 2;
    let (mut pgbench, mut function) = (Vec::new(), Latencies::default());
    for _ in 0..2 {
        pgbench.push(by_pgbench(stand, visitor, folder, concurrency, half).await?);
        function.merge(&saturate(&fleet, list(visitor), concurrency, half, || Ok(())).await?.0);
    }
    let mean = |of: fn(&(f64, f64)) -> f64| pgbench.iter().map(of).sum::<f64>() / crate::report::float(pgbench.len());
    let function = function.quantiles();
    Ok(Compared {
        concurrency,
        pgbench_ms: mean(|(ms, _)| *ms),
        pgbench_per_second: mean(|(_, rate)| *rate),
        function_ms: function.mean,
        function_per_second: crate::report::float(function.count) / duration.as_secs_f64(),
    })
}

/// The mean latency in ms and the transactions per second of pgbench.
async fn by_pgbench(
    stand: &Stand,
    visitor: &Visitor,
    folder: &Path,
    concurrency: usize,
    duration: Duration,
) -> Result<(f64, f64)> {
    let script = folder.join("list.sql");
    fs::write(&script, list_script(visitor))?;
    let programs = Programs::find_or_install()?;
    let seconds = duration.as_secs().max(1).to_string();
    let output = Command::new(programs.program("pgbench"))
        .args(["--no-vacuum", "--protocol", "simple", "--jobs", "1", "--client", &concurrency.to_string()])
        .args(["--time", &seconds, "--file"])
        .arg(&script)
        .arg(stand.bouncer.url("bench", None))
        .output()
        .await
        .map_err(|error| format!("pgbench cannot be run ({error}); it comes with PostgreSQL"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = |start: &str| said.lines().find_map(|line| line.strip_prefix(start)?.split(' ').next()?.parse().ok());
    let found = number("latency average = ").zip(number("tps = "));
    found.ok_or_else(|| format!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// A transaction of the same statements as the tasks function sends, in one message.
fn list_script(visitor: &Visitor) -> String {
    let selection = Selection {
        priority: None,
        is_completed: None,
        sort_by: SortBy::CreatedAt,
        sort_order: SortOrder::Desc,
        limit: 50,
        offset: 0,
    };
    let (user, session) = (visitor.account.id(), visitor.session);
    let list = list_sql(&selection)
        .replace("$1", &format!("'{user}'::uuid"))
        .replace("$2", "NULL::boolean")
        .replace("$3", "NULL::smallint")
        .replace("$4", "50::bigint")
        .replace("$5", "0::bigint");
    let now = Clock::system().now();
    let open = format!("SELECT app.open_request('{user}', '{session}', 0, '{now}', NULL, NULL, NULL, NULL)");
    let statements = [Role::Tasks.begin(), &open, &list, "COMMIT;\n"];
    // pgbench sends what `\;` joins as one.
    statements.map(|statement| statement.replace('\n', " ").replace("; ", " \\; ")).join(" \\; ").trim_end().to_owned()
        + "\n"
}

/// What the server says about a database after a run.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Tables {
    /// Of updates of tasks, the part that needed no index entry.
    pub(crate) hot_updates: f64,
    /// Of the pages asked for, the part that was in memory.
    pub(crate) in_memory: f64,
    /// Of rows of tasks, the part that vacuum has still to remove.
    pub(crate) dead_rows: f64,
    /// Of the table of tasks with its indexes, by task.
    pub(crate) bytes_per_task: f64,
}

/// What the server has counted so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    updates: i64,
    hot: i64,
    asked: i64,
    read: i64,
}

pub(crate) async fn counted(stand: &Stand) -> Result<Counted> {
    let sql = "SELECT t.n_tup_upd, t.n_tup_hot_upd, d.blks_hit + d.blks_read, d.blks_read
               FROM pg_stat_user_tables t, pg_stat_database d
               WHERE t.relname = 'tasks' AND d.datname = current_database()";
    let row = stand.admin.query_typed_one(sql, &[]).await?;
    Ok(Counted { updates: row.try_get(0)?, hot: row.try_get(1)?, asked: row.try_get(2)?, read: row.try_get(3)? })
}

/// What has happened since `before`, and what the tables are like now.
pub(crate) async fn tables(stand: &Stand, before: Counted) -> Result<Tables> {
    let now = counted(stand).await?;
    let sql = "SELECT n_dead_tup / greatest(n_live_tup, 1)::float8,
                      pg_total_relation_size(relid) / greatest(n_live_tup, 1)::float8
               FROM pg_stat_user_tables WHERE relname = 'tasks'";
    let row = stand.admin.query_typed_one(sql, &[]).await?;
    let part = |of: i64, all: i64| crate::report::float(of) / crate::report::float(all.max(1));
    Ok(Tables {
        hot_updates: part(now.hot - before.hot, now.updates - before.updates),
        in_memory: 1.0 - part(now.read - before.read, now.asked - before.asked),
        dead_rows: row.try_get(0)?,
        bytes_per_task: row.try_get(1)?,
    })
}
