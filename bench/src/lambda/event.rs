//! HTTP as API Gateway hands it to a function: payload format 2.0.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Result;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) body: Option<&'a str>,
    /// The address of the client.
    pub(crate) address: &'a str,
}

/// An answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer<'a> {
    pub(crate) status_code: u16,
    #[serde(default, borrow)]
    pub(crate) headers: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(default, borrow)]
    pub(crate) body: Option<Cow<'a, str>>,
}

impl<'a> Answer<'a> {
    pub(crate) fn read(payload: &'a [u8]) -> Result<Self> {
        serde_json::from_slice(payload).map_err(|error| format!("an answer is not one: {error}").into())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    version: &'static str,
    route_key: &'static str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    headers: BTreeMap<&'static str, Cow<'a, str>>,
    request_context: Context<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    account_id: &'static str,
    api_id: &'static str,
    domain_name: &'static str,
    domain_prefix: &'static str,
    http: Http<'a>,
    request_id: &'static str,
    route_key: &'static str,
    stage: &'static str,
    time: &'static str,
    time_epoch: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: &'a str,
    protocol: &'static str,
    source_ip: &'a str,
    user_agent: &'static str,
}

const DOMAIN: &str = "bench.execute-api.eu-central-1.amazonaws.com";
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0";

impl Call<'_> {
    /// The event, with the headers that a browser and API Gateway send.
    pub(crate) fn event(&self) -> Result<Bytes> {
        let mut headers: BTreeMap<&'static str, Cow<'_, str>> = [
            ("accept", "application/json"),
            ("accept-encoding", "gzip, deflate, br, zstd"),
            ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
            ("host", DOMAIN),
            ("origin", "http://localhost:3000"),
            ("referer", "http://localhost:3000/"),
            ("sec-fetch-dest", "empty"),
            ("sec-fetch-mode", "cors"),
            ("user-agent", AGENT),
            ("x-amzn-trace-id", "Root=1-6b03a7fc-e431e0ab072ef2e5b075d6a2"),
            ("x-forwarded-for", self.address),
            ("x-forwarded-port", "443"),
            ("x-forwarded-proto", "https"),
        ]
        .map(|(name, value)| (name, Cow::Borrowed(value)))
        .into();
        if let Some(token) = self.token {
            headers.insert("authorization", format!("Bearer {token}").into());
        }
        if let Some(body) = self.body {
            headers.insert("content-type", "application/json".into());
            headers.insert("content-length", body.len().to_string().into());
        }
        let event = Event {
            version: "2.0",
            route_key: "$default",
            raw_path: self.path,
            raw_query_string: self.query,
            headers,
            request_context: Context {
                account_id: "123456789012",
                api_id: "bench",
                domain_name: DOMAIN,
                domain_prefix: "bench",
                http: Http {
                    method: self.method,
                    path: self.path,
                    protocol: "HTTP/1.1",
                    source_ip: self.address,
                    user_agent: AGENT,
                },
                request_id: "JKJaXmPLvHcESHA=",
                route_key: "$default",
                stage: "$default",
                time: "10/Mar/2026:05:16:23 +0000",
                time_epoch: 1_773_119_783_838,
            },
            body: self.body,
            is_base64_encoded: false,
        };
        Ok(serde_json::to_vec(&event)?.into())
    }
}
