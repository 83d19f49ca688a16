//! The measured operations, and how often users request each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use local::lambda::Bytes;
use serde::Deserialize;
use serde_json::Value;

use crate::Result;
use crate::fleet::Fleet;

/// An operation of the API, or the request to the empty function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Floor,
    Health,
    List,
    Get,
    Create,
    Complete,
    Update,
    Delete,
    Me,
    Refresh,
    SignIn,
}

use Operation::{Complete, Create, Delete, Floor, Get, Health, List, Me, Refresh, SignIn, Update};

/// The functions that are measured.
pub(crate) const FUNCTIONS: [&str; 4] = ["floor", "health", "tasks", "auth"];

/// The operations that are measured one request at a time. The first one of each function is also the first request
/// of its cold starts.
pub(crate) const WARM: [Operation; 10] = [Floor, Health, Get, List, Create, Complete, Update, Me, Refresh, SignIn];

/// How many of a hundred requests under load are of each operation.
pub(crate) const MIX: [(Operation, u64); 8] =
    [(List, 45), (Get, 20), (Complete, 12), (Create, 10), (Update, 6), (Refresh, 4), (SignIn, 2), (Delete, 1)];

impl Operation {
    pub(crate) fn name(self) -> &'static str {
        self.function_and_name().1
    }

    pub(crate) fn function(self) -> &'static str {
        self.function_and_name().0
    }

    fn function_and_name(self) -> (&'static str, &'static str) {
        match self {
            Floor => ("floor", "floor"),
            Health => ("health", "health"),
            List => ("tasks", "list"),
            Get => ("tasks", "get"),
            Create => ("tasks", "create"),
            Complete => ("tasks", "complete"),
            Update => ("tasks", "update"),
            Delete => ("tasks", "delete"),
            Me => ("auth", "me"),
            Refresh => ("auth", "refresh"),
            SignIn => ("auth", "sign in"),
        }
    }

    /// The operation at a position of the mix, from 0 to 99.
    pub(crate) fn in_mix(position: u64) -> Self {
        let mut up_to = 0;
        let found = MIX.iter().find(|(_, share)| {
            up_to += share;
            position < up_to
        });
        found.map_or(List, |(operation, _)| *operation)
    }
}

/// An event for a function.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) operation: Operation,
    pub(crate) event: Bytes,
}

/// A successful response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) took: Duration,
    /// The part of `took` spent waiting for an instance, including a cold start.
    pub(crate) queued: Duration,
    /// The part of `took` spent in the database, as the function reports it to authenticated users; else zero.
    pub(crate) database: Duration,
    pub(crate) throttled: bool,
    pub(crate) body: String,
}

/// The part of an API Gateway response that matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GatewayResponse {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<String>,
}

impl Request {
    /// Sends the request. Any other status than that of success is an error.
    pub(crate) async fn send(self, fleet: &Arc<Fleet>) -> Result<Response> {
        let started = Instant::now();
        let reply = fleet.invoke(self.event).await?;
        let took = started.elapsed();
        let GatewayResponse { status_code, headers, body } = serde_json::from_slice(&reply.payload)?;
        let body = body.unwrap_or_default();
        if status_code != if self.operation == Create { 201 } else { 200 } {
            let problem: Value = serde_json::from_str(&body).unwrap_or_default();
            let code = problem["code"].as_str().unwrap_or_default();
            return Err(format!("{}: {status_code} {code}", self.operation.name()).into());
        }
        let database = headers.get("server-timing").map_or(Duration::ZERO, |header| database_time(header));
        Ok(Response { took, queued: reply.queued, database, throttled: reply.throttled, body })
    }
}

/// Reads the database time from a `Server-Timing` header.
fn database_time(header: &str) -> Duration {
    let millis = header.split("db;dur=").nth(1).and_then(|rest| rest.split([',', ';']).next()?.parse::<f64>().ok());
    Duration::from_secs_f64(millis.unwrap_or_default().max(0.0) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_its_share_of_the_mix() {
        for (operation, share) in MIX {
            let count = (0..100).filter(|position| Operation::in_mix(*position) == operation).count();
            assert_eq!(count as u64, share, "{operation:?}");
        }
    }

    #[test]
    fn database_time_is_read_from_server_timing() {
        assert_eq!(database_time("app;dur=2, db;dur=1.5;desc=x"), Duration::from_micros(1500));
        assert_eq!(database_time("app;dur=2"), Duration::ZERO);
    }
}
