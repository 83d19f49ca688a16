//! PostgreSQL: the pool, the scope that every statement runs in, and all SQL, one file per table.

mod attempt;
pub mod audit;
mod connect;
mod error;
pub mod health;
pub mod legacy;
pub mod maintenance;
pub mod migrations;
mod opening;
mod permits;
mod pool;
mod role;
mod row;
mod scope;
pub mod sessions;
pub mod tasks;
pub mod users;

pub use connect::{cancel, connect_direct};
pub use error::{DbError, Refusal};
pub use pool::Database;
pub use role::Role;
use row::Columns;
pub use scope::{Caller, Outcome, Param, Scope, Transaction};
