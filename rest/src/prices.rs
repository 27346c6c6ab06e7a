//! Owns what a place in a full pool costs at present, for people who ask before they sign. The last
//! block tells: it took the transactions that pay most a byte, so those left behind pay no more than
//! the least of its own.

use std::sync::atomic::{AtomicU64, Ordering};

use ait_abci::{CommittedBlock, PoolStats, limits};
use ait_app::quantity::Uait;

/// What a transaction has besides its payload: names, keys, signature, numbers.
const BYTES_AROUND_PAYLOAD: usize = 400;

/// The least that a transaction of the last block paid, uait for each 1,024 bytes of wire, rounded up.
#[derive(Debug, Default)]
pub struct Prices {
    least_per_kib: AtomicU64,
}

impl Prices {
    /// Takes note of a block. One in which nobody paid says nothing.
    pub fn note(&self, block: &CommittedBlock) {
        let paid = block.txs.iter().filter(|tx| !tx.result.fee.is_zero());
        let least = paid
            .map(|tx| per_kib(tx.result.fee.get(), tx.wire.len()))
            .min();
        if let Some(least) = least {
            self.least_per_kib.store(least, Ordering::Relaxed);
        }
    }

    /// The fee with which the pool takes a transaction: the required one while there is room, else what
    /// is surely 10 % above the least that is in it.
    pub fn to_enter(&self, stats: PoolStats, required: Uait, payload_bytes: usize) -> Uait {
        let bytes = payload_bytes.saturating_add(BYTES_AROUND_PAYLOAD);
        let has_room = stats.transactions < limits::MAX_TRANSACTIONS
            && stats.bytes.saturating_add(bytes) <= limits::MAX_BYTES;
        if has_room {
            return required;
        }
        let least = u128::from(self.least_per_kib.load(Ordering::Relaxed));
        let bytes = u128::try_from(bytes).unwrap_or(u128::MAX);
        let outbid = least
            .saturating_mul(bytes)
            .saturating_mul(11)
            .div_ceil(10 * 1024);
        let outbid = u64::try_from(outbid.saturating_add(1)).unwrap_or(u64::MAX);
        required.max(Uait::constant(outbid))
    }
}

fn per_kib(fee: u64, bytes: usize) -> u64 {
    let bytes = u128::try_from(bytes.max(1)).unwrap_or(u128::MAX);
    let price = u128::from(fee).saturating_mul(1024).div_ceil(bytes);
    u64::try_from(price).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> PoolStats {
        PoolStats {
            transactions: limits::MAX_TRANSACTIONS,
            ..PoolStats::default()
        }
    }

    #[test]
    fn a_place_in_a_pool_with_room_costs_the_required_fee() {
        let prices = Prices::default();
        prices.least_per_kib.store(1_000_000, Ordering::Relaxed);
        let required = Uait::constant(12);
        assert_eq!(
            prices.to_enter(PoolStats::default(), required, 100),
            required
        );
    }

    #[test]
    fn a_place_in_a_full_pool_costs_a_tenth_more_a_byte_than_the_last_block_took() {
        let prices = Prices::default();
        prices
            .least_per_kib
            .store(per_kib(1_000, 500), Ordering::Relaxed);
        let fee = prices.to_enter(full(), Uait::constant(12), 100).get();
        // 500 bytes for 1,000 uait, and a tenth more.
        assert!((1_100..=1_102).contains(&fee), "{fee}");
        let dear = Uait::constant(5_000);
        assert_eq!(prices.to_enter(full(), dear, 100), dear);
    }
}
