//! The database roles of statements.

/// The database role that statements run as. Each has only the grants that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseRole {
    /// `todo_tasks`: the tasks of the user that `app.open_request` named.
    Tasks,
    /// `todo_auth`: accounts and sessions.
    Auth,
    /// `todo_admin`: accounts as administrators see them, without passwords and tasks.
    Admin,
    /// `todo_maintenance`: deleting expired rows, and the actions of operators.
    Maintenance,
    /// The role of the login itself, to check that the database answers.
    Login,
}

impl DatabaseRole {
    /// The SQL that opens a transaction. Time-outs: 5 s for a statement (maintenance: 8 s), 3 s for a lock.
    #[must_use]
    pub const fn begin(self) -> &'static str {
        match self {
            Self::Tasks => {
                "BEGIN; SET LOCAL ROLE todo_tasks; SET LOCAL statement_timeout = '5s'; SET LOCAL lock_timeout = '3s'"
            }
            Self::Auth => {
                "BEGIN; SET LOCAL ROLE todo_auth; SET LOCAL statement_timeout = '5s'; SET LOCAL lock_timeout = '3s'"
            }
            Self::Admin => {
                "BEGIN; SET LOCAL ROLE todo_admin; SET LOCAL statement_timeout = '5s'; SET LOCAL lock_timeout = '3s'"
            }
            Self::Maintenance => {
                "BEGIN; SET LOCAL ROLE todo_maintenance; SET LOCAL statement_timeout = '8s'; SET LOCAL lock_timeout = '3s'"
            }
            Self::Login => "BEGIN; SET LOCAL statement_timeout = '5s'",
        }
    }
}
