//! Owns how much the pool keeps and for how long (PROTOCOL section 3).

use ait_app::quantity::Uait;

/// Transactions in all. CometBFT's mempool is set twice as large.
pub const MAX_TRANSACTIONS: usize = 20_000;

/// Bytes in all.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Transactions that others may push out of a full pool between two commits.
pub const MAX_EVICTIONS: usize = 5_000;

/// How far ahead of its account's nonce a transaction may be, and so how many a sender has pending.
pub const MAX_NONCES_AHEAD: u64 = 256;

/// Parked transactions of one sender.
pub const MAX_PARKED_OF_SENDER: usize = 16;

/// Parked transactions of all senders.
pub const MAX_PARKED: usize = 500;

/// Blocks that a transaction stays parked.
pub const PARKED_BLOCKS: u64 = 5;

/// Claims that wait for an attestation, for one escrow.
pub const MAX_WAITING_OF_ESCROW: usize = 4;

/// Transactions that may stand behind the first waiting claim of their sender.
pub const MAX_BEHIND_CLAIM: usize = 3;

/// Claims that wait for an attestation and what stands behind them, in all.
pub const MAX_WAITING: usize = 1_000;

/// Blocks that a claim waits for its attestation.
pub const WAITING_BLOCKS: u64 = 20;

/// Senders with claims on one escrow.
pub const MAX_CLAIMANTS: usize = 4;

/// Reasons remembered for transactions that were dropped.
pub const MAX_DROPPED: usize = 100_000;

/// Whether `fee` is at least 10 % and at least 1 uait above the `pending` one, and so takes its place.
pub fn outbids(fee: Uait, pending: Uait) -> bool {
    let (fee, pending) = (u128::from(fee.get()), u128::from(pending.get()));
    fee > pending && fee.saturating_mul(10) >= pending.saturating_mul(11)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_more_and_at_least_one_uait_more_outbids() {
        let outbids = |fee, pending| outbids(Uait::constant(fee), Uait::constant(pending));
        assert!(outbids(110, 100) && outbids(1, 0) && outbids(2, 1) && outbids(121, 110));
        assert!(!outbids(109, 100) && !outbids(0, 0) && !outbids(10, 10) && !outbids(120, 110));
        assert!(outbids(Uait::MAX.get(), Uait::MAX.get() / 2));
    }
}
