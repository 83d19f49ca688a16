//! What signing in does before and after the password is verified.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{COLUMNS, Credentials};
use crate::config::{Limit, Limits, Policy, Refused};
use crate::db::audit::{Kind, Note, quoted};
use crate::db::permits::Permits;
use crate::db::sessions::Client;
use crate::db::{Columns, DbError, Param, Scope};
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

/// Whether the password of an attempt may be looked at.
#[derive(Debug)]
pub enum SignInPermit {
    /// Not now.
    Refused(Refused),
    /// It may.
    Granted {
        /// The account, if there is one.
        found: Option<Box<Credentials>>,
        /// What the failed sign-ins before mean for this one.
        standing: SignInStanding,
    },
}

/// What the failed sign-ins to an account mean for one more.
#[derive(Clone, Copy, Debug)]
pub struct SignInStanding {
    /// How a wrong password is refused, whatever the address: so the answer does not tell whether the account ever
    /// signed in from there. None means 401.
    pub paused: Option<Refused>,
    /// Whether the right password signs in from here.
    pub gate: Gate,
    /// Whether addresses that never signed in are paused. A wrong password waits for that from every address, so that the
    /// time does not tell whether the account ever signed in from there.
    pub unknown_paused: bool,
    /// Whether this attempt counts until its password turns out right.
    counted: bool,
}

/// Whether the right password signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It does.
    Open,
    /// It does not, unless one of the sign-ins that are under way turns out right.
    Paused,
    /// It does not, from this address.
    Closed,
}

/// Failed sign-ins in a row before the first pause, and the seconds of that.
const FAILURES: Limit = Limit { burst: 5, every: 30.0 };

fn paused(wait: f64) -> Refused {
    Refused { policy: Policy::SignInFailures, limit: FAILURES, wait }
}

/// Takes the permits of a sign-in, counts it as failed until it succeeds, and finds the account.
///
/// # Errors
/// As [`Scope::query`].
pub async fn begin_sign_in(db: &Scope<'_>, attempt: &Attempt<'_>) -> Result<SignInPermit, DbError> {
    let sql = format!(
        "SELECT l.bucket, l.wait, l.level, l.paused, l.gate, l.unknown_paused, l.counted,
                u.id IS NOT NULL, {COLUMNS}, u.password_hash, u.pepper_id
         FROM app.begin_sign_in($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) l
         LEFT JOIN users u ON u.email = ANY ($7) AND l.bucket IS NULL
         ORDER BY array_position($7, u.email::text) LIMIT 1"
    );
    let Attempt { email, account, client, at, event, limits } = attempt;
    let permits = Permits::of(limits.map(|all| all.sign_in_address), client);
    let account_limit = limits.map(|all| all.sign_in_account);
    let (account_burst, account_every) = Limit::params(account_limit);
    let spellings = email.map(Email::spellings).unwrap_or_default();
    let outcome = db
        .query(
            &sql,
            &[
                (&permits.keys, Type::TEXT_ARRAY),
                (&permits.bursts, Type::INT4_ARRAY),
                (&permits.everys, Type::FLOAT8_ARRAY),
                (&account_burst, Type::INT4),
                (&account_every, Type::FLOAT8),
                (account, Type::TEXT),
                (&spellings, Type::TEXT_ARRAY),
                (at, Type::TIMESTAMPTZ),
                (event, Type::UUID),
                (&client.ip, Type::TEXT),
                (&client.agent, Type::TEXT),
            ],
        )
        .await?;
    let row = outcome.rows.first().ok_or_else(|| DbError::other("the attempt has no row"))?;
    let mut columns = Columns::of(row);
    let (bucket, wait, level): (Option<&str>, Option<f64>, _) = (columns.take()?, columns.take()?, columns.take()?);
    let (policy, limit) = match bucket {
        Some("sign_in_address") => (Policy::SignInAddress, permits.limit(level)),
        _ => (Policy::SignInAccount, account_limit),
    };
    if let (Some(wait), Some(limit)) = (wait, limit) {
        return Ok(SignInPermit::Refused(Refused { policy, limit, wait }));
    }
    let wait: Option<f64> = columns.take()?;
    let gate = match columns.take()? {
        "open" => Gate::Open,
        "paused" => Gate::Paused,
        _ => Gate::Closed,
    };
    let (unknown_paused, counted) = (columns.take()?, columns.take()?);
    let standing = SignInStanding { paused: wait.map(paused), gate, unknown_paused, counted };
    let found: bool = columns.take()?;
    let found = if found { Some(Box::new(Credentials::read(&mut columns)?)) } else { None };
    Ok(SignInPermit::Granted { found, standing })
}

/// What became of the sign-ins that paused an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseVerdict {
    /// They were wrong: it stays out.
    Stands,
    /// One of them was right, and cleared the count.
    Cleared,
    /// They are under way.
    Undecided,
}

/// Looks whether the attempts that paused an account have turned out wrong.
///
/// # Errors
/// As [`Scope::query`].
pub async fn judge_pause(db: &Scope<'_>, account: &str) -> Result<PauseVerdict, DbError> {
    // A pause that runs out meanwhile clears nothing: what was tried during it was not counted.
    let sql = "SELECT f.unknown_refused >= f.unknown_failures FROM sign_in_failures f
               WHERE f.account = $1 AND f.unknown_failures >= $2";
    let params: [Param<'_>; 2] = [(&account, Type::TEXT), (&FAILURES.burst, Type::INT4)];
    let outcome = db.query(sql, &params).await?;
    let Some(row) = outcome.rows.first() else { return Ok(PauseVerdict::Cleared) };
    Ok(if Columns::of(row).take()? { PauseVerdict::Stands } else { PauseVerdict::Undecided })
}

/// A sign-in that failed.
#[derive(Debug)]
pub struct SignInFailure<'a> {
    /// The account, if there is one.
    pub user: Option<Uuid>,
    /// The keyed hash under which it was counted.
    pub account: &'a str,
    /// What was known before the password was looked at.
    pub standing: SignInStanding,
    /// Who tried.
    pub client: &'a Client,
    /// Now.
    pub at: Timestamp,
    /// The id of the event.
    pub event: Uuid,
    /// Why.
    pub reason: &'static str,
}

/// Notes a failed sign-in; the first one of a pause as a refusal, later ones not at all. In the same round trip whether
/// the account exists or not, and whether its password was right or not.
///
/// # Errors
/// As [`Scope::query`].
pub async fn note_failed_sign_in(db: &Scope<'_>, failure: &SignInFailure<'_>) -> Result<(), DbError> {
    let failed = quoted(Kind::SignInFailed);
    let noted = Note {
        id: "$1",
        at: "$2",
        kind: &format!("CASE WHEN $8 THEN 'rate_limited' ELSE {failed} END"),
        // Nothing of an account that has just been deleted.
        user: "(SELECT u.id FROM users u WHERE u.id = $3)",
        ip: "$4",
        agent: "$5",
        details: "CASE WHEN $8 THEN '{\"limit\": \"sign_in_failures\"}'::jsonb ELSE jsonb_build_object('reason', $6::text) END",
        from: "(VALUES (1)) AS once WHERE NOT $8 OR EXISTS (SELECT FROM counted WHERE is_first)",
        ..Note::default()
    }
    .sql();
    let sql = format!(
        "WITH counted AS MATERIALIZED (
             SELECT f.account, f.noted_until IS DISTINCT FROM f.blocked_until AS is_first
             FROM sign_in_failures f WHERE f.account = $7 FOR NO KEY UPDATE
         ), updated AS (
             UPDATE sign_in_failures f SET
                 unknown_refused = f.unknown_refused + CASE WHEN $9 THEN 1 ELSE 0 END,
                 noted_until = CASE WHEN $8 THEN f.blocked_until ELSE f.noted_until END
             FROM counted WHERE f.account = counted.account
         ) {noted}"
    );
    let SignInFailure { user, account, standing, client, at, event, reason } = failure;
    db.query(
        &sql,
        &[
            (event, Type::UUID),
            (at, Type::TIMESTAMPTZ),
            (user, Type::UUID),
            (&client.ip, Type::TEXT),
            (&client.agent, Type::TEXT),
            (reason, Type::TEXT),
            (account, Type::TEXT),
            (&standing.paused.is_some(), Type::BOOL),
            (&standing.counted, Type::BOOL),
        ],
    )
    .await?;
    Ok(())
}
