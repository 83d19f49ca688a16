//! How much fits into one answer.

use serde::Serialize;

/// The bytes that the items of a list may take of Lambda's 6,291,556, which count after the body was escaped once more as
/// JSON within JSON; the rest is for headers and envelope.
const MOST: usize = 5_500_000;

/// The most bytes that one byte of text can take (`\\u0001` for a control character, which old rows may have), and that an
/// item takes beside its text.
const BYTE: usize = 7;
const ITEM: usize = 2_000;

/// The items that fit into an answer, at least one; and whether these are all.
///
/// `text` is how many bytes of text the items hold: where that little cannot fill an answer, nothing is measured.
#[must_use]
pub fn fitting<T: Serialize>(mut items: Vec<T>, text: usize) -> (Vec<T>, bool) {
    if text * BYTE + items.len() * ITEM <= MOST {
        return (items, true);
    }
    let mut taken = Size(0);
    let too_many = items.iter().position(|item| {
        taken.0 += 1;
        // What cannot be written fails again where the answer is written.
        let _ = serde_json::to_writer(&mut taken, item);
        taken.0 > MOST
    });
    items.truncate(too_many.map_or(usize::MAX, |count| count.max(1)));
    (items, too_many.is_none())
}

/// Counts JSON that is written into a string of JSON: quotes and backslashes are escaped once more.
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
    fn what_does_not_fit_is_left_out_but_for_the_first() {
        let items = |size: usize, count: usize| vec!["x".repeat(size); count];
        let (fit, is_whole) = fitting(items(1_000_000, 10), 10_000_000);
        assert_eq!((fit.len(), is_whole), (5, false));
        let (fit, is_whole) = fitting(items(7_000_000, 2), 14_000_000);
        assert_eq!((fit.len(), is_whole), (1, false));
        assert_eq!(fitting(items(10, 100), 1_000).0.len(), 100);
    }
}
