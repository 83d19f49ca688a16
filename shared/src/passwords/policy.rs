//! The password policy, after NIST SP 800-63B-4 §3.1.1.2: no rules about kinds of characters, but no password that is
//! easy to guess.

use zxcvbn::{Score, zxcvbn};

use crate::domain::{Invalid, NewPassword};

/// Words about this service, which an attacker would try first.
const SERVICE_WORDS: [&str; 4] = ["todo", "task", "tasks", "todo-backend"];

/// Characters that zxcvbn reads as several letters each. Each different one multiplies its work.
const AMBIGUOUS: &str = "4@({[<69!|17$5+";

/// How many characters of a password are checked, by the number of different [`AMBIGUOUS`] ones among them. The values
/// come from a search for the slowest password: none takes more than a third of the time of a password hash
/// (`cargo bench --bench password_policy`).
const MAX_CHECKED: [usize; 14] = [24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 21, 17, 15, 13];

/// How many characters of an email address or a name are compared. The client chooses both, so they may be long.
const MAX_WORD: usize = 64;

/// The start of a password that is checked. Longer passwords are rarely easy to guess.
fn checked_part(text: &str) -> &str {
    let mut kinds = Vec::with_capacity(MAX_CHECKED.len());
    for (length, (at, c)) in text.char_indices().enumerate() {
        if AMBIGUOUS.contains(c) && !kinds.contains(&c) {
            kinds.push(c);
        }
        if MAX_CHECKED.get(kinds.len()).is_none_or(|max| length >= *max) {
            return &text[..at];
        }
    }
    text
}

/// The start of a word, at most [`MAX_WORD`] characters.
fn shortened(word: &str) -> &str {
    word.char_indices().nth(MAX_WORD).map_or(word, |(end, _)| &word[..end])
}

/// Refuses a password that is the email address or the name of its user, that is on a list of 30,000 common passwords,
/// or that can be guessed in fewer than a million tries with word lists of several languages, keyboard walks, dates and
/// repetitions (zxcvbn, score under 2).
///
/// # Errors
/// With advice for the user.
pub fn check(password: &NewPassword, email: &str, name: Option<&str>) -> Result<(), Invalid> {
    let text = String::from_utf8_lossy(password.as_password().expose());
    let bare = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let given = bare(&text);
    let (local, domain) = email.rsplit_once('@').unwrap_or((email, ""));
    if !given.is_empty() {
        if given == bare(email) || given == bare(local) {
            return Err(Invalid::new("must not be your email address; choose something only you would think of"));
        }
        if name.is_some_and(|name| given == bare(name)) {
            return Err(Invalid::new("must not be your name; choose something only you would think of"));
        }
    }
    let words = email.split(|c: char| !c.is_alphanumeric()).chain(name.into_iter().flat_map(str::split_whitespace));
    let whole = [email, local, domain].into_iter().chain(name);
    let known = whole.chain(words).map(shortened).filter(|word| word.len() > 2).take(10).chain(SERVICE_WORDS);
    let entropy = zxcvbn(checked_part(&text), &known.collect::<Vec<_>>());
    if entropy.score() >= Score::Two {
        return Ok(());
    }
    let advice = entropy.feedback().map(|feedback| {
        let warning = feedback.warning().map(|warning| warning.to_string());
        let suggestions = feedback.suggestions().iter().take(2).map(ToString::to_string);
        warning.into_iter().chain(suggestions).collect::<Vec<_>>().join(" ")
    });
    let advice = advice.filter(|advice| !advice.is_empty());
    let advice = advice.unwrap_or_else(|| "Use a few unrelated words.".to_owned());
    Err(Invalid(format!("is too easy to guess. {advice}").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(text: &str) -> Result<(), String> {
        let password = NewPassword::parse(text).map_err(|invalid| invalid.to_string())?;
        check(&password, "ada.lovelace@example.com", Some("Ada King")).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn phrases_and_random_text_are_accepted() {
        for text in
            ["correct horse battery", "xkQ9v!mw2Lp", "glaubwürdige Zwiebel 17", "ναι μεν αλλά ποτέ", "🦀🦀🐙🎩🧦🪱🐌🦑"]
        {
            assert_eq!(judge(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_everybody_tries_is_refused_with_advice() {
        for text in [
            "password",
            "12345678",
            "qwertyuiop",
            "Password1!",
            "P@ssw0rd",
            "iloveyou",
            "11111111",
            "abcdefgh",
            "sunshine1",
            "drowssap",
            "2026-11-23",
            "letmein!!",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            let reason = judge(text).unwrap_err();
            assert!(reason.starts_with("is too easy to guess. ") && reason.ends_with('.'), "{text}: {reason}");
        }
    }

    #[test]
    fn the_person_is_no_password() {
        for text in ["ada.lovelace@example.com", "ADA.LOVELACE", "adalovelace", "Ada Lovelace"] {
            assert!(judge(text).unwrap_err().starts_with("must not be your email address"), "{text}");
        }
        assert!(judge("Ada King!").unwrap_err().starts_with("must not be your name"));
        assert!(judge("lovelace1").is_err());
    }

    #[test]
    fn the_more_kinds_of_leet_the_less_is_looked_at() {
        for (text, length) in [
            ("a".repeat(128), 24),
            ("l33t".repeat(32), 24),
            (AMBIGUOUS.repeat(8), 13),
            ("4@({[<69!|1a".repeat(16), 17),
            ("correct horse battery".to_owned(), 21),
        ] {
            assert_eq!(checked_part(&text).chars().count(), length, "{text}");
        }
    }

    #[test]
    fn leet_is_still_guessed_and_long_keyboard_walks_are_judged() {
        assert!(judge("p4$$w0rd").is_err() && judge("P@$$w0rd!").is_err());
        let _ = judge("qawsedrftgyhujikolplokijuhygtfrdeswaqawsedrftgyhujikolplokijuhyg");
    }
}
