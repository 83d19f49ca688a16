//! What tests share: a PostgreSQL server for the run, a database for each test, in-process and end-to-end calls, users
//! with tokens, a clock that tests control, and assertions about responses.
#![allow(clippy::missing_panics_doc, reason = "a panic is how a test fails")]

mod api;
mod bouncer;
mod browser;
mod certificates;
mod clock;
mod database;
mod keys;
mod limits;
mod log_recorder;
mod moto;
mod person;
mod proxy;
mod response;
mod runtime;
mod server;
mod template;
mod tls_front;
mod watch;

pub use api::{Api, Call, http_event};
pub use bouncer::{PgBouncer, PgBouncerSettings};
pub use browser::Browser;
pub use clock::TestClock;
pub use database::{TestDatabase, migrator};
pub use keys::{forge, jwt_keys, keys, other_jwt_keys, settings};
pub use limits::check_limits;
pub use moto::Moto;
pub use person::Person;
pub use proxy::Proxy;
pub use response::TestResponse;
pub use runtime::{Lambda, Outcome, TRACE, built};
pub use server::{pg_dump, program, server};
pub use template::{translated, translated_file};
pub use tls_front::{Handshake, TlsFront};
pub use watch::{Client, Watch};
