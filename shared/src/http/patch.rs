//! The three things a field of a partial update can be (RFC 7396): absent, null, a value.

use serde::{Deserialize, Deserializer};

/// One field of a partial update. Give it `#[serde(default)]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Not mentioned: stays as it is.
    #[default]
    Absent,
    /// `null`: is to be cleared.
    Null,
    /// Is to become this.
    Value(T),
}

impl<T> Patch<T> {
    /// `Some(None)` for null, `Some(Some(_))` for a value.
    pub fn into_option(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|value| value.map_or(Self::Null, Self::Value))
    }
}
