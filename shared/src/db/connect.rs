//! Opens one connection, with TLS, a time limit, and retries while a suspended server wakes up.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, NoTls, config::SslMode};

use super::{DatabaseUrl, DbError, UrlSource};
use crate::deadline;

/// How long one attempt may take. A suspended Neon compute wakes up in less.
const ATTEMPT: Duration = Duration::from_secs(8);

/// The number of attempts, the first one included.
const ATTEMPTS: u32 = 3;

/// Why a connection could not be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("no database URL is set")]
    NoUrl,
    #[error("the TLS settings cannot be used")]
    Tls(#[source] rustls::Error),
    #[error("no answer within the time left for the request")]
    TimedOut,
    #[error("the connection was refused")]
    Rejected(#[from] tokio_postgres::Error),
}

impl ConnectError {
    /// The SQLSTATE, if the server answered.
    fn state(&self) -> Option<&SqlState> {
        match self {
            Self::Rejected(error) => error.code(),
            _ => None,
        }
    }

    /// Whether PgBouncer refused the login. It sends 08P01 for every reason, such as a wrong password or a server that
    /// is starting.
    fn is_from_pgbouncer(&self) -> bool {
        self.state() == Some(&SqlState::PROTOCOL_VIOLATION)
    }

    /// Whether the server may have refused our password or role (class 28 from PostgreSQL itself).
    fn may_be_authentication(&self) -> bool {
        self.is_from_pgbouncer() || self.state().is_some_and(|state| state.code().starts_with("28"))
    }

    /// Whether another attempt may help.
    fn is_transient(&self) -> bool {
        let without_state = matches!(self, Self::TimedOut | Self::Rejected(_));
        self.state().map_or(without_state, |state| {
            (state.code().starts_with("08") && !self.is_from_pgbouncer())
                || [SqlState::CANNOT_CONNECT_NOW, SqlState::TOO_MANY_CONNECTIONS].contains(state)
        })
    }
}

/// Connects to the current URL. If the server refuses the password, it may have been rotated after this instance read
/// its secret: reads the secret again, and connects once more if the URL has changed.
pub(super) async fn connect_current(
    urls: &dyn UrlSource,
) -> Result<(Client, JoinHandle<()>, DatabaseUrl), ConnectError> {
    let url = urls.url().ok_or(ConnectError::NoUrl)?;
    match connect(&url).await {
        Err(error) if error.may_be_authentication() => {
            urls.reread().await;
            match urls.url() {
                Some(newer) if newer != url => {
                    let (client, task) = connect(&newer).await?;
                    Ok((client, task, newer))
                }
                // The server behind PgBouncer may have been starting.
                Some(_) if error.is_from_pgbouncer() => {
                    let (client, task) = connect(&url).await?;
                    Ok((client, task, url))
                }
                _ => Err(error),
            }
        }
        result => result.map(|(client, task)| (client, task, url)),
    }
}

/// Connects within the deadline of the request, in up to three attempts.
async fn connect(url: &DatabaseUrl) -> Result<(Client, JoinHandle<()>), ConnectError> {
    let deadline = deadline::database_deadline();
    for attempt in 1.. {
        let limit = (Instant::now() + ATTEMPT).min(deadline);
        let result = match timeout_at(limit, connect_once(url)).await {
            Ok(result) => result,
            Err(_) => Err(ConnectError::TimedOut),
        };
        match result {
            Err(error) if error.is_transient() && attempt < ATTEMPTS => {
                let pause = pause_before_retry(attempt);
                if Instant::now() + pause >= deadline {
                    return Err(error);
                }
                tracing::warn!(%error, attempt, "the database did not answer; trying again");
                tokio::time::sleep(pause).await;
            }
            result => return result,
        }
    }
    Err(ConnectError::TimedOut)
}

/// 50 to 150 ms, doubled after each attempt. The random part spreads the attempts of instances that start together.
fn pause_before_retry(attempt: u32) -> Duration {
    let mut byte = [0];
    let jitter = aws_lc_rs::rand::fill(&mut byte).map_or(50, |()| u64::from(byte[0]) * 100 / 255);
    Duration::from_millis((50 + jitter) << (attempt - 1))
}

async fn connect_once(url: &DatabaseUrl) -> Result<(Client, JoinHandle<()>), ConnectError> {
    // A task drives the connection; it ends when the client is dropped.
    if url.config().get_ssl_mode() == SslMode::Disable {
        let (client, connection) = url.config().connect(NoTls).await?;
        Ok((client, tokio::spawn(serve(connection))))
    } else {
        let (client, connection) = url.config().connect(url.tls().map_err(ConnectError::Tls)?).await?;
        Ok((client, tokio::spawn(serve(connection))))
    }
}

async fn serve<S, T>(mut connection: tokio_postgres::Connection<S, T>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    loop {
        match std::future::poll_fn(|context| connection.poll_message(context)).await {
            // Only migrations send notices, and an operator wants to read them.
            Some(Ok(AsyncMessage::Notice(notice))) => tracing::debug!(message = notice.message(), "database notice"),
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::warn!(%error, "a database connection ended");
                return;
            }
            None => return,
        }
    }
}

/// Asks the server to end the statement that `client` is running.
///
/// # Errors
/// [`DbError::Unavailable`] if the server cannot be reached.
pub async fn cancel(urls: &dyn UrlSource, client: &Client) -> Result<(), DbError> {
    let unavailable = |error: ConnectError| DbError::Unavailable(error.into());
    let url = urls.url().ok_or(ConnectError::NoUrl).map_err(unavailable)?;
    let token = client.cancel_token();
    let asked = if url.config().get_ssl_mode() == SslMode::Disable {
        token.cancel_query(NoTls).await
    } else {
        let tls = url.tls().map_err(|error| unavailable(ConnectError::Tls(error)))?;
        token.cancel_query(tls).await
    };
    Ok(asked?)
}

/// Opens a connection outside of the pool, for migrations.
///
/// # Errors
/// [`DbError::Unavailable`] if the server cannot be reached.
pub async fn connect_direct(urls: &dyn UrlSource) -> Result<Client, DbError> {
    let connected = Box::pin(connect_current(urls)).await;
    connected.map(|(client, ..)| client).map_err(|error| DbError::Unavailable(error.into()))
}
