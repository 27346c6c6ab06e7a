//! Owns where a node that was asked over its RPC is reached as a peer.

use std::net::IpAddr;

use ait_home::comet::config::{Peer, parse_peers};

use crate::rpc::{NodeInfo, shown};

/// The node as a peer: by the address that it says it listens at, or, where that is every address of its machine, by
/// the host of its URL.
///
/// # Errors
/// Why it can't be dialled.
pub fn peer_of(node: &NodeInfo, url_host: &str, devnet: bool) -> Result<Peer, String> {
    let address = &node.listen_addr;
    let plain = address.strip_prefix("tcp://").unwrap_or(address);
    let unusable = || format!("it says it listens for peers at {:?}", shown(address));
    let (host, port) = plain.rsplit_once(':').ok_or_else(unusable)?;
    let host = if is_every_address(host) {
        url_host
    } else {
        host
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    if !host.bytes().all(is_host) {
        return Err(unusable());
    }
    if is_loopback(host) && !devnet {
        return Err(format!(
            "it is asked over {host}, and CometBFT dials no peer there: name its own address by --peers"
        ));
    }
    let peers = parse_peers(&format!("{}@{host}:{port}", node.id)).map_err(|_| unusable())?;
    peers.into_iter().next().ok_or_else(unusable)
}

fn ip_of(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

fn is_every_address(host: &str) -> bool {
    host.is_empty() || ip_of(host).is_some_and(|ip| ip.is_unspecified())
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || ip_of(host).is_some_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(listen_addr: &str, url_host: &str, devnet: bool) -> Result<String, String> {
        let node = NodeInfo {
            id: "ab".repeat(20),
            listen_addr: listen_addr.to_owned(),
            network: "test-1".to_owned(),
            ..NodeInfo::default()
        };
        let peer = peer_of(&node, url_host, devnet)?.to_string();
        Ok(peer.trim_start_matches(&"ab".repeat(20)).to_owned())
    }

    #[test]
    fn a_node_is_dialled_where_it_says_it_listens() {
        for (listens, dialled) in [
            ("tcp://0.0.0.0:7070", "@node.example:7070"),
            ("0.0.0.0:7070", "@node.example:7070"),
            ("tcp://[::]:7070", "@node.example:7070"),
            ("tcp://:7070", "@node.example:7070"),
            ("tcp://192.0.2.7:7070", "@192.0.2.7:7070"),
            ("p2p.example:26656", "@p2p.example:26656"),
        ] {
            assert_eq!(found(listens, "node.example", false).unwrap(), dialled);
        }
        let six = found("tcp://0.0.0.0:7070", "[2001:db8::1]", false).unwrap();
        assert_eq!(six, "@[2001:db8::1]:7070");
    }

    #[test]
    fn what_is_no_address_is_dialled_nowhere() {
        for listens in [
            "",
            "7070",
            "tcp://0.0.0.0",
            "tcp://0.0.0.0:0",
            "tcp://0.0.0.0:99999",
            "tcp://a,b@c:1",
            "tcp://a b:1",
            "tcp://\u{1b}[2J:1",
        ] {
            assert!(found(listens, "node.example", true).is_err(), "{listens}");
        }
    }

    #[test]
    fn the_end_of_a_tunnel_is_no_peer_except_on_a_devnet() {
        for host in ["127.0.0.1", "localhost", "[::1]"] {
            let error = found("tcp://0.0.0.0:7070", host, false).unwrap_err();
            assert!(error.contains("--peers"), "{error}");
            assert!(found("tcp://0.0.0.0:7070", host, true).is_ok());
        }
    }
}
