//! `sessions`: one row per sign-in.

mod end;
mod list;
mod refresh;

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::audit::{Kind, Note, quoted};
use super::permits::Permits;
use super::users::standing;
use super::{DbError, Scope};
use crate::config::Limit;
use crate::passwords::StoredPassword;

pub use end::{End, end_legacy_token, revoke_all, revoke_own, sign_out};
pub use list::{SessionRow, list};
pub use refresh::{Presented, Refreshed, refresh};

/// How long a session lives without being refreshed.
pub const IDLE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How long a session lives at all.
pub const ABSOLUTE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long the parent of the newest refresh token still yields the newest one. Also in `app.open_request`.
pub const SETTLE: SignedDuration = SignedDuration::from_secs(60);

/// How many sessions of one user live at a time; one more ends the longest idle.
pub const MOST: i32 = 20;

/// Where a request came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The address that API Gateway saw.
    pub ip: Option<String>,
    /// Its IPv4 /24 or IPv6 /64.
    pub network: Option<String>,
    /// What the caller is limited by, from the narrowest: the IPv4 address; the IPv6 /64, /56 and /48. Callers without
    /// an address share one. Never empty.
    pub networks: Vec<String>,
    /// The user agent, at most 256 characters.
    pub agent: Option<String>,
    /// The browser and the system in the user agent, without versions; `none` without one.
    pub family: String,
}

impl Default for Client {
    /// Nobody who calls, as for an operator.
    fn default() -> Self {
        Self { ip: None, network: None, networks: vec!["unknown".to_owned()], agent: None, family: "none".to_owned() }
    }
}

impl Client {
    /// The address under which a caller is remembered: the narrowest of its networks.
    #[must_use]
    pub fn address(&self) -> &str {
        self.networks.first().map_or("unknown", String::as_str)
    }
}

/// A session to open.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// Its id.
    pub id: Uuid,
    /// Now.
    pub created_at: Timestamp,
    /// Now + [`IDLE`].
    pub idle_expires_at: Timestamp,
    /// Now + [`ABSOLUTE`].
    pub absolute_expires_at: Timestamp,
    /// Who opens it.
    pub client: &'a Client,
    /// The id of the event that notes it.
    pub event: Uuid,
}

/// What signing in has found out before it opens a session.
#[derive(Debug)]
pub struct SignedIn<'a> {
    /// The account.
    pub user: Uuid,
    /// The stored password that was verified.
    pub verified: &'a StoredPassword,
    /// What to store instead, if that is outdated.
    pub rehashed: Option<&'a StoredPassword>,
    /// The keyed hash under which failed sign-ins were counted.
    pub account: &'a str,
    /// The limit whose permit is given back; none if nothing is limited.
    pub limit: Option<Limit>,
}

/// Opens a session, replaces an outdated password hash, forgets the failed sign-ins before, gives the permit of the
/// caller's networks back, and ends the longest idle session if there are too many. Answers false if the account is not what was verified any more:
/// its password was changed meanwhile, or it was disabled, banned or deleted.
///
/// # Errors
/// As [`Scope::query`].
pub async fn insert(db: &Scope<'_>, signed_in: &SignedIn<'_>, session: &NewSession<'_>) -> Result<bool, DbError> {
    let noted = Note {
        id: "$12",
        at: "$3",
        kind: &quoted(Kind::SignedIn),
        user: "account.id",
        session: "$1",
        ip: "$6",
        agent: "$7",
        from: "account",
        ..Note::default()
    }
    .sql();
    let standing = standing("$3");
    // The lock makes a change of password wait, or this statement wait for it and look again.
    let sql = format!(
        "WITH account AS MATERIALIZED (
             SELECT u.id FROM users u
             WHERE u.id = $2 AND {standing} AND u.password_hash IN ($11, $8)
             FOR NO KEY UPDATE
         ), rehashed AS (
             UPDATE users u SET password_hash = $8, pepper_id = $9 FROM account
             WHERE u.id = account.id AND $8 IS NOT NULL
         ), room AS MATERIALIZED (
             SELECT app.make_room(account.id, $1, $3, $15) FROM account
         ), opened AS (
             INSERT INTO sessions (id, user_id, settle_until, idle_expires_at, absolute_expires_at, created_ip,
                                   user_agent, rotated_network, rotated_agent, rotated_family, created_at, last_used_at)
             SELECT $1, account.id, $3, $4, $5, $6, $7, $10, $7, $16, $3, $3 FROM account, room
             ON CONFLICT (id) DO NOTHING
             RETURNING id
         ), cleared AS (
             DELETE FROM sign_in_failures f USING account WHERE f.account = $13
         ), known AS (
             INSERT INTO sign_in_addresses (user_id, address, last_used_at)
             SELECT account.id, $14, $3 FROM account WHERE $6::text IS NOT NULL
             ON CONFLICT (user_id, address) DO UPDATE SET last_used_at = excluded.last_used_at
         ), noted AS ({noted})
         SELECT (SELECT app.give_back_permits('sign_in_address', $17, $18) FROM opened) FROM account"
    );
    let SignedIn { user, verified, rehashed, account, limit } = signed_in;
    let NewSession { id, created_at, idle_expires_at, absolute_expires_at, client, event } = session;
    let permits = Permits::of(*limit, client);
    let (hash, pepper_id) = rehashed.map(|stored| (&stored.hash, stored.pepper_id.as_ref())).unzip();
    let outcome = db
        .query(
            &sql,
            &[
                (id, Type::UUID),
                (user, Type::UUID),
                (created_at, Type::TIMESTAMPTZ),
                (idle_expires_at, Type::TIMESTAMPTZ),
                (absolute_expires_at, Type::TIMESTAMPTZ),
                (&client.ip, Type::TEXT),
                (&client.agent, Type::TEXT),
                (&hash, Type::TEXT),
                (&pepper_id.flatten(), Type::TEXT),
                (&client.network, Type::TEXT),
                (&verified.hash, Type::TEXT),
                (event, Type::UUID),
                (account, Type::TEXT),
                (&client.address(), Type::TEXT),
                (&MOST, Type::INT4),
                (&client.family, Type::TEXT),
                (&permits.keys, Type::TEXT_ARRAY),
                (&permits.everys, Type::FLOAT8_ARRAY),
            ],
        )
        .await?;
    Ok(!outcome.rows.is_empty())
}
