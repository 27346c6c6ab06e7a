//! Owns the names of the routes.

use std::fmt::Display;

/// How a route is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Sends.
    Post,
}

impl Method {
    /// As the document writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Method::Get => "get",
            Method::Post => "post",
        }
    }
}

/// A route: its method, and its path with `{names}` for what varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// How it is asked.
    pub method: Method,
    /// Its path.
    pub path: &'static str,
    /// Its name in generated clients.
    pub operation: &'static str,
}

impl Route {
    /// Its path with values for what varies, in order. The values of this chain (addresses, ids, hashes,
    /// heights) need no escaping.
    pub fn to(&self, values: &[&(dyn Display + Sync)]) -> String {
        let mut values = values.iter();
        let parts = self.path.split('/').map(|part| match values.as_slice() {
            [value, ..] if part.starts_with('{') => {
                values.next();
                value.to_string()
            }
            _ => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join("/")
    }
}

macro_rules! routes {
    ($($(#[doc = $doc:literal])+ $name:ident = $method:ident $path:literal, $operation:literal;)+) => {
        $($(#[doc = $doc])+
        pub const $name: Route = Route {
            method: Method::$method,
            path: $path,
            operation: $operation,
        };)+

        /// Every route.
        pub const ALL: &[Route] = &[$($name,)+];
    };
}

routes! {
    /// Sends a transaction.
    SEND_TX = Post "/rpc/sendTx", "sendTx";
    /// Sends many.
    SEND_TXS = Post "/rpc/sendTxs", "sendTxs";
    /// Sends a claim.
    SUBMIT_RECEIPT = Post "/rpc/submitReceipt", "submitReceipt";
    /// A transaction.
    GET_TX = Get "/rpc/getTx/{txHash}", "getTx";
    /// What a payload must pay.
    ESTIMATE_FEE = Post "/rpc/estimateFee", "estimateFee";
    /// What a transaction would do.
    SIMULATE = Post "/rpc/simulate", "simulate";
    /// A block.
    GET_BLOCK = Get "/rpc/getBlock/{heightOrHash}", "getBlock";
    /// A block's header and who signed it.
    GET_COMMIT = Get "/rpc/getCommit/{height}", "getCommit";
    /// The validators that sign a block.
    GET_VALIDATOR_SET = Get "/rpc/getValidatorSet/{height}", "getValidatorSet";
    /// The latest block.
    GET_HEAD = Get "/rpc/getHead", "getHead";
    /// Balance and nonce.
    GET_BALANCE = Get "/rpc/getBalance/{address}", "getBalance";
    /// All of an account.
    GET_ACCOUNT = Get "/rpc/getAccount/{address}", "getAccount";
    /// An escrow.
    GET_ESCROW = Get "/rpc/getEscrow/{client}/{job_id}", "getEscrow";
    /// A receipt.
    GET_RECEIPT = Get "/rpc/getReceipt/{miner}/{receipt_id}", "getReceipt";
    /// A miner.
    GET_MINER = Get "/rpc/getMiner/{address}", "getMiner";
    /// A coordinator.
    GET_COORDINATOR = Get "/rpc/getCoordinator/{address}", "getCoordinator";
    /// The books.
    GET_SUPPLY = Get "/rpc/getSupply", "getSupply";
    /// The validators.
    GET_VALIDATORS = Get "/rpc/getValidators", "getValidators";
    /// The params.
    GET_PARAMS = Get "/rpc/getParams", "getParams";
    /// The mock coordinator, on a devnet.
    ATTEST = Post "/rpc/attest", "attest";
    /// What the node counts.
    METRICS = Get "/rpc/metrics", "metrics";
    /// Whether the node can serve.
    HEALTH = Get "/health", "health";
    /// The OpenAPI document.
    OPENAPI = Get "/openapi.json", "openapi";
    /// The OpenAPI document for people.
    DOCS = Get "/docs", "docs";
    /// A file of it.
    DOCS_FILE = Get "/docs/{file}", "docsFile";
    /// CometBFT's peers.
    PEERS = Get "/p2p/peers", "peers";
    /// The WebSocket of live events.
    LIVE_EVENTS = Get "/p2p/ws", "liveEvents";
    /// Sends `PARAM_UPDATE`.
    PARAM_SET = Post "/admin/paramSet", "paramSet";
    /// Dials a peer.
    ADD_PEER = Post "/admin/peers/add", "addPeer";
    /// Pays from the faucet.
    MINT_FAUCET = Post "/admin/mintFaucet", "mintFaucet";
    /// The web page.
    PAGE = Get "/", "page";
    /// A file of the web page.
    PAGE_FILE = Get "/web/{file}", "pageFile";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_filled_in_order() {
        assert_eq!(
            GET_ESCROW.to(&[&"ait1x", &"job_1"]),
            "/rpc/getEscrow/ait1x/job_1"
        );
        assert_eq!(GET_BLOCK.to(&[&7]), "/rpc/getBlock/7");
        assert_eq!(GET_HEAD.to(&[]), "/rpc/getHead");
    }
}
