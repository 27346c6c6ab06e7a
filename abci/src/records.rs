//! Owns what the node tells its readers of committed blocks and of transactions on their way.

use std::sync::Arc;

use ait_app::{
    Refusal,
    address::Address,
    events::Event,
    receipts::terms::AttestationRequest,
    state::State,
    tx::{TxHash, TxResult},
};
use serde::{Deserialize, Serialize};

/// Where a committed state comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The genesis, before the first block.
    Genesis,
    /// A block that this node executed.
    #[default]
    Block,
    /// A snapshot of the state after a block, of which this node knows nothing else.
    Snapshot,
}

/// What is known of a block besides its transactions and the state after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockInfo {
    pub height: u64,
    #[serde(default)]
    pub origin: Origin,
    /// Its CometBFT hash, upper-case hex; empty where this node executed no block.
    pub block_hash: String,
    /// Its time, Unix seconds.
    pub time: i64,
    /// The account that its fees went to.
    pub proposer: Address,
    /// The app hash after it, lower-case hex: the next header's.
    pub app_hash: String,
    /// What the genesis allows a block's transactions, bytes by protobuf size.
    pub max_block_bytes: usize,
}

/// The committed state of one height. Readers hold it as long as they like and block nobody.
pub struct CommittedState {
    pub state: State,
    /// The block that made it.
    pub block: BlockInfo,
}

impl CommittedState {
    /// Whether a block made it that this node executed.
    pub(crate) fn is_of_a_block(&self) -> bool {
        self.block.origin == Origin::Block
    }
}

/// A block as it was committed, for those who watch.
#[derive(Debug)]
pub struct CommittedBlock {
    /// The block.
    pub info: BlockInfo,
    /// Its entries, in order.
    pub txs: Vec<CommittedTx>,
    /// What happened outside of transactions.
    pub events: Vec<Event>,
}

/// An entry of a committed block.
#[derive(Debug, Clone)]
pub struct CommittedTx {
    pub hash: TxHash,
    /// Its bytes.
    pub wire: Arc<[u8]>,
    pub result: TxResult,
}

/// A committed entry as the store's index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxRecord {
    /// The block.
    pub height: u64,
    /// The place in it, from 0.
    pub index: u32,
    pub result: TxResult,
    /// Its bytes.
    pub wire: Vec<u8>,
}

/// The two parts of a stored record.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    rest.split_at_checked(length)
}

impl TxRecord {
    /// The bytes for the store: length of the result's JSON (4 bytes, big endian), that JSON, wire.
    ///
    /// # Errors
    /// When it doesn't serialise.
    pub(crate) fn encode(result: &TxResult, wire: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
        let result = serde_json::to_vec(result)?;
        let length = u32::try_from(result.len()).unwrap_or(u32::MAX);
        Ok([&length.to_be_bytes(), result.as_slice(), wire].concat())
    }

    /// Reads what [`TxRecord::encode`] wrote of the transaction in this place.
    pub(crate) fn decode(height: u64, index: u32, bytes: &[u8]) -> Option<Self> {
        let (result, wire) = split(bytes)?;
        Some(Self {
            height,
            index,
            result: serde_json::from_slice(result).ok()?,
            wire: wire.to_vec(),
        })
    }

    /// Of what [`TxRecord::encode`] wrote, the transaction's bytes.
    pub(crate) fn wire(bytes: &[u8]) -> Option<&[u8]> {
        split(bytes).map(|(_, wire)| wire)
    }
}

/// A transaction that waits in the pool.
#[derive(Debug, Clone)]
pub struct PendingTx {
    /// Its bytes.
    pub wire: Arc<[u8]>,
    /// A claim that waits for its coordinator, or one that stands behind such a claim.
    pub waits_for_attestation: bool,
    /// Parked: it cannot be proposed yet, and is dropped unless that changes soon.
    pub parked: bool,
}

/// What CheckTx says of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may be proposed.
    Ready,
    /// A claim that waits for its coordinator, or one that stands behind such a claim.
    WaitsForAttestation,
    /// Kept for a few blocks, since another node may be ahead of this one; why it can't run yet.
    Parked(Refusal),
    /// Not kept.
    Refused(Refusal),
}

/// What became of a coordinator's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// The claim has it now.
    Taken,
    /// It is worth nothing, or comes too late.
    Refused(Refusal),
}

/// How full the mempool is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PoolStats {
    /// Transactions, the next two kinds included, and those that a replacement has not displaced yet.
    pub transactions: usize,
    /// Of them parked.
    pub parked: usize,
    /// Of them claims that wait for their coordinator, and what stands behind such claims.
    pub waiting_for_attestation: usize,
    /// Bytes of all.
    pub bytes: usize,
}

/// A claim whose coordinator shall be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedAttestation {
    /// The claim.
    pub hash: TxHash,
    /// Whom to ask.
    pub coordinator: Address,
    /// What to ask, with the miner's key where the chain doesn't know it yet.
    pub request: AttestationRequest,
}
