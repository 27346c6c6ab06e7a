//! Owns why no node joins: each refusal says which node said what, and what to do.

use std::fmt;

use ait_app::identifiers::ChainId;
use ait_home::comet::state_sync::{BlockHash, TrustedBlock};

/// What each node said, or why it said nothing: by URL, in the order that they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers(pub Vec<(String, String)>);

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (url, answer) in &self.0 {
            write!(f, "\n  {url}: {answer}")?;
        }
        Ok(())
    }
}

fn or_trust(needed: &usize) -> &'static str {
    match needed {
        1 => "",
        _ => ", or the block to trust by --trust HEIGHT:HASH",
    }
}

/// Why no node joins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// Nobody is there to compare with.
    #[error(
        "{needed} nodes that say the same are needed, and {found} can be used. Name others by --join{or_trust}\
         {silent}",
        or_trust = or_trust(.needed)
    )]
    TooFew {
        /// How many would do.
        needed: usize,
        /// How many can be used.
        found: usize,
        /// Why the others can't.
        silent: Answers,
    },
    /// Two addresses of one node say nothing more than one.
    #[error(
        "{first} and {second} are one node ({id}), which agrees with itself whatever it says: name another by \
         --join, or the block to trust by --trust HEIGHT:HASH"
    )]
    OneNode {
        /// A URL.
        first: String,
        /// Another.
        second: String,
        /// Their node's id.
        id: String,
    },
    /// They are nodes of different networks.
    #[error("the nodes are of different chains: leave out those that are not of yours{0}")]
    ChainsDiffer(Answers),
    /// They are all of another network.
    #[error(
        "the nodes are of chain {found}, not of {expected}: name nodes of that chain, or another CHAIN_ID"
    )]
    OtherChain {
        /// The nodes' chain.
        found: ChainId,
        /// The one that was meant.
        expected: ChainId,
    },
    /// They began differently.
    #[error(
        "{first} and {second} began with different genesis documents; they differ at {place}. One of them is not \
         of your chain: ask somebody you trust which"
    )]
    GenesisDiffers {
        /// A node.
        first: String,
        /// Another.
        second: String,
        /// A JSON pointer.
        place: String,
    },
    /// The document is none of this kind of chain.
    #[error("the genesis of {url} is refused: {reason}")]
    GenesisRefused {
        /// The node.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// They keep no block that all of them have.
    #[error("the nodes have no block in common: wait for the first one, or name others{0}")]
    NoCommonBlock(Answers),
    /// They have different chains of blocks.
    #[error(
        "the nodes disagree about block {height}. One of them is wrong or lies: ask somebody you trust for the \
         hash, and name it by --trust {height}:HASH{answers}"
    )]
    BlocksDiffer {
        /// The block.
        height: u64,
        /// What each said.
        answers: Answers,
    },
    /// They have another block than the one that is trusted.
    #[error(
        "block {} does not have the hash {} of --trust at every node: look at the hash again, or leave out who \
         has another{answers}", .block.height, .block.hash
    )]
    NotTrusted {
        /// What is trusted.
        block: TrustedBlock,
        /// What those said that have another.
        answers: Answers,
    },
    /// CometBFT would verify nothing from it.
    #[error(
        "block {height} is of {time}, {age} ago, and is trusted for {period}: name a later one by --trust, the \
         chain's pause by BLOCK_INTERVAL, from which that period follows, or a longer one by --trust-period"
    )]
    TooOld {
        /// The block.
        height: u64,
        /// When it was made.
        time: String,
        /// How long that is ago.
        age: String,
        /// The trust period.
        period: String,
    },
    /// This machine's clock is behind.
    #[error("block {height} is of {time}, which has not come yet: set this machine's clock")]
    InFuture {
        /// The block.
        height: u64,
        /// When it was made.
        time: String,
    },
    /// Nobody is there to be dialled.
    #[error("no peer is known: name one by --peers ID@HOST:PORT{0}")]
    NoPeers(Answers),
    /// Nobody is there to be asked.
    #[error(
        "nobody was asked whether to trust block {}: standard input is no terminal. Compare the hash with that \
         of somebody you trust, and then run\n  {command}", .block.height
    )]
    NotAsked {
        /// What the nodes say.
        block: TrustedBlock,
        /// The same command, with the block.
        command: String,
    },
    /// Whoever was asked said no.
    #[error("block {height} with hash {hash} is not trusted: nothing was made")]
    Declined {
        /// The block.
        height: u64,
        /// Its hash.
        hash: BlockHash,
    },
}
