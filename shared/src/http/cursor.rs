//! Cursors of keyset pagination: the time and the id of the last item of a page, in a form that is opaque to clients.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use uuid::Uuid;

use super::Query;
use crate::clock::EARLIEST_TIME;
use crate::error::ApiError;

/// The position after the last item of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The time of the last item, in whole microseconds.
    pub time: Timestamp,
    /// The id of the last item.
    pub id: Uuid,
}

impl Cursor {
    /// Decodes the result of [`Cursor::encode`]; `None` if the text is malformed. A cursor is not signed, because it
    /// grants nothing: a changed cursor only starts elsewhere in the same list.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let mut bytes = [0; 24];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        let (micros, id) = bytes.split_at(8);
        if length != bytes.len() {
            return None;
        }
        let time = Timestamp::from_microsecond(i64::from_be_bytes(micros.try_into().ok()?)).ok()?;
        // PostgreSQL cannot store a time before 4713 BC.
        (time >= EARLIEST_TIME).then_some(())?;
        Some(Self { time, id: Uuid::from_slice(id).ok()? })
    }

    /// The text that the client sends to get the next page.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.time.as_microsecond().to_be_bytes());
        bytes[8..].copy_from_slice(self.id.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads the query parameter `cursor`.
    ///
    /// # Errors
    /// 422 if the text is not a cursor.
    pub fn take(query: &mut Query) -> Result<Option<Self>, ApiError> {
        let Some(text) = query.take("cursor")? else { return Ok(None) };
        let refusal = || ApiError::invalid("/query/cursor", "must be a next_cursor of an earlier answer");
        Self::decode(&text).map(Some).ok_or_else(refusal)
    }
}

/// Splits a list that was read with a limit of `limit + 1`: a page of at most `limit` items, and the cursor of the next
/// page if there is one.
#[must_use]
pub fn page<T>(mut items: Vec<T>, limit: i64, at: impl Fn(&T) -> Cursor) -> (Vec<T>, Option<String>) {
    let limit = usize::try_from(limit).unwrap_or_default();
    if items.len() <= limit {
        return (items, None);
    }
    items.truncate(limit);
    let next = items.last().map(|last| at(last).encode());
    (items, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_cannot_be_stored_is_not_a_cursor() {
        for micros in [i64::MIN, i64::MAX, -300_000_000_000_000_000] {
            let bytes = [micros.to_be_bytes().as_slice(), &[0; 16]].concat();
            assert_eq!(Cursor::decode(&URL_SAFE_NO_PAD.encode(bytes)), None, "{micros}");
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let time = Timestamp::from_microsecond(1_773_144_000_123_456).unwrap();
        let cursor = Cursor { time, id: Uuid::from_u128(7) };
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        for text in ["", "AAAA", "not base64!", &format!("{}A", cursor.encode()), &"A".repeat(33)] {
            assert_eq!(Cursor::decode(text), None, "{text}");
        }
    }
}
