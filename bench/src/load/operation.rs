//! What people do, and how often.

use serde::{Deserialize, Serialize};

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    List,
    Get,
    Complete,
    Create,
    Update,
    Refresh,
    SignIn,
    Delete,
}

impl Operation {
    pub(crate) const ALL: [Self; 8] =
        [Self::List, Self::Get, Self::Complete, Self::Create, Self::Update, Self::Refresh, Self::SignIn, Self::Delete];

    /// Of a hundred requests.
    pub(crate) fn share(self) -> u32 {
        match self {
            Self::List => 45,
            Self::Get => 20,
            Self::Complete => 12,
            Self::Create => 10,
            Self::Update => 6,
            Self::Refresh => 4,
            Self::SignIn => 2,
            Self::Delete => 1,
        }
    }

    /// The operation at a place between 0 and 99.
    pub(crate) fn at(place: u32) -> Self {
        let mut left = place % 100;
        let found = Self::ALL.into_iter().find(|operation| {
            let here = left < operation.share();
            left = left.saturating_sub(operation.share());
            here
        });
        found.unwrap_or(Self::List)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Get => "get",
            Self::Complete => "complete",
            Self::Create => "create",
            Self::Update => "update",
            Self::Refresh => "refresh",
            Self::SignIn => "sign in",
            Self::Delete => "delete",
        }
    }

    /// The function that serves it.
    pub(crate) fn function(self) -> &'static str {
        match self {
            Self::Refresh | Self::SignIn => "auth",
            _ => "tasks",
        }
    }

    /// The status of success.
    pub(crate) fn success(self) -> u16 {
        match self {
            Self::Create => 201,
            _ => 200,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_places_are_the_shares() {
        for operation in Operation::ALL {
            let places = (0..100).filter(|place| Operation::at(*place) == operation).count();
            assert_eq!(u32::try_from(places), Ok(operation.share()), "{operation:?}");
        }
    }
}
