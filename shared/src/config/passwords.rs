//! Reads the settings of passwords and of the refresh cookie, except their keys.

use super::reader::{Reader, whole_number};
use super::{Function, SameSite};

/// `DECOY_BCRYPT_COST`
pub(super) fn decoy_bcrypt_cost(read: &mut Reader<'_>, function: Function) -> Option<u32> {
    let cost = |text: &str| whole_number(text, 4, 14).and_then(|cost| u32::try_from(cost).ok());
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

/// `LEGACY_PASSWORD_HASHES`
pub(super) fn legacy_password_hashes(read: &mut Reader<'_>, function: Function) -> bool {
    let on_or_off = |text: &str| match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    };
    let wanted = function == Function::Auth;
    wanted && read.or_default(&["LEGACY_PASSWORD_HASHES"], "on", "on or off", on_or_off).unwrap_or_default()
}

/// `REFRESH_COOKIE_SAMESITE`
pub(super) fn cookie_same_site(read: &mut Reader<'_>, function: Function) -> SameSite {
    let value = |text: &str| match text {
        "strict" => Some(SameSite::Strict),
        "lax" => Some(SameSite::Lax),
        "none" => Some(SameSite::None),
        _ => None,
    };
    let found = (function == Function::Auth)
        .then(|| read.or_default(&["REFRESH_COOKIE_SAMESITE"], "strict", "strict, lax or none", value));
    found.flatten().unwrap_or_default()
}
