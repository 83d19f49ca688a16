//! Stored passwords: Argon2id over an HMAC of the password with a secret pepper, on a blocking thread.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::hmac;

use crate::config::Settings;
use crate::domain::Password;

/// OWASP's second recommendation for Argon2id (Password Storage Cheat Sheet): 19 MiB, 2 passes, 1 lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The costliest parameters accepted from a stored hash.
const MAX_MEMORY_KIB: u32 = 64 * 1024;
const MAX_PASSES: u32 = 10;
const MAX_LANES: u32 = 4;

/// A password as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPassword {
    /// A PHC string.
    pub hash: String,
    /// The id of the pepper that went into it.
    pub pepper_id: Option<String>,
}

/// Hashes stay out of logs.
impl std::fmt::Debug for StoredPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredPassword").field("pepper_id", &self.pepper_id).finish_non_exhaustive()
    }
}

/// Why no password could be hashed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The settings hold no active pepper.
    #[error("there is no active password pepper")]
    NoPepper,
    /// The hash function failed.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
    /// The thread that hashed is gone.
    #[error("hashing was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// The outcome of comparing a password with a stored one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Wrong, or there is no such account.
    Wrong,
    /// Right.
    Right,
    /// Right, and made with an older pepper or other parameters: store this instead.
    Outdated(StoredPassword),
}

/// Hashes a password with the active pepper.
///
/// # Errors
/// If there is no pepper or the hash function fails.
pub async fn hash(settings: &Settings, password: Password) -> Result<StoredPassword, PasswordError> {
    let (pepper_id, pepper) = settings.peppers.active().ok_or(PasswordError::NoPepper)?;
    let (pepper_id, pepper) = (pepper_id.to_owned(), pepper.clone());
    tokio::task::spawn_blocking(move || hash_now(&pepper, pepper_id, &password)).await?
}

/// Compares a password with the stored one. Without one – the account is unknown, or has no password, or an
/// unusable hash – it costs the same and is wrong.
///
/// # Errors
/// If the settings hold no active pepper or the hash function fails.
pub async fn verify(
    settings: &Settings,
    password: Password,
    stored: Option<StoredPassword>,
) -> Result<Verdict, PasswordError> {
    let (active_id, active) = settings.peppers.active().ok_or(PasswordError::NoPepper)?;
    let (active_id, active) = (active_id.to_owned(), active.clone());
    let known = stored.and_then(|stored| {
        let pepper_id = stored.pepper_id?;
        let pepper = settings.peppers.get(&pepper_id)?.clone();
        Some((stored.hash, pepper_id, pepper))
    });
    tokio::task::spawn_blocking(move || {
        let Some((hash, pepper_id, pepper)) = known else {
            return hash_now(&active, active_id, &password).map(|_| Verdict::Wrong);
        };
        let Some(parsed) = PasswordHash::new(&hash).ok().filter(affordable) else {
            return hash_now(&active, active_id, &password).map(|_| Verdict::Wrong);
        };
        if argon2id()?.verify_password(hmac::sign(&pepper, password.expose()).as_ref(), &parsed).is_err() {
            return Ok(Verdict::Wrong);
        }
        if pepper_id == active_id && is_current(&parsed) {
            return Ok(Verdict::Right);
        }
        hash_now(&active, active_id, &password).map(Verdict::Outdated)
    })
    .await?
}

fn argon2id() -> Result<Argon2<'static>, PasswordError> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| PasswordError::Hash(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(pepper: &hmac::Key, pepper_id: String, password: &Password) -> Result<StoredPassword, PasswordError> {
    let mut salt = [0; 16];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| PasswordError::Hash("no randomness".to_owned()))?;
    let peppered = hmac::sign(pepper, password.expose());
    let hash = argon2id()?.hash_password_with_salt(peppered.as_ref(), &salt);
    let hash = hash.map_err(|error| PasswordError::Hash(error.to_string()))?;
    Ok(StoredPassword { hash: hash.to_string(), pepper_id: Some(pepper_id) })
}

/// The parameters of a stored Argon2id hash, in KiB, passes and lanes.
fn costs(hash: &PasswordHash) -> Option<(u32, u32, u32)> {
    let params = Params::try_from(hash).ok()?;
    Some((params.m_cost(), params.t_cost(), params.p_cost()))
}

/// Whether verifying costs no more than we are willing to spend on a stored hash.
fn affordable(hash: &PasswordHash) -> bool {
    costs(hash)
        .is_some_and(|(memory, passes, lanes)| memory <= MAX_MEMORY_KIB && passes <= MAX_PASSES && lanes <= MAX_LANES)
}

fn is_current(hash: &PasswordHash) -> bool {
    hash.algorithm.as_str() == "argon2id" && costs(hash) == Some((MEMORY_KIB, PASSES, LANES))
}
