//! Owns `ait query …`: asks a node and prints its answer.

use std::fmt::Display;

use ait_app::{
    address::Address,
    identifiers::{JobId, ReceiptId},
};
use ait_client::Client;
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::Value;

use ait_home::{exit::Usage, output, settings::NodeArgs};

/// `ait query`
#[derive(Debug, Args)]
pub struct QueryArgs {
    #[command(flatten)]
    node: NodeArgs,
    #[command(subcommand)]
    what: Query,
}

#[derive(Debug, Subcommand)]
enum Query {
    /// The latest block's height, hash, time and state root
    Head,
    /// A block; the latest if none is named
    Block {
        /// Its height or hash
        #[arg(value_name = "HEIGHT|HASH")]
        block: Option<String>,
        /// Show its transactions, not their hashes alone
        #[arg(long)]
        full: bool,
    },
    /// A transaction: whether it is pending, and what it came to
    Tx {
        /// Its hash
        hash: String,
    },
    /// All that an account has: balance, next nonce, key, stake, bond, escrows, records
    Account {
        /// Whose
        address: Address,
    },
    /// An account's balance and nonce
    Balance {
        /// Whose
        address: Address,
        /// Add a proof
        #[arg(long)]
        prove: bool,
    },
    /// An escrow
    Escrow {
        /// Who opened it
        client: Address,
        /// For which job
        job_id: JobId,
        /// Add a proof of it, or of its absence
        #[arg(long)]
        prove: bool,
    },
    /// A receipt that was paid or refused
    Receipt {
        /// Whose
        miner: Address,
        /// The miner's name for it
        receipt_id: ReceiptId,
        /// Add a proof of it, or of its absence
        #[arg(long)]
        prove: bool,
    },
    /// A miner's work, offences and ban
    Miner {
        /// Whose
        address: Address,
        /// Add a proof
        #[arg(long)]
        prove: bool,
    },
    /// A coordinator's bond, and how its escrows ended
    Coordinator {
        /// Whose
        address: Address,
        /// Add a proof
        #[arg(long)]
        prove: bool,
    },
    /// All uait and where they are
    Supply {
        /// Add a proof
        #[arg(long)]
        prove: bool,
    },
    /// The validators, and those with the stake to be elected
    Validators,
    /// Every param
    Params,
    /// Whether the node is ready, and of which chain
    Health,
    /// CometBFT's peers
    Peers,
}

/// Runs `ait query …`.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(args: QueryArgs) -> Result<()> {
    let client = args.node.client()?;
    if matches!(args.what, Query::Health) {
        return health(&client).await;
    }
    let path = match &args.what {
        Query::Block { block: None, full } => block(&client.head().await?.height, *full),
        other => path(other)?,
    };
    output::json(&client.get::<Value>(&path).await?)
}

async fn health(client: &Client) -> Result<()> {
    let answer: Value = client.health().await?;
    output::json(&answer)?;
    match answer.get("status").and_then(Value::as_str) {
        Some("ok") => Ok(()),
        other => bail!("the node is not ready: {}", other.unwrap_or("unknown")),
    }
}

fn block(name: &impl Display, full: bool) -> String {
    let query = if full { "?txs=full" } else { "" };
    format!("/rpc/getBlock/{name}{query}")
}

fn path(query: &Query) -> Result<String> {
    let (path, prove) = match query {
        Query::Head | Query::Block { block: None, .. } => ("/rpc/getHead".to_owned(), false),
        Query::Block {
            block: Some(name),
            full,
        } => (block(&segment(name)?, *full), false),
        Query::Account { address } => (format!("/rpc/getAccount/{address}"), false),
        Query::Tx { hash } => (format!("/rpc/getTx/{}", segment(hash)?), false),
        Query::Balance { address, prove } => (format!("/rpc/getBalance/{address}"), *prove),
        Query::Escrow {
            client,
            job_id,
            prove,
        } => (format!("/rpc/getEscrow/{client}/{job_id}"), *prove),
        Query::Receipt {
            miner,
            receipt_id,
            prove,
        } => (format!("/rpc/getReceipt/{miner}/{receipt_id}"), *prove),
        Query::Coordinator { address, prove } => (format!("/rpc/getCoordinator/{address}"), *prove),
        Query::Miner { address, prove } => (format!("/rpc/getMiner/{address}"), *prove),
        Query::Supply { prove } => ("/rpc/getSupply".to_owned(), *prove),
        Query::Validators => ("/rpc/getValidators".to_owned(), false),
        Query::Params => ("/rpc/getParams".to_owned(), false),
        Query::Health => ("/health".to_owned(), false),
        Query::Peers => ("/p2p/peers".to_owned(), false),
    };
    Ok(if prove {
        format!("{path}?prove=true")
    } else {
        path
    })
}

/// Heights and hashes are letters and digits; anything else would be another path.
fn segment(text: &str) -> Result<&str> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Usage(format!("{text:?} is neither a height nor a hash")).into());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_hash_asks_for_no_other_path() {
        for bad in ["", "../admin", "1?x=y", "a/b", "ä"] {
            assert!(segment(bad).is_err(), "{bad}");
        }
        assert_eq!(segment("12AB").unwrap(), "12AB");
    }
}
