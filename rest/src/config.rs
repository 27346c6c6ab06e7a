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
pub const OWN_DESCRIPTORS: u64 = 700;

/// What holds where nothing else is set (PROTOCOL sections 9 and 10).
pub mod defaults {
    use std::num::NonZeroU32;

    const fn number(value: u32) -> NonZeroU32 {
        NonZeroU32::MIN.saturating_add(value.saturating_sub(1))
    }

    /// Transactions and faucet calls a second and client address.
    pub const RATE_PER_SECOND: NonZeroU32 = number(100);
    /// How many of them may come at once.
    pub const RATE_BURST: NonZeroU32 = number(1_000);
    /// Whole blocks, proofs and simulations a second and client address.
    pub const READS_PER_SECOND: NonZeroU32 = number(50);
    /// How many of them may come at once.
    pub const READS_BURST: NonZeroU32 = number(500);
    /// Open connections.
    pub const MAX_CONNECTIONS: NonZeroU32 = number(2_000);
    /// Of them a client address's.
    pub const MAX_CONNECTIONS_PER_ADDRESS: NonZeroU32 = number(100);
    /// Open WebSockets.
    pub const MAX_WEBSOCKETS: NonZeroU32 = number(500);
    /// Of them a client address's.
    pub const MAX_WEBSOCKETS_PER_ADDRESS: NonZeroU32 = number(20);
}

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
            rate_per_second: defaults::RATE_PER_SECOND,
            rate_burst: defaults::RATE_BURST,
            reads_per_second: defaults::READS_PER_SECOND,
            reads_burst: defaults::READS_BURST,
            max_connections: defaults::MAX_CONNECTIONS.get(),
            max_connections_per_address: defaults::MAX_CONNECTIONS_PER_ADDRESS.get(),
            max_websockets: defaults::MAX_WEBSOCKETS.get(),
            max_websockets_per_address: defaults::MAX_WEBSOCKETS_PER_ADDRESS.get(),
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
