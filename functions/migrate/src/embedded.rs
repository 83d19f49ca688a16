//! The migrations that are embedded in this binary.

refinery::embed_migrations!("../../migrations");

include!(concat!(env!("OUT_DIR"), "/downs.rs"));

pub(crate) use migrations::runner;

/// All migrations, oldest first.
pub(crate) fn known() -> Vec<refinery::Migration> {
    let mut known = runner().get_migrations().clone();
    known.sort();
    known
}

/// The SQL that undoes a migration; `None` if this binary does not know the version.
pub(crate) fn down(version: i32) -> Option<&'static str> {
    DOWNS.iter().find(|(number, _)| *number == version).map(|(_, sql)| *sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_can_be_undone() {
        let known: Vec<i32> = known().iter().map(refinery::Migration::version).collect();
        let downs: Vec<i32> = DOWNS.iter().map(|(version, _)| *version).collect();
        assert_eq!(downs, known);
        assert_eq!(known, (1..).take(known.len()).collect::<Vec<i32>>(), "versions are consecutive");
    }
}
