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
use crate::runtime::{ask, list, questions, saturate};
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
        ask(fleet, &question).await?;
        let _ = proxy.take_round_trips();
        let (took, _) = ask(fleet, &question).await?;
        let ms = took.as_secs_f64() * 1000.0;
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
/// are instances.
pub(crate) async fn compare(
    stand: &Stand,
    visitor: &Visitor,
    folder: &Path,
    concurrency: usize,
    duration: Duration,
) -> Result<Compared> {
    let script = folder.join("list.sql");
    fs::write(&script, list_script(visitor))?;
    let programs = Programs::find_or_install()?;
    let seconds = duration.as_secs().max(1).to_string();
    let output = Command::new(programs.program("pgbench"))
        .args(["--no-vacuum", "--protocol", "extended", "--jobs", "1", "--client", &concurrency.to_string()])
        .args(["--time", &seconds, "--file"])
        .arg(&script)
        .arg(stand.bouncer.url("bench", None))
        .output()
        .await
        .map_err(|error| format!("pgbench cannot be run ({error}); it comes with PostgreSQL"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = |start: &str| said.lines().find_map(|line| line.strip_prefix(start)?.split(' ').next()?.parse().ok());
    let (Some(latency), Some(rate)) = (number("latency average = "), number("tps = ")) else {
        return Err(format!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    };

    let fleet = Fleet::new(stand.without_limits("tasks"), Limits { instances: concurrency, waiting: concurrency });
    for _ in 0..concurrency {
        fleet.start_one().await?;
    }
    let all = saturate(&fleet, list(visitor)?, concurrency, duration).await?;
    fleet.stop();
    let all = all.quantiles();
    Ok(Compared {
        concurrency,
        pgbench_ms: latency,
        pgbench_per_second: rate,
        function_ms: all.mean,
        function_per_second: crate::report::float(all.count) / duration.as_secs_f64(),
    })
}

/// A transaction as the tasks function sends it, all at once.
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
    let statements = Role::Tasks.begin().split("; ").chain([open.as_str(), list.as_str(), "COMMIT"]);
    let lines: String = statements.map(|statement| format!("{};\n", statement.replace('\n', " "))).collect();
    format!("\\startpipeline\n{lines}\\endpipeline\n")
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
}

pub(crate) async fn tables(stand: &Stand) -> Result<Tables> {
    let sql = "SELECT t.n_tup_hot_upd / greatest(t.n_tup_upd, 1)::float8,
                      d.blks_hit / greatest(d.blks_hit + d.blks_read, 1)::float8,
                      t.n_dead_tup / greatest(t.n_live_tup, 1)::float8
               FROM pg_stat_user_tables t, pg_stat_database d
               WHERE t.relname = 'tasks' AND d.datname = current_database()";
    let row = stand.admin.query_typed_one(sql, &[]).await?;
    Ok(Tables { hot_updates: row.try_get(0)?, in_memory: row.try_get(1)?, dead_rows: row.try_get(2)? })
}
