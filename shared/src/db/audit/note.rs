//! The audit event that a statement adds for what it changes.

use crate::db::Statement;
use crate::domain::AuditContext;

use super::EventKind;

/// An audit event as SQL expressions over the other parts of its statement.
pub(in crate::db) struct Note<'a> {
    /// The kind, as SQL text.
    pub(in crate::db) kind: String,
    pub(in crate::db) user: &'a str,
    pub(in crate::db) actor: &'a str,
    pub(in crate::db) session: &'a str,
    pub(in crate::db) ip: &'a str,
    pub(in crate::db) agent: &'a str,
    pub(in crate::db) details: &'a str,
    /// The FROM clause; one event per row, one event by default.
    pub(in crate::db) from: &'a str,
}

impl Note<'_> {
    /// An event of this kind.
    pub(in crate::db) fn of(kind: EventKind) -> Self {
        Self::of_sql(kind.sql())
    }

    /// An event whose kind is the value of an SQL expression.
    pub(in crate::db) fn of_sql(kind: String) -> Self {
        let (user, actor, session) = ("NULL", "NULL", "NULL");
        let from = "(VALUES (1)) AS once";
        Self { kind, user, actor, session, ip: ":ip", agent: ":agent", details: "'{}'", from }
    }

    // No conflict target: with one, the SELECT policies of row-level security would apply too.
    fn sql(&self) -> String {
        let Self { kind, user, actor, session, ip, agent, details, from } = self;
        format!(
            "audit_event AS (
                 INSERT INTO audit_events (id, occurred_at, kind, user_id, actor_id, session_id, ip, user_agent, details)
                 SELECT :event_id::uuid, :at::timestamptz, {kind}, {user}::uuid, {actor}::uuid, {session}::uuid, {ip}::text,
                        {agent}::text, {details}::jsonb
                 FROM {from}
                 ON CONFLICT DO NOTHING
             )"
        )
    }
}

impl EventKind {
    /// The name as an SQL literal.
    pub(in crate::db) fn sql(self) -> String {
        format!("'{}'", self.as_str())
    }
}

impl<'a> Statement<'a> {
    /// Binds `:at`, `:event_id`, `:ip` and `:agent`.
    pub(in crate::db) fn context(self, context: &'a AuditContext) -> Self {
        self.bind("at", &context.at)
            .bind("event_id", &context.event_id)
            .bind("ip", &context.origin.ip)
            .bind("agent", &context.origin.user_agent)
    }

    /// Attaches an audit event as the part `{note}`: a CTE that comes after the parts whose rows it reads.
    pub(in crate::db) fn note(self, note: &Note<'_>, context: &'a AuditContext) -> Self {
        self.fragment("note", note.sql()).context(context)
    }
}
