//! The database's share of latency: round trips through a proxy that delays responses, and a list query run by pgbench.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use shared::clock::Clock;
use shared::db::tasks::{Selection, SortBy, SortOrder, TaskRow, list_sql};
use shared::db::{DatabaseRole, FromRow};
use testkit::Proxy;
use tokio::process::Command;

use crate::Result;
use crate::environment::{DATABASE, Environment};
use crate::fleet::Fleet;
use crate::latency::ms;
use crate::operation::{Operation, WARM};
use crate::single::WarmInstance;
use crate::users::{Random, User};

/// One operation through a proxy that delays each response of the database by 25 ms.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct DelayedOperation {
    pub(crate) operation: String,
    pub(crate) round_trips: u64,
    pub(crate) ms: f64,
}

/// Counts the round trips of a warm request of each operation.
pub(crate) async fn count_round_trips(environment: &Environment, user: &User) -> Result<Vec<DelayedOperation>> {
    let proxy = Proxy::start(environment.bouncer.port()).await;
    let mut fleets: BTreeMap<&str, Arc<Fleet>> = BTreeMap::new();
    let mut delayed = Vec::new();
    for operation in WARM.into_iter().filter(|operation| ["tasks", "auth"].contains(&operation.function())) {
        let fleet = fleets.entry(operation.function()).or_insert_with(|| {
            let mut function = environment.function(operation.function());
            let url = environment.bouncer.url(DATABASE, Some(proxy.port));
            function.settings.insert("DATABASE_URL".to_owned(), url);
            Fleet::new(function, 1)
        });
        user.request(operation, &mut Random(2)).send(fleet).await?;
        let _ = proxy.take_round_trips();
        let took = user.request(operation, &mut Random(2)).send(fleet).await?.took;
        let round_trips = proxy.take_round_trips();
        delayed.push(DelayedOperation { operation: operation.name().to_owned(), round_trips, ms: ms(took) });
    }
    Ok(delayed)
}

/// The mean time of a list request, one at a time, by pgbench and by the function.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Comparison {
    pub(crate) pgbench_ms: f64,
    pub(crate) function_ms: f64,
}

/// Runs the transaction of a list with pgbench and with the function through the same pooler, alternately, twice each.
pub(crate) async fn compare_with_pgbench(
    environment: &Environment,
    user: &User,
    duration: Duration,
) -> Result<Comparison> {
    let mut single = WarmInstance::start(environment, user, Operation::List).await?;
    let mut pgbench_ms = 0.0;
    for _ in 0..2 {
        pgbench_ms += run_pgbench(environment, user, duration / 2).await? / 2.0;
        let started = Instant::now();
        while started.elapsed() < duration / 2 {
            single.send(user, Operation::List, 1).await?;
        }
    }
    Ok(Comparison { pgbench_ms, function_ms: single.took.percentiles().mean })
}

/// Runs pgbench, and returns the mean latency that it reports, in milliseconds.
async fn run_pgbench(environment: &Environment, user: &User, duration: Duration) -> Result<f64> {
    let script = environment.folder.join("list.sql");
    fs::write(&script, list_script(user))?;
    // Not that of the server's installation, which is built without the TLS that the pooler requires.
    #[expect(clippy::disallowed_methods, reason = "`cargo xtask bench` says where it is")]
    let pgbench = std::env::var_os("PGBENCH").unwrap_or_else(|| "pgbench".into());
    let output = Command::new(pgbench)
        .args(["--no-vacuum", "--protocol", "simple", "--time", &duration.as_secs().max(1).to_string(), "--file"])
        .arg(&script)
        .arg(environment.bouncer.url(DATABASE, None))
        .output()
        .await
        .map_err(|error| format!("pgbench cannot be run ({error}); install it with PostgreSQL"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let latency =
        text.lines().find_map(|line| line.strip_prefix("latency average = ")?.split(' ').next()?.parse().ok());
    latency.ok_or_else(|| format!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// The statements of a list as the tasks function sends them, in one message.
fn list_script(user: &User) -> String {
    let (sort_by, sort_order) = (SortBy::CreatedAt, SortOrder::Desc);
    let page = Selection { priority: None, is_completed: None, sort_by, sort_order, limit: 50, offset: 0 };
    let (owner, session, now) = (user.account.id(), user.session, Clock::system().now());
    let list = list_sql(&page)
        .replace("{columns}", TaskRow::COLUMNS)
        .replace(":owner", &format!("'{owner}'::uuid"))
        .replace(":limit", "50::bigint");
    let open = format!("SELECT app.open_request('{owner}', '{session}', 0, '{now}', NULL, NULL, NULL, NULL)");
    // pgbench sends what `\;` joins as one message.
    let statements = [DatabaseRole::Tasks.begin(), &open, &list, "COMMIT;"];
    statements.map(|statement| statement.replace('\n', " ").replace("; ", " \\; ")).join(" \\; ") + "\n"
}
