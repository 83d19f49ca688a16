//! A field of a request's body.

use serde::{Deserialize, Deserializer};

use super::json::describe;

/// What a body says of one field. Give it `#[serde(default)]`. A value of another type does not end the reading of the
/// body, so that [`Fields`](super::Fields) can name everything that is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// The body does not mention it.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// A value.
    Value(T),
    /// A value of another type, and what would be right.
    Invalid(String),
}

impl<T> Field<T> {
    /// Whether the body does not mention it.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        if value.is_null() {
            return Ok(Self::Null);
        }
        Ok(T::deserialize(value).map_or_else(|error| Self::Invalid(describe(&error.to_string())), Self::Value))
    }
}
