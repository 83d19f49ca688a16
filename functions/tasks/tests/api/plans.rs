//! How PostgreSQL finds the rows of every variant of a list, among 100,000 tasks: by which indexes, and how many pages
//! it touches. Pages are counted, so the machine does not matter.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::db::tasks::{Selection, SortBy, SortOrder, TaskRow, list_sql};
use shared::db::{FromRow, Statement};
use shared::domain::Priority;
use testkit::TestDatabase;
use tokio_postgres::Client;
use uuid::Uuid;

/// Users 1 to 500 have 100 tasks, 501 to 505 have 10,000.
const DATA: &str = "
    -- Row-level security applies to the owner of the tables too, and no user is set.
    ALTER TABLE users NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY;
    INSERT INTO users (id, email, name, created_at, updated_at)
    SELECT ('00000000-0000-7000-8000-' || lpad(u::text, 12, '0'))::uuid, u || '@example.com', 'x', now(), now()
    FROM generate_series(1, 505) u;
    INSERT INTO tasks (id, user_id, title, description, due_datetime, priority, is_completed, created_at, updated_at)
    SELECT gen_random_uuid(), ('00000000-0000-7000-8000-' || lpad(u::text, 12, '0'))::uuid, md5(n || '-' || u),
        repeat('what is to be done ', 8), CASE WHEN n % 5 > 0 THEN timestamptz '2027-01-01' + n * interval '1 hour' END,
        n * 7 % 4, n % 10 < 3, timestamptz '2026-01-01' + n * interval '1 minute',
        timestamptz '2026-06-01' + n * 7919 % 10007 * interval '1 minute'
    FROM (SELECT u, generate_series(1, CASE WHEN u > 500 THEN 10000 ELSE 100 END) n FROM generate_series(1, 505) u) t
    ORDER BY n, u;
    ALTER TABLE users FORCE ROW LEVEL SECURITY;
    ALTER TABLE tasks FORCE ROW LEVEL SECURITY;";

/// The parts of a plan that the test compares.
#[derive(Debug, Default)]
struct Plan {
    /// The indexes of the page and of the count.
    indexes: BTreeSet<String>,
    kinds: BTreeSet<String>,
    heap_fetches: u64,
    buffers: u64,
}

impl Plan {
    fn read(node: &Value) -> Self {
        let mut plan = Self::default();
        plan.add(node);
        let of = |name: &str| node[name].as_u64().unwrap_or_default();
        plan.buffers = of("Shared Hit Blocks") + of("Shared Read Blocks");
        plan
    }

    fn add(&mut self, node: &Value) {
        self.kinds.extend(node["Node Type"].as_str().map(str::to_owned));
        self.indexes.extend(node["Index Name"].as_str().map(str::to_owned));
        self.heap_fetches += node["Heap Fetches"].as_u64().unwrap_or_default();
        node["Plans"].as_array().into_iter().flatten().for_each(|node| self.add(node));
    }
}

async fn explain(client: &Client, owner: Uuid, selection: &Selection) -> Plan {
    let Selection { priority, is_completed, limit, offset, .. } = selection;
    let sql = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {}", list_sql(selection));
    let rows = Statement::new("explain", sql)
        .fragment("columns", TaskRow::COLUMNS)
        .bind("owner", &owner)
        .bind("is_completed", is_completed)
        .bind("priority", &priority.map(Priority::rank))
        .bind("limit", limit)
        .bind("offset", offset)
        .run(client)
        .await
        .unwrap();
    Plan::read(&rows.one().unwrap().get::<Value>("QUERY PLAN").unwrap()[0]["Plan"])
}

const SORTS: [SortBy; 5] = [SortBy::CreatedAt, SortBy::UpdatedAt, SortBy::DueDatetime, SortBy::Priority, SortBy::Title];

/// A first and a second page, in every order and under every filter.
fn variants() -> impl Iterator<Item = Selection> {
    let orders = SORTS.into_iter().flat_map(|sort| [SortOrder::Asc, SortOrder::Desc].map(|order| (sort, order)));
    let priorities = [None, Some(Priority::UrgentImportant)];
    let filters = [None, Some(true), Some(false)].into_iter().flat_map(move |done| priorities.map(|one| (done, one)));
    let filters: Vec<_> = filters.collect();
    orders.flat_map(move |(sort_by, sort_order)| {
        let pages = filters.clone().into_iter().flat_map(|filter| [0, 50].map(|offset| (filter, offset)));
        pages.map(move |((is_completed, priority), offset)| Selection {
            priority,
            is_completed,
            sort_by,
            sort_order,
            limit: 50,
            offset,
        })
    })
}

/// The index for a sort key. There is none for the title and the last change, because it would slow down their updates.
fn index_of(sort: SortBy) -> Option<&'static str> {
    match sort {
        SortBy::CreatedAt => Some("tasks_by_creation_idx"),
        SortBy::DueDatetime => Some("tasks_by_due_idx"),
        SortBy::Priority => Some("tasks_by_priority_idx"),
        SortBy::UpdatedAt | SortBy::Title => None,
    }
}

fn filters(selection: &Selection) -> u8 {
    u8::from(selection.priority.is_some()) + u8::from(selection.is_completed.is_some())
}

/// The indexes a list may read. All but the primary key begin with the owner; that one fetches the rows of a later page.
fn allowed(tasks: u64, selection: &Selection) -> BTreeSet<String> {
    let ordered = index_of(selection.sort_by);
    let mut allowed = BTreeSet::from(["tasks_counts_idx"]);
    allowed.extend(ordered);
    allowed.extend(selection.priority.map(|_| "tasks_by_priority_idx"));
    // Few tasks are read and sorted as fast as they are read in order.
    allowed.extend((tasks == 100 || ordered.is_none()).then_some("tasks_user_id_idx"));
    allowed.extend((selection.offset > 0).then_some("tasks_pkey"));
    allowed.into_iter().map(str::to_owned).collect()
}

/// How many pages a list may touch if its owner has `tasks` tasks.
fn most_buffers(tasks: u64, selection: &Selection) -> u64 {
    match (tasks, index_of(selection.sort_by), filters(selection), selection.offset) {
        // Each task of the owner twice, and the index pages that lead to it.
        (100, ..) => 240,
        // A page of rows by their index, and the count by its own.
        (_, Some(_), 0, 0) => 120,
        (_, Some(_), 0, _) => 280,
        // The page also reads rows that the filter excludes.
        (_, Some(_), 1, _) => 1_000,
        // The pages of all tasks of the owner, once.
        _ => 2_700,
    }
}

/// Vacuums until all pages are marked as visible to all transactions. A connection with an open transaction can delay
/// this.
async fn vacuum(client: &Client) {
    let visible = "SELECT relallvisible = relpages FROM pg_class WHERE relname = 'tasks'";
    for _ in 0..100 {
        client.batch_execute("VACUUM (ANALYZE) tasks").await.unwrap();
        if client.query_typed_one(visible, &[]).await.unwrap().get(0) {
            return;
        }
    }
    panic!("a transaction stays open, and rows stay invisible to it");
}

#[tokio::test]
async fn every_list_uses_its_index_and_touches_few_pages() {
    let database = TestDatabase::new().await;
    let client = database.connect().await;
    // Vacuum marks rows as visible to all only when their commit is known to be on disk.
    client.batch_execute("SET synchronous_commit = on").await.unwrap();
    client.batch_execute(DATA).await.unwrap();
    vacuum(&client).await;
    for (number, tasks) in [(7, 100), (503, 10_000)] {
        let owner = Uuid::parse_str(&format!("00000000-0000-7000-8000-{number:012}")).unwrap();
        client.batch_execute(&format!("SET ROLE todo_tasks; SET app.user_id = '{owner}'")).await.unwrap();
        for selection in variants() {
            let plan = explain(&client, owner, &selection).await;
            let seen = format!("{tasks} tasks, {selection:?}: {plan:?}");
            assert!(!plan.kinds.contains("Seq Scan"), "it reads tasks of others: {seen}");
            assert!(plan.kinds.contains("Index Only Scan") && plan.heap_fetches == 0, "it counts rows: {seen}");
            assert!(plan.indexes.is_subset(&allowed(tasks, &selection)), "it reads another index: {seen}");
            let filters = filters(&selection);
            // Where two filters leave few rows, reading these and sorting them costs as little.
            if let Some(index) = index_of(selection.sort_by).filter(|_| tasks > 100 && filters < 2) {
                assert!(plan.indexes.contains(index), "it reads all tasks of the owner and sorts them: {seen}");
            }
            if let Some(index) = index_of(selection.sort_by).filter(|_| filters == 0 && selection.offset == 0) {
                let intended = BTreeSet::from([index, "tasks_counts_idx"].map(str::to_owned));
                assert_eq!(plan.indexes, intended, "{seen}");
            }
            assert!(plan.buffers <= most_buffers(tasks, &selection), "it touches too many pages: {seen}");
        }
        client.batch_execute("RESET ROLE").await.unwrap();
    }
}
