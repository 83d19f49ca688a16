//! Email addresses.

use email_address::{EmailAddress, Options};
use idna::AsciiDenyList;
use unicode_normalization::UnicodeNormalization;

use super::Invalid;
use super::text::is_invisible;

/// A normalised email address: the local part in NFC and lower case, the domain in ASCII and with a dot. All spellings
/// of an email address have the same normalised form, and so the same account.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    address: String,
    /// The spellings that earlier versions may have stored, and the normalised form; empty if that is the only one.
    spellings: Vec<String>,
}

impl Email {
    /// Reads an email address (RFC 5321 §4.1.2, RFC 6531, at most 254 bytes). Removes quotes that the local
    /// part does not need, and maps the domain by UTS 46: `bücher.example` becomes `xn--bcher-kva.example`.
    ///
    /// # Errors
    /// If it is not a valid email address, or has invisible characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        const FORM: Invalid = Invalid::new("must be an email address, as in name@example.com");
        let trimmed = text.trim();
        if trimmed.len() > 1024 {
            return Err(FORM);
        }
        if trimmed.chars().any(is_invisible) {
            return Err(Invalid::new("must not contain invisible characters"));
        }
        let composed: String = trimmed.nfc().collect();
        let (local, domain) = composed.rsplit_once('@').ok_or(FORM)?;
        // Whether a sigma is final depends on its position, so both forms are one letter.
        let local = unquoted(&local.to_lowercase().replace('ς', "σ"));
        let domain = idna::domain_to_ascii_cow(domain.as_bytes(), AsciiDenyList::URL).map_err(|_| FORM)?;
        let address = format!("{local}@{domain}");
        if address.len() > 254 || address.chars().any(char::is_control) || !is_host_name(&domain) {
            return Err(FORM);
        }
        let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
        EmailAddress::parse_with_options(&address, options).map_err(|_| FORM)?;
        let spellings = spellings(trimmed, &address, &local, &domain);
        Ok(Self { address, spellings })
    }

    /// Reads the email address of an existing account. It accepts more than [`Email::parse`], because earlier versions
    /// accepted more email addresses.
    ///
    /// # Errors
    /// If no account can have the email address.
    pub fn find(text: &str) -> Result<Self, Invalid> {
        Self::parse(text).or_else(|refused| {
            let address = text.trim().to_lowercase();
            let plausible = address.contains('@') && address.len() <= 254 && !address.chars().any(char::is_control);
            if plausible { Ok(Self { address, spellings: Vec::new() }) } else { Err(refused) }
        })
    }

    /// The normalised email address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// The spellings under which the account may be stored, the most likely first: as typed. So of two old accounts
    /// that differ only in spelling, each user finds their own.
    #[must_use]
    pub fn spellings(&self) -> Vec<&str> {
        if self.spellings.is_empty() {
            vec![&self.address]
        } else {
            self.spellings.iter().map(String::as_str).collect()
        }
    }
}

/// The spellings of an email address: as typed, normalised, with the domain in Unicode, and with final sigmas.
fn spellings(typed: &str, address: &str, local: &str, domain: &str) -> Vec<String> {
    let typed = typed.to_lowercase();
    if typed == address && address.is_ascii() && !domain.contains("xn--") {
        return Vec::new();
    }
    let (unicode, _) = idna::domain_to_unicode(domain);
    let final_sigmas = with_final_sigmas(local);
    let mut all = vec![typed];
    for local in [local, &final_sigmas] {
        for domain in [domain, &unicode] {
            let text = format!("{local}@{domain}");
            if !all.contains(&text) {
                all.push(text);
            }
        }
    }
    all
}

/// The text with `ς` in place of each `σ` at the end of a word.
fn with_final_sigmas(text: &str) -> String {
    let mut chars = text.chars().peekable();
    let mut after_letter = false;
    let mut all = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        let ends_word = after_letter && !chars.peek().is_some_and(|next| next.is_alphabetic());
        all.push(if c == 'σ' && ends_word { 'ς' } else { c });
        after_letter = c.is_alphabetic();
    }
    all
}

/// The local part without the quotes that it does not need; they have no meaning (RFC 5321 §4.1.2).
fn unquoted(local: &str) -> String {
    let quoted = (local.len() > 2).then(|| local.strip_prefix('"')?.strip_suffix('"')).flatten();
    let Some(inside) = quoted else { return local.to_owned() };
    let mut bare = String::with_capacity(inside.len());
    let mut escaped = false;
    for c in inside.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            bare.push(c);
        }
    }
    let atom = |atom: &str| {
        let plain = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii();
        !atom.is_empty() && atom.chars().all(plain)
    };
    // A backslash before the last quote escapes it, so that the quoted text has no end.
    if !escaped && bare.split('.').all(atom) { bare } else { local.to_owned() }
}

/// Whether a domain is a host name: labels of letters, digits and hyphens, of which the last is not a number.
fn is_host_name(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    domain.contains('.') && domain.split('.').all(label) && last.chars().any(|c| c.is_ascii_alphabetic())
}

/// Leaves out the email address, so that no log contains it.
impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_white_space_do_not_matter() {
        assert_eq!(Email::parse(" Ada@Example.COM ").unwrap().as_str(), "ada@example.com");
    }

    #[test]
    fn one_address_has_one_form() {
        for (form, texts) in [
            (
                "ada@xn--bcher-kva.example",
                ["ada@bücher.example", "ADA@BÜCHER.example", "ada@bu\u{308}cher.example", "ada@XN--BCHER-KVA.example"]
                    .as_slice(),
            ),
            (
                "ada@example.com",
                &["ada@ｅｘａｍｐｌｅ.com", "ada@example。com", "\"ada\"@example.com", "\"a\\da\"@example.com"],
            ),
            ("νικοσ@example.com", &["νικος@example.com", "ΝΙΚΟΣ@example.com", "νικοσ@example.com"]),
            ("josé@example.com", &["jose\u{301}@example.com", "JOSÉ@example.com"]),
            ("\"a b\"@example.com", &["\"a b\"@example.com"]),
            ("a.b@example.com", &["\"a.b\"@example.com"]),
        ] {
            for text in texts {
                assert_eq!(Email::parse(text).as_ref().map(Email::as_str), Ok(form), "{text}");
            }
        }
    }

    #[test]
    fn an_account_is_found_under_the_form_it_was_stored_in() {
        let spellings = |text: &str| Email::parse(text).unwrap().spellings().join(" ");
        assert_eq!(spellings("Ada@BÜCHER.example"), "ada@bücher.example ada@xn--bcher-kva.example");
        assert_eq!(spellings("ada@xn--bcher-kva.example"), "ada@xn--bcher-kva.example ada@bücher.example");
        assert_eq!(spellings("νικοσ@example.com"), "νικοσ@example.com νικος@example.com");
        assert_eq!(spellings("νικος@example.com"), "νικος@example.com νικοσ@example.com");
        assert_eq!(spellings("\"ada\"@example.com"), "\"ada\"@example.com ada@example.com");
        assert_eq!(spellings("straße@example.com"), "straße@example.com");
        assert_eq!(spellings("Ada@example.com"), "ada@example.com");
    }

    #[test]
    fn old_accounts_are_found_by_addresses_that_new_accounts_cannot_have() {
        assert!(Email::parse("❤\u{fe0f}@example.com").is_err());
        assert_eq!(Email::find(" ❤\u{fe0f}@Example.com").unwrap().spellings(), ["❤\u{fe0f}@example.com"]);
        assert!(Email::find("nobody").is_err());
    }

    #[test]
    fn malformed_addresses_are_refused() {
        let long = format!("{}@example.com", "a".repeat(250));
        for text in [
            "",
            "ada",
            "ada@",
            "@example.com",
            "ada@localhost",
            "a b@example.com",
            "a\0@example.com",
            "a@127.0.0.1",
            "a@b.123",
            "a@b_c.com",
            "a@-b.com",
            "a@b..com",
            "a\u{200b}b@example.com",
            "ada@exam\u{ad}ple.com",
            "a@b\u{202e}.com",
            "a@xn--a.com",
            "\"a\\\"@example.com",
            "\"@example.com",
            &long,
        ] {
            assert!(Email::parse(text).is_err(), "{text}");
        }
    }
}
