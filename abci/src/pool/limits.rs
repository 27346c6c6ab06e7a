//! Owns how much the pool keeps and for how long (SPEC sections 3 and 4).

/// Transactions in all: CometBFT's mempool of 20,000 and as much again for what it replaces.
pub const MAX_TRANSACTIONS: usize = 40_000;

/// Bytes in all: twice CometBFT's mempool of 64 MiB.
pub const MAX_BYTES: usize = 128 * 1024 * 1024;

/// How far ahead of its account's nonce a transaction may be. A replacement has all of its sender's
/// run judged anew, so a long run is work that others can ask for cheaply.
pub const MAX_NONCES_AHEAD: u64 = 256;

/// Parked transactions of one sender.
pub const MAX_PARKED_OF_SENDER: usize = 16;

/// Parked transactions of all senders.
pub const MAX_PARKED: usize = 500;

/// Blocks that a transaction stays parked.
pub const PARKED_BLOCKS: u64 = 5;

/// Claims that wait for an attestation, for one escrow.
pub const MAX_WAITING_OF_ESCROW: usize = 4;

/// Claims that wait for an attestation, in all.
pub const MAX_WAITING: usize = 1_000;

/// Blocks that a claim waits for its attestation.
pub const WAITING_BLOCKS: u64 = 20;

/// Whether `fee` is at least 10 % above the `pending` one, and so replaces it.
pub fn replaces(fee: u64, pending: u64) -> bool {
    let (fee, pending) = (u128::from(fee), u128::from(pending));
    fee > pending && fee.saturating_mul(10) >= pending.saturating_mul(11)
}
