//! The settings of the database.

use super::Function;
use super::reader::Reader;
use crate::db::{Certificates, DatabaseUrl};

/// `DATABASE_URL` (or `NEON_DATABASE_URL`), in migrate `DATABASE_URL_UNPOOLED`; and `DATABASE_CA_CERT`.
pub(super) fn database(read: &mut Reader<'_>, function: Function, production: bool) -> Option<DatabaseUrl> {
    const EXPECTED: &str = "a PostgreSQL URL as in postgresql://user:password@host/database?sslmode=require";
    let direct = function == Function::Migrate;
    let names: &[&'static str] =
        if direct { &["DATABASE_URL_UNPOOLED"] } else { &["DATABASE_URL", "NEON_DATABASE_URL"] };
    if !direct && !function.spec().uses_database {
        return None;
    }
    let url = read.required(names, EXPECTED, DatabaseUrl::parse);
    let certificate = read.optional(
        &["DATABASE_CA_CERT"],
        "certificates in PEM, or the path of a file with them",
        Certificates::parse,
    );
    let url = url?;
    if url.is_direct_without_tls() {
        read.refuse(names, "sslmode=require together with sslnegotiation=direct");
    }
    if production && !url.requires_tls() {
        read.refuse(names, "a URL with sslmode=require, in production");
    }
    // A migration takes a session lock. Behind a pooler, the lock would stay with the pooled connection.
    if (production || direct) && url.is_neon() && url.is_pooled() == direct {
        let expected = if direct {
            "the direct host of Neon (without -pooler)"
        } else {
            "the pooled host of Neon (with -pooler), in production"
        };
        read.refuse(names, expected);
    }
    Some(url.with_certificates(certificate))
}
