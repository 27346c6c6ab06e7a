//! Owns who a request comes from: the peer of the connection or, behind a configured proxy, the client
//! that proxy names in `X-Forwarded-For`. A header that anybody else sends is not believed.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

/// The other end of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Headers by which proxies tell of the client.
const FORWARDED: [&str; 3] = ["x-forwarded-for", "forwarded", "x-real-ip"];

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    pub address: IpAddr,
    /// Whether it surely runs on this machine: a proxy here that was not configured hides who asks it.
    pub is_local: bool,
    /// Whether a configured proxy asks for it.
    pub is_forwarded: bool,
}

impl Caller {
    /// The caller of a request with these headers over a connection from `peer`.
    pub fn of(peer: IpAddr, headers: &HeaderMap, trusted_proxies: &[IpAddr]) -> Self {
        let peer = peer.to_canonical();
        let trusted = |address: &IpAddr| trusted_proxies.contains(address);
        let mut address = peer;
        if trusted(&peer) {
            for hop in forwarded_hops(headers) {
                let Some(hop) = hop else { break };
                address = hop;
                if !trusted(&hop) {
                    break;
                }
            }
        }
        let names_another = FORWARDED.iter().any(|name| headers.contains_key(*name));
        Self {
            address,
            is_local: peer.is_loopback()
                && address.is_loopback()
                && (!names_another || trusted(&peer)),
            is_forwarded: trusted(&peer),
        }
    }
}

/// The hops of all `X-Forwarded-For` headers, the nearest first; `None` for one that is no address.
fn forwarded_hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let values = headers.get_all("x-forwarded-for");
    let mut hops: Vec<Option<IpAddr>> = values
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("").split(','))
        .map(|hop| hop.trim().parse::<IpAddr>().ok())
        .map(|hop| hop.map(|address| address.to_canonical()))
        .collect();
    hops.reverse();
    hops
}

/// Who counts as one caller: a subscriber has a whole /64 of IPv6 addresses, and IPv4 may come written as IPv6.
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(peer: &str, forwarded: &[&str], proxies: &[&str]) -> Caller {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let proxies: Vec<IpAddr> = proxies.iter().map(|p| p.parse().unwrap()).collect();
        Caller::of(peer.parse().unwrap(), &headers, &proxies)
    }

    #[test]
    fn a_forwarded_header_counts_only_from_a_configured_proxy() {
        let cases: &[(&str, &[&str], &[&str], &str)] = &[
            ("198.51.100.1", &["192.0.2.7"], &[], "198.51.100.1"),
            (
                "198.51.100.1",
                &["192.0.2.7"],
                &["198.51.100.1"],
                "192.0.2.7",
            ),
            (
                "::ffff:198.51.100.1",
                &["192.0.2.7"],
                &["198.51.100.1"],
                "192.0.2.7",
            ),
            // What the client itself wrote stands to the left of what the proxy saw.
            (
                "198.51.100.1",
                &["10.0.0.1, 192.0.2.7"],
                &["198.51.100.1"],
                "192.0.2.7",
            ),
            (
                "198.51.100.1",
                &["10.0.0.1", "192.0.2.7"],
                &["198.51.100.1"],
                "192.0.2.7",
            ),
            (
                "198.51.100.1",
                &["192.0.2.7, 198.51.100.2"],
                &["198.51.100.1", "198.51.100.2"],
                "192.0.2.7",
            ),
            (
                "198.51.100.1",
                &["nonsense"],
                &["198.51.100.1"],
                "198.51.100.1",
            ),
            ("198.51.100.1", &[], &["198.51.100.1"], "198.51.100.1"),
        ];
        for (peer, forwarded, proxies, expected) in cases {
            let expected: IpAddr = expected.parse().unwrap();
            assert_eq!(caller(peer, forwarded, proxies).address, expected);
        }
    }

    #[test]
    fn only_who_surely_runs_here_is_local() {
        assert!(caller("127.0.0.1", &[], &[]).is_local);
        assert!(caller("::1", &[], &[]).is_local);
        assert!(!caller("198.51.100.1", &[], &[]).is_local);
        assert!(!caller("127.0.0.1", &["192.0.2.7"], &[]).is_local);
        assert!(!caller("127.0.0.1", &["127.0.0.1"], &[]).is_local);
        assert!(!caller("127.0.0.1", &["192.0.2.7"], &["127.0.0.1"]).is_local);
        assert!(!caller("198.51.100.1", &["127.0.0.1"], &[]).is_local);
        assert!(!caller("198.51.100.1", &["127.0.0.1"], &["198.51.100.1"]).is_local);
    }

    #[test]
    fn spellings_and_neighbours_of_an_address_are_one_client() {
        assert_eq!(
            subscriber("::ffff:192.0.2.1".parse().unwrap()),
            subscriber("192.0.2.1".parse().unwrap())
        );
        assert_eq!(
            subscriber("2001:db8:0:1::1".parse().unwrap()),
            subscriber("2001:db8:0:1:ffff::2".parse().unwrap())
        );
        assert_ne!(
            subscriber("2001:db8:0:1::1".parse().unwrap()),
            subscriber("2001:db8:0:2::1".parse().unwrap())
        );
    }
}
