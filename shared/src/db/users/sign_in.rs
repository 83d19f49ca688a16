//! Before and after a password is looked at.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{COLUMNS, Credentials, Permitted};
use crate::config::{Limit, Limits, Policy, Refused};
use crate::db::sessions::Client;
use crate::db::{Columns, DbError, Scope};
use crate::domain::Email;

/// Somebody wants to sign in.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// The address of the account; none if what was given is no address.
    pub email: Option<&'a Email>,
    /// The keyed hash of what was given.
    pub account: &'a str,
    /// Who asks.
    pub client: &'a Client,
    /// Now.
    pub at: Timestamp,
    /// The id of the event if this is the first refusal of its window.
    pub event: Uuid,
    /// None if nothing is limited.
    pub limits: Option<&'a Limits>,
}

/// Failed sign-ins in a row before the first pause, and the seconds of that.
const FAILURES: Limit = Limit { burst: 5, every: 30.0 };

/// Takes the permits of a sign-in, counts it as failed until it succeeds, and finds the account.
///
/// # Errors
/// As [`Scope::query`].
pub async fn begin_sign_in(db: &Scope<'_>, attempt: &Attempt<'_>) -> Result<Permitted, DbError> {
    let sql = format!(
        "SELECT l.bucket, l.wait, u.id IS NOT NULL, {COLUMNS}, u.password_hash, u.pepper_id
         FROM app.attempt_sign_in($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) l
         LEFT JOIN users u ON u.email = $3 AND l.bucket IS NULL"
    );
    let Attempt { email, account, client, at, event, limits } = attempt;
    let (address_burst, address_every) = Limit::params(limits.map(|all| all.sign_in_address));
    let (account_burst, account_every) = Limit::params(limits.map(|all| all.sign_in_account));
    let outcome = db
        .query(
            &sql,
            &[
                (&client.limited_as(), Type::TEXT),
                (account, Type::TEXT),
                (&email.map(Email::as_str), Type::TEXT),
                (at, Type::TIMESTAMPTZ),
                (event, Type::UUID),
                (&address_burst, Type::INT4),
                (&address_every, Type::FLOAT8),
                (&account_burst, Type::INT4),
                (&account_every, Type::FLOAT8),
                (&client.ip, Type::TEXT),
                (&client.agent, Type::TEXT),
            ],
        )
        .await?;
    let row = outcome.rows.first().ok_or_else(|| DbError::other("the attempt has no row"))?;
    let mut columns = Columns::of(row);
    let (bucket, wait): (Option<String>, Option<f64>) = (columns.take()?, columns.take()?);
    if let (Some(bucket), Some(limits)) = (bucket, limits) {
        let wait = wait.unwrap_or_default();
        let (policy, limit) = match bucket.as_str() {
            "sign_in_address" => (Policy::SignInAddress, limits.sign_in_address),
            "sign_in_account" => (Policy::SignInAccount, limits.sign_in_account),
            _ => (Policy::SignInFailures, FAILURES),
        };
        return Ok(Permitted::Refused(Refused { policy, limit, wait }));
    }
    let found: bool = columns.take()?;
    Ok(Permitted::Found(if found { Some(Box::new(Credentials::read(&mut columns)?)) } else { None }))
}
