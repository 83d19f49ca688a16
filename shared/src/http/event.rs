//! Requests in the form that API Gateway and Lambda send them (HTTP API, payload format 2.0).
//!
//! A client controls almost every field of an event, so no event may make this code fail: invalid characters in a URL
//! are percent-encoded, invalid headers are dropped, and the layers refuse a malformed request with 400.

use std::collections::HashMap;
use std::net::IpAddr;

use axum::body::Body;
use axum::extract::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use lambda_runtime::Context;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::{Deserialize, Deserializer};

/// An event of API Gateway, with the fields that we use. A field that is missing or null is empty.
#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpEvent {
    #[serde(deserialize_with = "or_default")]
    raw_path: String,
    #[serde(deserialize_with = "or_default")]
    raw_query_string: String,
    #[serde(deserialize_with = "or_default")]
    headers: HashMap<String, Option<String>>,
    #[serde(deserialize_with = "or_default")]
    cookies: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    request_context: EventContext,
    body: Option<String>,
    #[serde(deserialize_with = "or_default")]
    is_base64_encoded: bool,
}

/// Reads null as the default value, because the emulator of `cargo lambda watch` sends null for missing values.
fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EventContext {
    #[serde(deserialize_with = "or_default")]
    http: EventHttp,
    request_id: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EventHttp {
    #[serde(deserialize_with = "or_default")]
    method: String,
    #[serde(deserialize_with = "or_default")]
    source_ip: String,
}

/// Leaves out body and headers, so that no log contains them.
impl std::fmt::Debug for HttpEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpEvent").field("method", &self.request_context.http.method).finish_non_exhaustive()
    }
}

/// A request extension with what API Gateway adds to a request.
#[derive(Clone, Debug, Default)]
pub struct Gateway {
    /// The IP address of the caller; `None` if it is missing or malformed.
    pub source_ip: Option<IpAddr>,
    /// The id of the request in API Gateway.
    pub request_id: Option<String>,
}

/// A request extension that marks a malformed request and says why. A layer refuses the request with 400.
#[derive(Clone, Copy, Debug)]
pub(super) struct MalformedRequest(pub(super) &'static str);

/// Characters that are encoded in a query. `%` is not one of them: it belongs to what the client has already encoded.
const QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Characters that are encoded in a path.
const PATH: &AsciiSet = &QUERY.add(b'?');

impl HttpEvent {
    /// Converts the event into a request, with the context of the Lambda invocation as an extension.
    #[must_use]
    pub fn into_request(self, context: Option<Context>) -> Request {
        let EventContext { http: EventHttp { method, source_ip }, request_id } = self.request_context;
        let mut request = Request::default();
        let target = read(&method, &self.raw_path, &self.raw_query_string)
            .map(|(method, uri)| (*request.method_mut(), *request.uri_mut()) = (method, uri));
        *request.headers_mut() = headers(self.headers, &self.cookies);
        let body = body(self.body, self.is_base64_encoded).map(|body| *request.body_mut() = body);
        let source_ip = source_ip.parse().ok().map(|ip: IpAddr| ip.to_canonical());
        let extensions = request.extensions_mut();
        extensions.insert(Gateway { source_ip, request_id });
        if let Err(reason) = target.and(body) {
            extensions.insert(MalformedRequest(reason));
        }
        if let Some(context) = context {
            extensions.insert(context);
        }
        request
    }
}

/// Parses method and URL. Removes one slash at the end of the path.
fn read(method: &str, path: &str, query: &str) -> Result<(Method, Uri), &'static str> {
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| "The HTTP method is not valid")?;
    let path = path.strip_suffix('/').unwrap_or(path);
    let path = utf8_percent_encode(path.strip_prefix('/').unwrap_or(path), PATH);
    let url =
        if query.is_empty() { format!("/{path}") } else { format!("/{path}?{}", utf8_percent_encode(query, QUERY)) };
    let uri = Uri::try_from(url).map_err(|_| "The address is too long")?;
    Ok((method, uri))
}

/// The valid headers and cookies. API Gateway moves cookies from the header to a list. The emulator of
/// `cargo lambda watch` sends them in both places, but cookies that are not ASCII only in the header, together with a
/// list of one empty text.
fn headers(given: HashMap<String, Option<String>>, cookies: &[String]) -> HeaderMap {
    let header = |(name, value): (String, Option<String>)| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_maybe_shared(bytes::Bytes::from(value?)).ok()?))
    };
    // A `HeaderMap` panics above 32,768 headers, and no client needs 300.
    let mut headers: HeaderMap = given.into_iter().filter_map(header).take(300).collect();
    let mut cookies = cookies.iter().filter(|cookie| !cookie.is_empty()).peekable();
    if cookies.peek().is_some() {
        headers.remove(COOKIE);
    }
    // An invalid cookie does not hide the others.
    headers.extend(cookies.filter_map(|cookie| Some((COOKIE, HeaderValue::from_str(cookie).ok()?))));
    headers
}

fn body(text: Option<String>, is_base64: bool) -> Result<Body, &'static str> {
    match text {
        None => Ok(Body::empty()),
        Some(text) if is_base64 => STANDARD.decode(text).map(Body::from).map_err(|_| "The body is not valid base64"),
        Some(text) => Ok(Body::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn request(change: impl FnOnce(&mut Value)) -> Request {
        let mut event = json!({
            "rawPath": "/api/tasks", "rawQueryString": "", "headers": { "host": "api.example.com" },
            "requestContext": { "http": { "method": "GET", "sourceIp": "203.0.113.7" } },
        });
        change(&mut event);
        serde_json::from_value::<HttpEvent>(event).unwrap().into_request(None)
    }

    fn reason(request: &Request) -> Option<&'static str> {
        request.extensions().get::<MalformedRequest>().map(|malformed| malformed.0)
    }

    #[test]
    fn proxy_headers_do_not_change_the_address() {
        for (name, value) in [
            ("x-forwarded-proto", "https,http"),
            ("host", "a b"),
            ("host", ""),
            ("host", "[::1"),
            ("x-forwarded-host", "ü"),
        ] {
            let request = request(|event| event["headers"][name] = value.into());
            assert_eq!((request.uri().to_string().as_str(), reason(&request)), ("/api/tasks", None), "{name}: {value}");
        }
    }

    #[test]
    fn invalid_characters_of_an_address_are_encoded() {
        for (path, query, expected) in [
            ("/a b", "q=c d", "/a%20b?q=c%20d"),
            ("/ü", "q=\"<>\u{0}", "/%C3%BC?q=%22%3C%3E%00"),
            ("no slash", "", "/no%20slash"),
            ("/100%", "q=%", "/100%?q=%"),
            ("/a?b#c", "", "/a%3Fb%23c"),
            ("", "", "/"),
        ] {
            let request = request(|event| {
                event["rawPath"] = path.into();
                event["rawQueryString"] = query.into();
            });
            assert_eq!((request.uri().to_string().as_str(), reason(&request)), (expected, None), "{path}?{query}");
        }
    }

    #[test]
    fn a_slash_at_the_end_of_a_path_is_ignored() {
        for (path, expected) in [("/api/tasks/", "/api/tasks"), ("/", "/"), ("/a//", "/a/")] {
            assert_eq!(request(|event| event["rawPath"] = path.into()).uri().path(), expected);
        }
    }

    #[test]
    fn invalid_headers_are_dropped_and_cookies_are_separate() {
        let request = request(|event| {
            event["headers"] =
                json!({ "a b": "x", "accept": "a\u{0}b", "x-ok": "ü", "x-null": null, "cookie": "theme=dunkel; id=7" });
            event["cookies"] = json!(["theme=dunkel", "grüße=1", "bell=\u{7}", "id=7"]);
        });
        let names: Vec<&str> = request.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names.len(), 2, "{names:?}");
        let cookies: Vec<_> = request.headers().get_all(COOKIE).iter().collect();
        assert_eq!(cookies, ["theme=dunkel", "grüße=1", "id=7"]);
    }

    #[test]
    fn cookies_that_are_not_ascii_come_from_the_emulator_in_the_header_alone() {
        let request = request(|event| {
            event["headers"] = json!({ "cookie": "grüße=1; id=7" });
            event["cookies"] = json!([""]);
        });
        let cookies: Vec<_> = request.headers().get_all(COOKIE).iter().collect();
        assert_eq!(cookies, ["grüße=1; id=7"]);
    }

    #[test]
    fn a_malformed_request_is_marked() {
        let odd = request(|event| event["requestContext"]["http"]["method"] = "G T".into());
        assert_eq!(reason(&odd), Some("The HTTP method is not valid"));
        let long = request(|event| event["rawPath"] = format!("/{}", "x".repeat(70_000)).into());
        assert_eq!(reason(&long), Some("The address is too long"));
        let body = request(|event| {
            event["body"] = "not base64!".into();
            event["isBase64Encoded"] = true.into();
        });
        assert_eq!(reason(&body), Some("The body is not valid base64"));
    }
}
