//! A field of a JSON body. It distinguishes a missing field from null.

use serde::{Deserialize, Deserializer};

use super::json::describe;

/// One field of a body; needs `#[serde(default)]`. A value of a wrong type does not stop the parsing of the body, so
/// that [`Fields`](super::Fields) can report all errors together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// The body does not have the field.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// A value.
    Value(T),
    /// A value of a wrong type, with the expected type in words.
    Invalid(String),
}

impl<T> Field<T> {
    /// Whether the body does not have the field.
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
