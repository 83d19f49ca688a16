//! Where a request came from, as API Gateway saw it. Headers about it are anybody's to write and not read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::extract::FromRequestParts;
use http::header::USER_AGENT;
use http::request::Parts;

use super::event::Gateway;
use crate::db::sessions::Client;

/// The caller's address, network and user agent.
#[derive(Clone, Debug, Default)]
pub struct From(pub Client);

impl<S: Sync> FromRequestParts<S> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let ip = parts.extensions.get::<Gateway>().and_then(|gateway| gateway.source_ip);
        // What is not visible ASCII is replaced, so that every agent can be stored and compared.
        let agent: Option<String> = parts.headers.get(USER_AGENT).map(|value| {
            let visible = |byte: &u8| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '?' };
            value.as_bytes().iter().take(256).map(visible).collect()
        });
        let family = agent.as_deref().map_or_else(|| "none".to_owned(), family);
        let networks = ip.map_or_else(|| vec!["unknown".to_owned()], networks);
        let client = Client { ip: ip.map(|ip| ip.to_string()), network: ip.map(network), networks, agent, family };
        Ok(Self(client))
    }
}

/// What a caller is limited by, from the narrowest: the IPv4 address; of an IPv6 one the /64, which one household is
/// given, and the /56 and /48, which one customer may have.
fn networks(ip: IpAddr) -> Vec<String> {
    match ip {
        IpAddr::V4(ip) => vec![ip.to_string()],
        IpAddr::V6(ip) => {
            let bits = u128::from(ip);
            let prefix = |length: u32| format!("{}/{length}", Ipv6Addr::from(bits & (u128::MAX << (128 - length))));
            [64, 56, 48].map(prefix).into()
        }
    }
}

/// The IPv4 /24 or the IPv6 /64 an address is in.
fn network(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{}/24", Ipv4Addr::new(a, b, c, 0))
        }
        IpAddr::V6(_) => networks(ip).swap_remove(0),
    }
}

/// The browser and the system of a user agent, without versions: the words before a slash, up to their first digit
/// (RFC 9110 §10.1.5: what follows the slash is a version).
fn family(agent: &str) -> String {
    let words = agent.split([' ', '(', ')', ';', ',']).map(|word| {
        let name = word.split('/').next().unwrap_or_default();
        name.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default()
    });
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_grouped_by_network() {
        assert_eq!(network("203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2:3:4:5:6".parse().unwrap()), "2001:db8:1:2::/64");
        assert_eq!(networks("203.0.113.77".parse().unwrap()), ["203.0.113.77"]);
        let expected = ["2001:db8:1:2ff::/64", "2001:db8:1:200::/56", "2001:db8:1::/48"];
        assert_eq!(networks("2001:db8:1:2ff:3:4:5:6".parse().unwrap()), expected);
    }

    #[test]
    fn an_update_of_a_browser_or_a_system_keeps_the_family() {
        for (before, after) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.6778.86 Safari/537.36",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:132.0) Gecko/20100101 Firefox/132.0",
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 11.2; rv:133.0) Gecko/20100101 Firefox/133.0",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148",
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.16 Version/18.0 Mobile/22A3354",
            ),
            ("Todo/1.4.2 CFNetwork/1410.0.3 Darwin/22.6.0", "Todo/1.5 CFNetwork/1498 Darwin/23.0.0"),
        ] {
            assert_eq!(family(before), family(after));
        }
    }

    #[test]
    fn other_browsers_and_systems_are_other_families() {
        let agents = [
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0",
            "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
            "curl/8.5.0",
            "",
        ];
        let families: std::collections::HashSet<String> = agents.iter().map(|agent| family(agent)).collect();
        assert_eq!(families.len(), agents.len(), "{families:?}");
    }
}
