//! Hashes and verifies passwords: Argon2id over an HMAC of the password with a secret pepper, on a blocking thread. A
//! legacy hash is verified, and replaced at the next sign-in.

mod breached;
mod buffer_pool;
mod legacy;
pub mod policy;

use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::{Password, StoredPassword};
use crate::keys::MacKeys;
use legacy::LegacyHash;

pub use breached::is_breached;

/// The settings of passwords; empty in every function but auth.
#[derive(Clone, Debug, Default)]
pub struct PasswordSettings {
    /// `PASSWORD_PEPPERS`: the active key goes into new hashes, the others verify older ones.
    pub peppers: MacKeys,
    /// `LEGACY_PASSWORD_HASHES`: whether legacy hashes are verified.
    pub legacy_hashes: bool,
    /// `DECOY_BCRYPT_COST`, 4 to 14: every sign-in takes as long as one with a bcrypt hash of this cost; `None` for no
    /// decoy.
    pub decoy_bcrypt_cost: Option<u32>,
    /// `BREACHED_PASSWORDS_URL`: the service that knows which passwords were in a breach; `None` for no check.
    pub breached_passwords_url: Option<http::Uri>,
}

/// OWASP's second recommendation for Argon2id (Password Storage Cheat Sheet): 19 MiB, 2 passes, 1 lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The largest parameters of a stored hash that are computed.
const MAX_MEMORY_KIB: u32 = 64 * 1024;
const MAX_PASSES: u32 = 10;
const MAX_LANES: u32 = 4;

/// Why a password could not be hashed or verified.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// `PASSWORD_PEPPERS` has no active key.
    #[error("there is no active password pepper")]
    NoPepper,
    /// The hash function failed.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
    /// The blocking thread panicked or was cancelled.
    #[error("hashing was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// The result of verifying a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// The password is wrong, or there is no hash to compare with.
    Wrong,
    /// The password is right.
    Right,
    /// The password is right, but its hash has an older pepper, other parameters or another scheme. Store this hash.
    Outdated(StoredPassword),
}

/// Hashes a password with the active pepper.
///
/// # Errors
/// See [`PasswordError`].
pub async fn hash(settings: &PasswordSettings, password: Password) -> Result<StoredPassword, PasswordError> {
    let (pepper_id, pepper) = settings.peppers.active().ok_or(PasswordError::NoPepper)?;
    let (pepper_id, pepper) = (pepper_id.to_owned(), pepper.clone());
    tokio::task::spawn_blocking(move || hash_now(&pepper, pepper_id, &password)).await?
}

/// Verifies a password against a stored hash. Without a usable hash (the account is unknown, has no password, or has a
/// malformed hash) it takes the same time and the password is wrong, so that timing does not reveal accounts.
///
/// # Errors
/// See [`PasswordError`].
pub async fn verify(
    settings: &PasswordSettings,
    password: Password,
    stored: Option<StoredPassword>,
) -> Result<PasswordVerdict, PasswordError> {
    let (active_id, active) = settings.peppers.active().ok_or(PasswordError::NoPepper)?;
    let (active_id, active) = (active_id.to_owned(), active.clone());
    let known = stored.map(|stored| {
        let pepper = stored.pepper_id.and_then(|id| settings.peppers.get(&id).cloned().map(|pepper| (id, pepper)));
        (stored.hash, pepper)
    });
    let decoy = settings.decoy_bcrypt_cost;
    let legacy_is_on = settings.legacy_hashes;
    tokio::task::spawn_blocking(move || {
        let is_bcrypt =
            legacy_is_on && known.as_ref().is_some_and(|(hash, _)| matches!(cost_of(hash), Some(HashCost::Bcrypt(_))));
        if let Some(cost) = decoy.filter(|_| !is_bcrypt) {
            legacy::decoy(cost, &password);
        }
        if let Some((hash, None)) = &known
            && let Some(legacy) = LegacyHash::parse(hash).filter(|_| legacy_is_on)
        {
            // Also hash a wrong password: otherwise a fast legacy hash would reveal itself by its timing.
            let newer = hash_now(&active, active_id, &password)?;
            return Ok(if legacy.matches(password.expose_typed()) {
                PasswordVerdict::Outdated(newer)
            } else {
                PasswordVerdict::Wrong
            });
        }
        let known = known.and_then(|(hash, pepper)| pepper.map(|(id, pepper)| (hash, id, pepper)));
        let parsed = known.as_ref().and_then(|(hash, ..)| PasswordHash::new(hash).ok());
        let usable = parsed.as_ref().and_then(|parsed| Some((parsed, argon2_of(parsed)?)));
        let (Some((_, pepper_id, pepper)), Some((parsed, argon2))) = (&known, usable) else {
            return hash_now(&active, active_id, &password).map(|_| PasswordVerdict::Wrong);
        };
        if !matches(&argon2, parsed, &hmac::sign(pepper, password.expose()))? {
            return Ok(PasswordVerdict::Wrong);
        }
        if *pepper_id == active_id && is_current(parsed) {
            return Ok(PasswordVerdict::Right);
        }
        hash_now(&active, active_id, &password).map(PasswordVerdict::Outdated)
    })
    .await?
}

/// What a stored hash costs to verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashCost {
    /// Argon2: memory in KiB, passes, lanes.
    Argon2(u32, u32, u32),
    /// A legacy hash, bcrypt: the exponent, 4 to 14.
    Bcrypt(u32),
    /// A legacy hash, salted SHA-256.
    Sha256,
}

/// The cost of a stored hash; `None` if it is malformed or too costly, so that a sign-in would refuse it.
#[must_use]
pub fn cost_of(stored: &str) -> Option<HashCost> {
    if let Some(legacy) = LegacyHash::parse(stored) {
        return Some(legacy.cost());
    }
    let parsed = PasswordHash::new(stored).ok()?;
    let argon2 = argon2_of(&parsed)?;
    let params = argon2.params();
    Some(HashCost::Argon2(params.m_cost(), params.t_cost(), params.p_cost()))
}

/// Whether `stored` is a legacy hash that matches `password`.
#[must_use]
pub fn matches_legacy(stored: &str, password: &Password) -> bool {
    LegacyHash::parse(stored).is_some_and(|legacy| legacy.matches(password.expose_typed()))
}

/// The key of an account in `sign_in_failures`: an HMAC, so that the table contains no email addresses.
///
/// # Errors
/// [`PasswordError::NoPepper`] if there is no pepper.
pub fn account_key(settings: &PasswordSettings, email: &str) -> Result<String, PasswordError> {
    // The first pepper, which keeps its place during a rotation, so that the counts continue. The HMAC key is derived
    // from it: no password contains NUL, so the derived key is never the HMAC of a password.
    let (_, pepper) = settings.peppers.iter().next().ok_or(PasswordError::NoPepper)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(pepper, b"\0failed sign-ins").as_ref());
    Ok(URL_SAFE_NO_PAD.encode(hmac::sign(&key, email.as_bytes())))
}

/// How many Argon2 hashes this process has computed, for tests.
#[must_use]
pub fn hashes_computed() -> u64 {
    COMPUTED.load(Ordering::SeqCst)
}

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn hash_now(pepper: &hmac::Key, pepper_id: String, password: &Password) -> Result<StoredPassword, PasswordError> {
    let mut salt = [0; 16];
    aws_lc_rs::rand::fill(&mut salt)
        .map_err(|_| PasswordError::Hash("the random number generator failed".to_owned()))?;
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(failed)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    run(&argon2, &hmac::sign(pepper, password.expose()), &salt, &mut output)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params()).map_err(failed)?,
        salt: Some(Salt::new(&salt).map_err(failed)?),
        hash: Some(Output::new(&output).map_err(failed)?),
    };
    Ok(StoredPassword { hash: hash.to_string(), pepper_id: Some(pepper_id) })
}

/// Whether a stored hash matches a peppered password.
fn matches(argon2: &Argon2<'_>, stored: &PasswordHash, peppered: &hmac::Tag) -> Result<bool, PasswordError> {
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else { return Ok(false) };
    let mut output = vec![0; expected.len()];
    run(argon2, peppered, salt, &mut output)?;
    Ok(verify_slices_are_equal(&output, expected.as_bytes()).is_ok())
}

/// Argon2 with the parameters of a stored hash; `None` if it is another algorithm or above the largest parameters.
fn argon2_of(stored: &PasswordHash) -> Option<Argon2<'static>> {
    let algorithm = Algorithm::try_from(stored.algorithm.as_str()).ok()?;
    let version = stored.version.map_or(Ok(Version::V0x10), Version::try_from).ok()?;
    let params = Params::try_from(stored).ok()?;
    let affordable = params.m_cost() <= MAX_MEMORY_KIB && params.t_cost() <= MAX_PASSES && params.p_cost() <= MAX_LANES;
    affordable.then(|| Argon2::new(algorithm, version, params))
}

fn run(argon2: &Argon2<'_>, peppered: &hmac::Tag, salt: &[u8], output: &mut [u8]) -> Result<(), PasswordError> {
    COMPUTED.fetch_add(1, Ordering::SeqCst);
    // Only the memory for our own parameters is kept: a hash with larger ones is replaced after it was verified.
    let hashed = buffer_pool::with_buffer(argon2.params().block_count(), MEMORY_KIB as usize, |memory| {
        argon2.hash_password_into_with_memory(peppered.as_ref(), salt, output, memory)
    });
    hashed.map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Hash(error.to_string())
}

/// Whether a hash has the current algorithm and parameters.
fn is_current(stored: &PasswordHash) -> bool {
    let costs = Params::try_from(stored).map(|params| (params.m_cost(), params.t_cost(), params.p_cost()));
    stored.algorithm.as_str() == "argon2id" && costs == Ok((MEMORY_KIB, PASSES, LANES))
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::{PasswordHasher, PasswordVerifier};

    use super::*;

    fn pepper() -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[7; 32])
    }

    #[test]
    fn what_is_stored_is_what_any_argon2id_would_verify() {
        let stored = hash_now(&pepper(), "p1".to_owned(), &Password::new("correct horse")).unwrap();
        let parsed = PasswordHash::new(&stored.hash).unwrap();
        let peppered = hmac::sign(&pepper(), b"correct horse");
        assert!(Argon2::default().verify_password(peppered.as_ref(), &parsed).is_ok());
        assert!(is_current(&parsed));
    }

    #[test]
    fn hashes_of_other_parameters_and_variants_are_verified() {
        let peppered = hmac::sign(&pepper(), b"correct horse");
        for (algorithm, memory, passes, lanes) in
            [(Algorithm::Argon2id, 65_536, 1, 1), (Algorithm::Argon2i, 64, 10, 4), (Algorithm::Argon2id, 19_456, 2, 1)]
        {
            let params = Params::new(memory, passes, lanes, Some(32)).unwrap();
            let theirs = Argon2::new(algorithm, Version::V0x13, params);
            let stored: PasswordHash = theirs.hash_password_with_salt(peppered.as_ref(), &[1; 16]).unwrap();
            let ours = argon2_of(&stored).unwrap();
            assert!(matches(&ours, &stored, &peppered).unwrap());
            assert!(!matches(&ours, &stored, &hmac::sign(&pepper(), b"wrong horse")).unwrap());
        }
    }

    #[test]
    fn hashes_that_cost_too_much_are_not_computed() {
        for costs in ["m=65537,t=2,p=1", "m=19456,t=11,p=1", "m=19456,t=2,p=5"] {
            let text =
                format!("$argon2id$v=19${costs}$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
            assert!(argon2_of(&PasswordHash::new(&text).unwrap()).is_none(), "{costs}");
        }
    }
}
