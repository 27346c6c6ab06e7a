//! Owns a devnet's ports: a fixed plan from the first port on, and finding out that one is taken.

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{bail, ensure};

/// The ports of one node lie in a block of so many.
const PER_NODE: u16 = 10;

/// Which port serves what.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    base: u16,
    nodes: u16,
}

impl Ports {
    /// The plan for `nodes` nodes from `base` on; with 0, from the first free block of ports.
    ///
    /// # Errors
    /// When they would not fit below 65536, or no block is free.
    pub fn plan(base: u16, nodes: u16) -> anyhow::Result<Self> {
        if base == 0 {
            return Self::free(nodes);
        }
        let last = u32::from(base) + u32::from(nodes) * u32::from(PER_NODE) - 1;
        ensure!(
            base >= 1024 && last <= u32::from(u16::MAX),
            "--base-port {base} with {nodes} nodes takes the ports {base} to {last}; they must lie within 1024 to 65535"
        );
        Ok(Self { base, nodes })
    }

    fn free(nodes: u16) -> anyhow::Result<Self> {
        // Below the range that systems take the ports of outgoing connections from.
        const CANDIDATES: std::ops::Range<u16> = 12_000..31_000;
        let clock = SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos();
        let length = u32::from(CANDIDATES.end - CANDIDATES.start) / u32::from(PER_NODE);
        for i in 0..1000 {
            let block = u16::try_from((clock / 1000 + i) % length)?;
            if let Ok(plan) = Self::plan(CANDIDATES.start + block * PER_NODE, nodes)
                && plan.taken().is_none()
            {
                return Ok(plan);
            }
        }
        bail!("found no free block of ports: name one with --base-port")
    }

    /// The first port.
    pub fn base(&self) -> u16 {
        self.base
    }

    fn of(&self, node: u16, offset: u16) -> SocketAddr {
        let port = self.base + node * PER_NODE + offset;
        SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
    }

    /// REST and the page.
    pub fn rest(&self, node: u16) -> SocketAddr {
        self.of(node, 0)
    }

    /// CometBFT's RPC.
    pub fn rpc(&self, node: u16) -> SocketAddr {
        self.of(node, 1)
    }

    /// CometBFT's P2P.
    pub fn p2p(&self, node: u16) -> SocketAddr {
        self.of(node, 2)
    }

    /// ABCI, where the path of a unix socket would be too long.
    pub fn abci(&self, node: u16) -> SocketAddr {
        self.of(node, 3)
    }

    /// The mock coordinator.
    pub fn coordinator(&self) -> SocketAddr {
        self.of(0, 5)
    }

    /// The first port of the plan that somebody listens on, and what it was meant for.
    pub fn taken(&self) -> Option<(SocketAddr, String)> {
        let mut wanted = vec![(self.coordinator(), "the coordinator".to_owned())];
        for node in 0..self.nodes {
            wanted.push((self.rest(node), format!("node {node}'s REST")));
            wanted.push((self.rpc(node), format!("node {node}'s CometBFT RPC")));
            wanted.push((self.p2p(node), format!("node {node}'s P2P")));
            wanted.push((self.abci(node), format!("node {node}'s ABCI")));
        }
        wanted.sort();
        wanted
            .into_iter()
            .find(|(address, _)| TcpListener::bind(address).is_err())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_past_the_last_port_is_refused() {
        assert!(Ports::plan(65_526, 1).is_ok());
        assert!(Ports::plan(65_527, 1).is_err());
        assert!(Ports::plan(80, 1).is_err());
    }

    #[test]
    fn a_port_somebody_listens_on_is_named_with_its_purpose() {
        let plan = Ports::plan(0, 2).unwrap();
        assert!(plan.taken().is_none());
        let squatter = TcpListener::bind(plan.rpc(1)).unwrap();
        let (address, purpose) = plan.taken().unwrap();
        assert_eq!(address, squatter.local_addr().unwrap());
        assert_eq!(purpose, "node 1's CometBFT RPC");
    }
}
