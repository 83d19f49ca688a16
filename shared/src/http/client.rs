//! Where a request came from, as API Gateway saw it. Headers about it are anybody's to write and not read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::extract::FromRequestParts;
use http::header::USER_AGENT;
use http::request::Parts;
use lambda_http::request::RequestContext;

use crate::db::sessions::Client;

/// The caller's address, network and user agent.
#[derive(Clone, Debug, Default)]
pub struct From(pub Client);

impl<S: Sync> FromRequestParts<S> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let ip = source_ip(parts);
        // What is not visible ASCII is replaced, so that every agent can be stored and compared.
        let agent = parts.headers.get(USER_AGENT).map(|value| {
            let visible = |byte: &u8| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '?' };
            value.as_bytes().iter().take(256).map(visible).collect()
        });
        let client =
            Client { ip: ip.map(|ip| ip.to_string()), network: ip.map(network), address: ip.map(address), agent };
        Ok(Self(client))
    }
}

/// The source address of the request context.
fn source_ip(parts: &Parts) -> Option<IpAddr> {
    match parts.extensions.get::<RequestContext>()? {
        RequestContext::ApiGatewayV2(context) => {
            let ip: IpAddr = context.http.source_ip.as_deref()?.parse().ok()?;
            Some(ip.to_canonical())
        }
        _ => None,
    }
}

/// The IPv4 address, or the /64 of an IPv6 one, which is what one household is given.
fn address(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(_) => network(ip),
    }
}

/// The IPv4 /24 or the IPv6 /64 an address is in.
fn network(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{}/24", Ipv4Addr::new(a, b, c, 0))
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_grouped_by_24_and_64_bits() {
        assert_eq!(network("203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2:3:4:5:6".parse().unwrap()), "2001:db8:1:2::/64");
    }
}
