//! Limits a list to what fits into one response of Lambda.

use serde::Serialize;

/// The largest size of the items of a list, in bytes. Lambda allows 6,291,556 bytes for a response, in which the body
/// is a JSON string, so its JSON is escaped once more. The rest is for headers and envelope.
const MAX_SIZE: usize = 5_500_000;

/// The largest size of one byte of text: `\\u0001` for a control character, which old rows may have.
const MAX_SIZE_OF_BYTE: usize = 7;
/// The largest size of an item without its text.
const MAX_SIZE_OF_ITEM: usize = 2_000;

/// Returns the items that fit into a response, at least one, and whether these are all items.
///
/// `text` is the number of bytes of text in the items. If that little text cannot fill a response, nothing is measured.
#[must_use]
pub fn items_that_fit<T: Serialize>(mut items: Vec<T>, text: usize) -> (Vec<T>, bool) {
    if text * MAX_SIZE_OF_BYTE + items.len() * MAX_SIZE_OF_ITEM <= MAX_SIZE {
        return (items, true);
    }
    let mut size = Size(0);
    let too_many = items.iter().position(|item| {
        size.0 += 1;
        // Ignore an error here: it occurs again when the response is serialized.
        let _ = serde_json::to_writer(&mut size, item);
        size.0 > MAX_SIZE
    });
    items.truncate(too_many.map_or(usize::MAX, |count| count.max(1)));
    (items, too_many.is_none())
}

/// Counts the bytes of JSON within a JSON string, where quotes and backslashes are escaped once more.
struct Size(usize);

impl std::io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() + bytes.iter().filter(|byte| matches!(byte, b'"' | b'\\')).count();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_counted_as_json_within_json() {
        for text in ["plain", "a \"quote\" and \\", "line\nbreak\u{1}", "ü🦀"] {
            let mut size = Size(0);
            serde_json::to_writer(&mut size, text).unwrap();
            let within = serde_json::to_string(&serde_json::to_string(text).unwrap()).unwrap();
            assert_eq!(size.0, within.len() - 2, "{text}");
        }
    }

    #[test]
    fn items_that_do_not_fit_are_left_out_except_the_first() {
        let items = |size: usize, count: usize| vec!["x".repeat(size); count];
        let (fit, is_whole) = items_that_fit(items(1_000_000, 10), 10_000_000);
        assert_eq!((fit.len(), is_whole), (5, false));
        let (fit, is_whole) = items_that_fit(items(7_000_000, 2), 14_000_000);
        assert_eq!((fit.len(), is_whole), (1, false));
        assert_eq!(items_that_fit(items(10, 100), 1_000).0.len(), 100);
    }
}
