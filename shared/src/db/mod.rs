//! PostgreSQL: the pool, the scopes that statements run in, and all SQL, one file or folder per table.
//!
//! A function that runs a statement fails as [`Statement::run`] does; only what it adds is documented at the function.

mod attempt;
pub mod audit;
mod connect;
mod error;
mod executor;
pub mod health;
pub mod legacy;
pub mod maintenance;
pub mod migrations;
mod opening;
mod permits;
mod pool;
mod role;
mod rows;
mod scope;
pub mod sessions;
mod sql_type;
mod statement;
pub mod tasks;
mod transaction;
mod url;
pub mod users;

pub use connect::{cancel, connect_direct};
pub use error::{DbError, RequestRefusal};
pub use executor::{Executor, WriteExecutor};
pub use pool::Database;
pub use role::DatabaseRole;
pub use rows::{FromRow, Record, Rows};
pub use scope::{AnonymousScope, Caller, ReadScope, Scope, WriteScope};
pub use sql_type::SqlType;
pub use statement::Statement;
pub use transaction::{Transaction, transaction};
pub(crate) use url::Certificates;
pub use url::{DatabaseUrl, UrlSource};
