//! Rules for all texts from users.

use super::Invalid;

/// Refuses control characters other than tab, line feed and carriage return. PostgreSQL's `text` cannot store NUL, and
/// each of the others below U+0020 takes seven bytes in a response, which is JSON within JSON.
pub(super) fn without_controls(text: &str) -> Result<(), Invalid> {
    if text.chars().any(is_control) {
        return Err(Invalid::new("must not contain control characters other than tabs and line breaks"));
    }
    Ok(())
}

/// The text with U+FFFD in place of each control character that [`without_controls`] refuses; `None` if it has no such
/// character.
#[must_use]
pub fn replace_controls(text: &str) -> Option<String> {
    text.chars().any(is_control).then(|| text.replace(is_control, "\u{fffd}"))
}

fn is_control(c: char) -> bool {
    matches!(c, '\0'..='\x1f' | '\x7f') && !matches!(c, '\t' | '\n' | '\r')
}

/// The text without Unicode White_Space at both ends; `None` if it has no visible character.
///
/// # Errors
/// If it is longer than `max` characters (Unicode scalar values), or has control characters.
pub(super) fn trimmed(text: &str, max: usize) -> Result<Option<&str>, Invalid> {
    without_controls(text)?;
    let trimmed = text.trim();
    if trimmed.chars().take(max + 1).count() > max {
        return Err(Invalid(format!("must be at most {max} characters long").into()));
    }
    Ok(trimmed.chars().any(is_visible).then_some(trimmed))
}

/// The error for a text without visible characters.
pub(super) const BLANK: Invalid = Invalid::new("must not be empty");

/// Whether a character can be seen.
fn is_visible(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !is_invisible(c)
}

/// Whether a character is invisible: Default_Ignorable_Code_Point (Unicode 17, DerivedCoreProperties), which includes
/// the Hangul fillers; the other format characters (Cf); and the braille blank.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        // Only in Cf.
        | '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{fff9}'..='\u{fffb}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
        // In neither, but displayed as blank.
        | '\u{2800}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_visible_characters_is_blank() {
        for text in [
            "",
            " \t\n",
            "\u{200b}",
            "\u{200d}\u{200c}",
            "\u{202e}\u{2066}",
            "\u{3164}",
            "\u{115f}\u{1160}",
            "\u{ffa0}",
            "\u{2800}",
            "\u{ad}",
            "\u{feff}",
            "\u{fe0f}",
            "\u{85}",
            "\u{e0041}",
            " \u{200b} \u{2003}",
            "\u{600}",
        ] {
            assert_eq!(trimmed(text, 255), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn only_white_space_is_trimmed() {
        for (text, expected) in [
            ("\u{a0} Milk\u{2003}\n", "Milk"),
            ("\u{200b}Milk\u{200d}", "\u{200b}Milk\u{200d}"),
            ("👩\u{200d}👩\u{200d}👧", "👩\u{200d}👩\u{200d}👧"),
        ] {
            assert_eq!(trimmed(text, 255), Ok(Some(expected)));
        }
    }

    #[test]
    fn control_characters_are_refused_or_replaced() {
        for c in ('\0'..='\u{9f}').filter(|c| c.is_control()) {
            let refused = without_controls(&format!("a{c}b")).is_err();
            assert_eq!(refused, !matches!(c, '\t' | '\n' | '\r' | '\u{80}'..), "{c:?}");
            assert_eq!(replace_controls(&format!("a{c}b")), refused.then(|| "a\u{fffd}b".to_owned()));
        }
    }
}
