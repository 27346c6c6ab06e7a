//! Owns what is set from outside (PROTOCOL section 10) and its checks. Reads no environment: the binary does.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use ait_app::crypto::SecretKey;
use ait_client::http::Trust;

/// Files and sockets that are no client's: CometBFT's connections in both directions, the store, coordinators, and
/// the connections of the reserve and of `OPS_BIND`.
const OWN_DESCRIPTORS: u64 = 700;

/// Everything that REST is told. Begin with [`Config::new`] and set what differs.
#[derive(Clone)]
pub struct Config {
    /// Where REST listens (`RPC_BIND`). Port 0 takes a free one.
    pub bind: SocketAddr,
    /// Whom the mock coordinator's https is trusted by (`CA_FILE`).
    pub trust: Trust,
    /// What admin routes ask for as a bearer token (`ADMIN_TOKEN`). An empty one counts as none.
    pub admin_token: Option<String>,
    /// The key of the `admin` account, for `/admin/paramSet`.
    pub admin_key: Option<SecretKey>,
    /// The key of the genesis account that `/admin/mintFaucet` pays from (`FAUCET_KEY`).
    pub faucet_key: Option<SecretKey>,
    /// Whether this is a development network: admin routes answer to loopback without a token,
    /// loopback is not rate-limited, and `/rpc/attest` is there.
    pub devnet: bool,
    /// The mock coordinator behind `/rpc/attest`.
    pub mock_coordinator_url: Option<String>,
    /// Peers whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpAddr>,
    /// Transactions, each of a batch counted, and faucet calls a second and client address.
    pub rate_per_second: NonZeroU32,
    /// How many of them may come at once.
    pub rate_burst: NonZeroU32,
    /// Whole blocks, proofs and simulations a second and client address.
    pub reads_per_second: NonZeroU32,
    /// How many of them may come at once.
    pub reads_burst: NonZeroU32,
    /// Open connections, at most; more are refused (`MAX_CONNECTIONS`).
    pub max_connections: u32,
    /// Of them a client address's; behind a trusted proxy, requests under way.
    pub max_connections_per_address: u32,
    /// Open WebSockets, at most; more are refused (`MAX_WEBSOCKETS`).
    pub max_websockets: u32,
    /// Of them a client address's.
    pub max_websockets_per_address: u32,
    /// Where `/health` and `/rpc/metrics` are served besides, whatever happens elsewhere (`OPS_BIND`).
    pub ops_bind: Option<SocketAddr>,
    /// The origins whose pages may use this node from a browser, or `*` alone (`CORS_ORIGINS`).
    pub cors_origins: Vec<String>,
    /// How long an answer may wait to be read.
    pub answer_patience: Duration,
    /// How long `?wait=commit` waits.
    pub commit_wait: Duration,
}

impl Config {
    /// The defaults of PROTOCOL sections 9 and 10.
    pub fn new(bind: SocketAddr) -> Self {
        Self {
            bind,
            trust: Trust::default(),
            admin_token: None,
            admin_key: None,
            faucet_key: None,
            devnet: false,
            mock_coordinator_url: None,
            trusted_proxies: Vec::new(),
            rate_per_second: NonZeroU32::MIN.saturating_add(99),
            rate_burst: NonZeroU32::MIN.saturating_add(999),
            reads_per_second: NonZeroU32::MIN.saturating_add(49),
            reads_burst: NonZeroU32::MIN.saturating_add(499),
            max_connections: 2_000,
            max_connections_per_address: 100,
            max_websockets: 500,
            max_websockets_per_address: 20,
            ops_bind: None,
            cors_origins: Vec::new(),
            answer_patience: Duration::from_secs(20),
            commit_wait: Duration::from_secs(60),
        }
    }
}

impl Config {
    /// How many files and sockets the process may have open at once while REST keeps to these limits: those of
    /// clients, of the reserve, and what the node itself needs.
    pub fn descriptors(&self) -> u64 {
        let clients = u64::from(self.max_connections).saturating_add(self.max_websockets.into());
        clients.saturating_add(OWN_DESCRIPTORS)
    }
}
