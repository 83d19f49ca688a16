//! The task endpoints, called in process on a real PostgreSQL; files mirror `src/`.

mod complete;
mod create;
mod database;
mod delete;
mod get;
mod hostile;
mod legacy;
mod limits;
mod list;
mod locks;
mod page_size;
mod plans;
mod round_trips;
mod tls;
mod update;

use serde_json::{Value, json};
use shared::config::Function;
use testkit::{Api, Person};

/// The function with its own database.
async fn api() -> Api {
    Api::start(Function::Tasks, tasks::routes).await
}

/// Creates a task with a title and returns it.
async fn task(person: &Person<'_>, title: &str) -> Value {
    person.post("/api/tasks", json!({ "title": title })).await.data(201)
}

/// An id that no task has.
const UNKNOWN_ID: &str = "01980000-0000-7000-8000-000000000000";
