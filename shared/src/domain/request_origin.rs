//! Where a request came from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a request came from, as API Gateway saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestOrigin {
    /// The IP address that API Gateway saw; `None` for an operator.
    pub ip: Option<String>,
    /// The IPv4 /24 or IPv6 /64 of the IP address.
    pub network: Option<String>,
    /// The networks whose rate limits apply, the narrowest first: the IPv4 address, or the IPv6 /64 (one household),
    /// /56 and /48 (one customer may have either). Requests without an IP address share one entry. Never empty.
    pub networks: Vec<String>,
    /// The user agent, at most 256 visible ASCII characters; others are replaced by `?`.
    pub user_agent: Option<String>,
    /// The browser and the operating system of the user agent, without versions; `none` without a user agent.
    pub agent_family: String,
}

/// The only network of a request without an IP address.
const UNKNOWN: &str = "unknown";

impl Default for RequestOrigin {
    /// The origin of an operator's command.
    fn default() -> Self {
        Self::new(None, None)
    }
}

impl RequestOrigin {
    /// The origin of a request from `ip`, with the bytes of its `User-Agent` header.
    #[must_use]
    pub fn new(ip: Option<IpAddr>, user_agent: Option<&[u8]>) -> Self {
        // Only visible ASCII, so that every agent can be stored and compared.
        let user_agent: Option<String> = user_agent.map(|bytes| {
            let visible = |byte: &u8| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '?' };
            bytes.iter().take(256).map(visible).collect()
        });
        Self {
            ip: ip.map(|ip| ip.to_string()),
            network: ip.map(network),
            networks: ip.map_or_else(|| vec![UNKNOWN.to_owned()], networks),
            agent_family: user_agent.as_deref().map_or_else(|| "none".to_owned(), family),
            user_agent,
        }
    }

    /// The narrowest network, under which an account remembers where its user signed in.
    #[must_use]
    pub fn address(&self) -> &str {
        self.networks.first().map_or(UNKNOWN, String::as_str)
    }
}

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

fn network(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{}/24", Ipv4Addr::new(a, b, c, 0))
        }
        IpAddr::V6(_) => networks(ip).swap_remove(0),
    }
}

/// The browser and the operating system of a user agent: of each word the part before a slash, up to its first digit.
/// What follows the slash is a version (RFC 9110 §10.1.5).
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
