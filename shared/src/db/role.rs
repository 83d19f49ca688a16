//! The database roles of requests.

/// The database role statements run as. Each has just the grants it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseRole {
    /// Tasks of the user that `app.open_request` named.
    Tasks,
    /// Accounts and sessions.
    Auth,
    /// Accounts as administrators see them, without passwords and tasks.
    Admin,
    /// Deleting what has expired.
    Maintenance,
    /// The role that logged in; for asking whether the database answers.
    Login,
}

impl DatabaseRole {
    /// Opens the transaction. A statement may take 5 s, one of maintenance 8 s; waiting for a lock 3 s.
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
