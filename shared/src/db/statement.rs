//! SQL with named binds and attached parts.
//!
//! ```ignore
//! Statement::new("tasks.find", "SELECT {columns} FROM tasks t WHERE t.id = :id AND t.user_id = :owner")
//!     .fragment("columns", TaskRow::COLUMNS)
//!     .bind("id", &id)
//!     .bind("owner", &owner)
//!     .run(db)
//!     .await?
//!     .optional()
//! ```
//!
//! In the text, `:name` is a bind and `{name}` is a fragment: more SQL, which may itself contain binds and fragments. A
//! part is a fragment that brings its own binds, such as the audit event that a statement adds ([`Statement::note`]).
//! Texts and fragments come from this crate and never from a request; values only travel as binds.

use std::borrow::Cow;
use std::fmt::Write as _;

use smallvec::SmallVec;
use tokio_postgres::types::{ToSql, Type};

use super::executor::Executor;
use super::{DbError, Rows, SqlType};

/// A value with its PostgreSQL type, which saves the round trip that would ask the server for the type.
pub(super) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// An SQL text with its name, binds and fragments.
#[must_use = "a statement does nothing until it runs"]
pub struct Statement<'a> {
    name: &'static str,
    text: Cow<'a, str>,
    binds: SmallVec<[(&'static str, Param<'a>); 20]>,
    fragments: SmallVec<[(&'static str, Cow<'a, str>); 6]>,
}

impl<'a> Statement<'a> {
    /// Creates a statement. `name`, such as `tasks.find`, is logged if the statement makes a request slow.
    pub fn new(name: &'static str, text: impl Into<Cow<'a, str>>) -> Self {
        Self { name, text: text.into(), binds: SmallVec::new(), fragments: SmallVec::new() }
    }

    /// Gives `:name` its value.
    pub fn bind<T: ToSql + Sync + SqlType>(mut self, name: &'static str, value: &'a T) -> Self {
        debug_assert!(
            self.binds.iter().all(|(known, (same, _))| *known != name || std::ptr::addr_eq(*same, value)),
            "the statement {} has two values for :{name}",
            self.name
        );
        self.binds.push((name, (value, T::TYPE)));
        self
    }

    /// Gives `{name}` its SQL.
    pub fn fragment(mut self, name: &'static str, sql: impl Into<Cow<'a, str>>) -> Self {
        debug_assert!(
            self.fragments.iter().all(|(known, _)| *known != name),
            "the statement {} has {{{name}}} twice",
            self.name
        );
        self.fragments.push((name, sql.into()));
        self
    }

    /// Runs the statement.
    ///
    /// # Errors
    /// The errors of the executor; [`DbError::Other`] if the text names a bind or a fragment that is missing.
    pub async fn run(self, executor: &impl Executor) -> Result<Rows, DbError> {
        let (sql, params) = self.render()?;
        executor.execute(self.name, &sql, &params).await
    }

    /// The text with numbered parameters, and their values in that order.
    fn render(&self) -> Result<(String, SmallVec<[Param<'a>; 20]>), DbError> {
        let mut renderer =
            Renderer { statement: self, sql: String::with_capacity(self.text.len() + 256), numbered: SmallVec::new() };
        renderer.write(&self.text)?;
        let params = renderer.numbered.iter().map(|&index| self.binds[index].1.clone()).collect();
        Ok((renderer.sql, params))
    }
}

/// Without the values, which may be secrets.
impl std::fmt::Debug for Statement<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Statement({})", self.name)
    }
}

/// Writes the text that goes to the server.
struct Renderer<'s, 'a> {
    statement: &'s Statement<'a>,
    sql: String,
    /// The bind of each parameter `$1`, `$2`, …
    numbered: SmallVec<[usize; 20]>,
}

impl Renderer<'_, '_> {
    fn write(&mut self, text: &str) -> Result<(), DbError> {
        let mut rest = text;
        while let Some(at) = rest.find([':', '{', '\'']) {
            let (before, marked) = rest.split_at(at);
            self.sql.push_str(before);
            rest = match marked.as_bytes() {
                // Copy a literal unchanged.
                [b'\'', ..] => {
                    let end = marked[1..].find('\'').ok_or_else(|| self.mistake("an open literal", marked))? + 2;
                    self.sql.push_str(&marked[..end]);
                    &marked[end..]
                }
                // A cast.
                [b':', b':', ..] => {
                    self.sql.push_str("::");
                    &marked[2..]
                }
                [b':', ..] => {
                    let (name, after) = split_name(&marked[1..]);
                    self.parameter(name)?;
                    after
                }
                _ => {
                    let (name, after) = split_name(&marked[1..]);
                    let after = after.strip_prefix('}').ok_or_else(|| self.mistake("an open fragment", name))?;
                    let fragments = &self.statement.fragments;
                    let (_, sql) = fragments
                        .iter()
                        .find(|(known, _)| *known == name)
                        .ok_or_else(|| self.mistake("a missing fragment", name))?;
                    self.write(sql)?;
                    after
                }
            };
        }
        self.sql.push_str(rest);
        Ok(())
    }

    fn parameter(&mut self, name: &str) -> Result<(), DbError> {
        let mut binds = self.statement.binds.iter();
        let bind = binds.position(|(known, _)| *known == name).ok_or_else(|| self.mistake("a missing bind", name))?;
        let number = self.numbered.iter().position(|&used| used == bind).unwrap_or_else(|| {
            self.numbered.push(bind);
            self.numbered.len() - 1
        });
        let _ = write!(self.sql, "${}", number + 1);
        Ok(())
    }

    fn mistake(&self, what: &str, name: &str) -> DbError {
        DbError::Other(format!("the statement {} has {what}: {name}", self.statement.name).into())
    }
}

/// Splits a name off the start of a text.
fn split_name(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(statement: &Statement<'_>) -> (String, usize) {
        let (sql, params) = statement.render().unwrap();
        (sql, params.len())
    }

    #[test]
    fn binds_are_numbered_in_the_order_of_their_first_use() {
        let statement = Statement::new("test", "SELECT :b::int, :a, :b WHERE x @> ':no {no}' AND y = '{}'")
            .bind("a", &1_i32)
            .bind("b", &true)
            .bind("unused", &2_i64);
        assert_eq!(rendered(&statement), ("SELECT $1::int, $2, $1 WHERE x @> ':no {no}' AND y = '{}'".to_owned(), 2));
    }

    #[test]
    fn fragments_may_hold_binds_and_fragments() {
        let statement = Statement::new("test", "SELECT {columns} FROM t WHERE {mine}")
            .fragment("columns", "t.id, {more}")
            .fragment("more", "t.at > :at")
            .fragment("mine", format!("t.user_id = :{}", "owner"))
            .bind("owner", &"ada")
            .bind("at", &7_i64);
        assert_eq!(rendered(&statement), ("SELECT t.id, t.at > $1 FROM t WHERE t.user_id = $2".to_owned(), 2));
    }

    #[test]
    fn a_mistake_in_a_text_is_an_error_that_names_the_statement() {
        for (text, mistake) in [
            ("SELECT :nothing", "a missing bind: nothing"),
            ("SELECT {nothing}", "a missing fragment: nothing"),
            ("SELECT {open", "an open fragment: open"),
            ("SELECT 'open", "an open literal: 'open"),
        ] {
            let error = Statement::new("tasks.find", text).render().unwrap_err();
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert_eq!(cause, format!("the statement tasks.find has {mistake}"));
        }
    }
}
