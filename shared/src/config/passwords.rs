//! Settings of passwords beyond their keys.

use super::Function;
use super::reader::{Reader, whole};

/// `DECOY_BCRYPT_COST`
pub(super) fn decoy_bcrypt_cost(read: &mut Reader<'_>, function: Function) -> Option<u32> {
    let cost = |text: &str| whole(text, 4, 14).and_then(|cost| u32::try_from(cost).ok());
    let wanted = function == Function::Auth;
    wanted.then(|| read.optional(&["DECOY_BCRYPT_COST"], "a whole number from 4 to 14", cost)).flatten()
}

/// `BREACHED_PASSWORDS_URL`
pub(super) fn breached_passwords(read: &mut Reader<'_>, function: Function, production: bool) -> Option<http::Uri> {
    const EXPECTED: &str = "an https URL that ends in /, to which five digits of a SHA-1 are appended, as in https://api.pwnedpasswords.com/range/";
    if function != Function::Auth {
        return None;
    }
    let url = read.optional(&["BREACHED_PASSWORDS_URL"], EXPECTED, |text| {
        let url: http::Uri = text.parse().ok()?;
        let known = matches!(url.scheme_str(), Some("http" | "https"));
        (known && url.host().is_some() && url.query().is_none() && text.ends_with('/')).then_some(url)
    });
    if production && url.as_ref().is_some_and(|url| url.scheme_str() != Some("https")) {
        read.refuse(&["BREACHED_PASSWORDS_URL"], "an https URL, in production");
    }
    url
}
