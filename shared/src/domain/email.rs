//! An email address.

use email_address::{EmailAddress, Options};

use super::Invalid;

/// An address with a domain that has a dot; trimmed and in lower case, so that one person has one account.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Reads an address (RFC 5321 §4.1.2, at most 254 bytes).
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        const FORM: Invalid = Invalid::new("must be an email address, as in name@example.com");
        let lower = text.trim().to_lowercase();
        if lower.len() > 254 || lower.chars().any(char::is_control) {
            return Err(FORM);
        }
        let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
        let address = EmailAddress::parse_with_options(&lower, options).map_err(|_| FORM)?;
        if !is_host_name(address.domain()) {
            return Err(FORM);
        }
        Ok(Self(lower))
    }

    /// The normalised address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether mail can be delivered there by name: labels of letters, digits and hyphens, the last one no number.
fn is_host_name(domain: &str) -> bool {
    let label = |label: &str| {
        label.chars().all(|c| c.is_alphanumeric() || c == '-') && !label.starts_with('-') && !label.ends_with('-')
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    domain.split('.').all(label) && last.chars().any(char::is_alphabetic)
}

/// Addresses do not belong into logs.
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
    fn what_is_no_address_is_refused() {
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
            &long,
        ] {
            assert!(Email::parse(text).is_err(), "{text}");
        }
    }
}
