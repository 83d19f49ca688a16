//! Priorities: the four quadrants of the Eisenhower matrix.

use serde::{Deserialize, Serialize};

use super::Invalid;

/// How urgent and how important a task is. The order is that of the matrix and of sorting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Do it now.
    UrgentImportant,
    /// Schedule it.
    NotUrgentImportant,
    /// Delegate it.
    UrgentNotImportant,
    /// Drop it, or do it last.
    NotUrgentNotImportant,
}

impl Priority {
    /// All priorities, the most urgent and important first.
    pub const ALL: [Self; 4] =
        [Self::UrgentImportant, Self::NotUrgentImportant, Self::UrgentNotImportant, Self::NotUrgentNotImportant];

    /// The name in requests and responses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UrgentImportant => "urgent_important",
            Self::NotUrgentImportant => "not_urgent_important",
            Self::UrgentNotImportant => "urgent_not_important",
            Self::NotUrgentNotImportant => "not_urgent_not_important",
        }
    }

    /// Reads a name in a request.
    ///
    /// # Errors
    /// If it is not the name of a priority.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == text).ok_or(Invalid::new(
            "must be one of urgent_important, not_urgent_important, urgent_not_important, not_urgent_not_important",
        ))
    }

    /// The position in the order, 0 to 3, which the database stores.
    #[must_use]
    pub const fn rank(self) -> i16 {
        self as i16
    }

    /// The priority of a stored rank; `None` unless the rank is 0 to 3.
    #[must_use]
    pub fn from_rank(rank: i16) -> Option<Self> {
        usize::try_from(rank).ok().and_then(|rank| Self::ALL.get(rank)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_follow_the_matrix_and_round_trip() {
        for (rank, priority) in (0..).zip(Priority::ALL) {
            assert_eq!(priority.rank(), rank);
            assert_eq!(Priority::from_rank(rank), Some(priority));
            assert_eq!(Priority::parse(priority.as_str()), Ok(priority));
        }
        assert_eq!(Priority::from_rank(4), None);
        assert_eq!(Priority::from_rank(-1), None);
    }

    #[test]
    fn the_misspelling_of_an_old_schema_file_is_refused() {
        assert!(Priority::parse("not_urgent_not_importan").is_err());
    }
}
