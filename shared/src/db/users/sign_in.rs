//! The statements of a sign-in before and after verification.

use uuid::Uuid;

use super::{Credentials, UserRow};
use crate::db::audit::{EventKind, Note};
use crate::db::permits::{NetworkPermits, limit_params};
use crate::db::{AnonymousScope, DbError, FromRow as _, Record, Statement};
use crate::domain::{AuditContext, Email, Limit, LimitExceeded, LimitName, Limits};

/// An attempt to sign in.
#[derive(Debug)]
pub struct SignInAttempt<'a> {
    /// The email address in the request; `None` if the text is not an email address.
    pub email: Option<&'a Email>,
    /// The keyed hash of the text in the request, under which failed sign-ins are counted.
    pub account: &'a str,
    /// `None` if rate limits are off.
    pub limits: Option<&'a Limits>,
    pub context: &'a AuditContext,
}

/// Whether the password of an attempt may be verified.
#[derive(Debug)]
pub enum SignInPermit {
    /// There is no permit left.
    RateLimited(LimitExceeded),
    /// It may be verified.
    Granted {
        /// The account, if there is one.
        found: Option<Box<Credentials>>,
        /// What earlier failures mean for this attempt.
        state: SignInState,
    },
}

/// What the failed sign-ins to an account mean for the next attempt.
#[derive(Clone, Copy, Debug)]
pub struct SignInState {
    /// How a wrong password is refused; `None` means 401. It does not depend on the IP address, so that it does not
    /// reveal whether the account was ever used from there.
    pub paused: Option<LimitExceeded>,
    /// Whether the right password signs in from here.
    pub gate: SignInGate,
    /// Whether unknown IP addresses are paused. If so, a wrong password from any IP address waits for [`check_pause`],
    /// so that the time does not reveal whether the account was ever used from there.
    pub unknown_paused: bool,
    /// Whether this attempt counts as failed until its password turns out right.
    counted: bool,
}

/// Whether the right password signs in from the IP address of the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInGate {
    /// The right password signs in.
    Open,
    /// Only if a concurrent sign-in succeeds.
    Paused,
    /// Not from this IP address.
    Closed,
}

/// Takes the permits of a sign-in, counts it as failed until it succeeds, and finds the account.
pub async fn begin_sign_in(db: &AnonymousScope<'_>, attempt: &SignInAttempt<'_>) -> Result<SignInPermit, DbError> {
    let SignInAttempt { email, account, limits, context } = attempt;
    let permits = NetworkPermits::of(limits.map(|all| all.sign_in_address), &context.origin);
    let account_limit = limits.map(|all| all.sign_in_account);
    let (burst, seconds_per_permit) = limit_params(account_limit);
    let spellings = email.map(Email::spellings).unwrap_or_default();
    let rows = Statement::new(
        "users.begin_sign_in",
        "SELECT {columns}, {credentials}, l.bucket, l.wait, l.level, l.paused, l.gate, l.unknown_paused, l.counted,
                f.failures AS first_pause_failures, f.seconds AS first_pause_seconds
         FROM app.begin_sign_in(:networks, :network_bursts, :network_intervals, :burst, :seconds_per_permit, :account,
                                :spellings, :at, :event_id, :ip, :agent) l
         CROSS JOIN app.first_pause() f
         LEFT JOIN users u ON u.email = ANY (:spellings) AND l.bucket IS NULL
         ORDER BY array_position(:spellings, u.email::text) LIMIT 1",
    )
    .fragment("columns", UserRow::COLUMNS)
    .fragment("credentials", Credentials::COLUMNS)
    .context(context)
    .network_permits(&permits)
    .bind("burst", &burst)
    .bind("seconds_per_permit", &seconds_per_permit)
    .bind("account", account)
    .bind("spellings", &spellings)
    .run(db)
    .await?;
    let record = rows.one()?;
    let (name, limit) = match record.get("bucket")? {
        Some("sign_in_address") => (LimitName::SignInAddress, permits.limit(record.get("level")?)),
        _ => (LimitName::SignInAccount, account_limit),
    };
    if let (Some(wait), Some(limit)) = (record.get("wait")?, limit) {
        return Ok(SignInPermit::RateLimited(LimitExceeded { name, limit, wait }));
    }
    Ok(SignInPermit::Granted { found: Credentials::read(record)?, state: SignInState::read(record)? })
}

impl SignInState {
    fn read(record: Record<'_>) -> Result<Self, DbError> {
        let first_pause = Limit {
            burst: record.get("first_pause_failures")?,
            seconds_per_permit: record.get("first_pause_seconds")?,
        };
        let wait: Option<f64> = record.get("paused")?;
        let gate = match record.get("gate")? {
            "open" => SignInGate::Open,
            "paused" => SignInGate::Paused,
            _ => SignInGate::Closed,
        };
        Ok(Self {
            paused: wait.map(|wait| LimitExceeded { name: LimitName::SignInFailures, limit: first_pause, wait }),
            gate,
            unknown_paused: record.get("unknown_paused")?,
            counted: record.get("counted")?,
        })
    }
}

/// What happened to the sign-ins that paused an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseVerdict {
    /// They failed: the account stays paused.
    Paused,
    /// One of them succeeded and reset the count.
    Cleared,
    /// They are still running.
    Undecided,
}

/// Checks whether the sign-ins that paused an account have failed.
pub async fn check_pause(db: &AnonymousScope<'_>, account: &str) -> Result<PauseVerdict, DbError> {
    // A pause that ends now resets nothing, because attempts during it are not counted.
    let rows = Statement::new(
        "users.check_pause",
        "SELECT f.unknown_refused >= f.unknown_failures AS has_failed FROM sign_in_failures f, app.first_pause() p
         WHERE f.account = :account AND f.unknown_failures >= p.failures",
    )
    .bind("account", &account)
    .run(db)
    .await?;
    let Some(record) = rows.first() else { return Ok(PauseVerdict::Cleared) };
    Ok(if record.get("has_failed")? { PauseVerdict::Paused } else { PauseVerdict::Undecided })
}

/// A sign-in that failed.
#[derive(Debug)]
pub struct SignInFailure<'a> {
    /// The account, if there is one.
    pub user: Option<Uuid>,
    /// The keyed hash under which the attempt was counted.
    pub account: &'a str,
    /// What was known before the password was verified.
    pub state: SignInState,
    /// The machine-readable reason in the audit event.
    pub reason: &'static str,
}

/// Adds the audit event of a failed sign-in; during a pause, one event for its first failure and none for later ones.
/// The round trip is the same whether or not the account exists, and whether or not the password was right.
pub async fn note_failed_sign_in(
    db: &AnonymousScope<'_>,
    failure: &SignInFailure<'_>,
    context: &AuditContext,
) -> Result<(), DbError> {
    let SignInFailure { user, account, state, reason } = failure;
    let (limited, failed) = (EventKind::RateLimited.sql(), EventKind::SignInFailed.sql());
    let note = Note {
        // If the account has been deleted, the event has no user.
        user: "(SELECT u.id FROM users u WHERE u.id = :user)",
        details: "CASE WHEN :is_paused THEN jsonb_build_object('limit', 'sign_in_failures')
                  ELSE jsonb_build_object('reason', :reason::text) END",
        from: "(VALUES (1)) AS once WHERE NOT :is_paused OR EXISTS (SELECT FROM counted WHERE is_first)",
        ..Note::of_sql(format!("CASE WHEN :is_paused THEN {limited} ELSE {failed} END"))
    };
    Statement::new(
        "users.note_failed_sign_in",
        "WITH counted AS MATERIALIZED (
             SELECT f.account, f.noted_until IS DISTINCT FROM f.blocked_until AS is_first
             FROM sign_in_failures f WHERE f.account = :account FOR NO KEY UPDATE
         ), updated AS (
             UPDATE sign_in_failures f SET
                 unknown_refused = f.unknown_refused + CASE WHEN :is_counted THEN 1 ELSE 0 END,
                 noted_until = CASE WHEN :is_paused THEN f.blocked_until ELSE f.noted_until END
             FROM counted WHERE f.account = counted.account
         ), {note}
         SELECT true",
    )
    .note(&note, context)
    .bind("user", user)
    .bind("account", account)
    .bind("reason", reason)
    .bind("is_paused", &state.paused.is_some())
    .bind("is_counted", &state.counted)
    .run(db)
    .await?;
    Ok(())
}
