//! Owns what a transaction is worth to a full pool and to a proposal: its fee a byte.

use std::cmp::Ordering;

use ait_app::{quantity::Uait, tx::VerifiedTx};

/// A fee a byte, as an exact fraction.
#[derive(Debug, Clone, Copy)]
pub struct Worth {
    fee: u64,
    /// At least 1.
    bytes: u64,
}

impl Worth {
    /// Of a transaction with that many wire bytes.
    pub fn of(verified: &VerifiedTx, wire_bytes: usize) -> Self {
        Self::new(verified.tx.fee, wire_bytes)
    }

    fn new(fee: Uait, bytes: usize) -> Self {
        Self {
            fee: fee.get(),
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX).max(1),
        }
    }

    /// Whether it is at least 10 % more, and more at all.
    pub fn outbids(self, other: Self) -> bool {
        let (own, others) = self.cross(other);
        own > others && own.saturating_mul(10) >= others.saturating_mul(11)
    }

    /// Both over the same number of bytes: at most 2^53 * 2^24, so nothing saturates.
    fn cross(self, other: Self) -> (u128, u128) {
        let product = |fee: u64, bytes: u64| u128::from(fee).saturating_mul(u128::from(bytes));
        (
            product(self.fee, other.bytes),
            product(other.fee, self.bytes),
        )
    }
}

impl Ord for Worth {
    fn cmp(&self, other: &Self) -> Ordering {
        let (own, others) = self.cross(*other);
        own.cmp(&others)
    }
}

impl PartialOrd for Worth {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Worth {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Worth {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_are_compared_by_the_byte() {
        let worth = |fee, bytes| Worth::new(Uait::constant(fee), bytes);
        assert!(worth(100, 300) > worth(100, 400));
        assert_eq!(worth(1, 3), worth(2, 6));
        assert!(worth(110, 300).outbids(worth(100, 300)));
        assert!(!worth(109, 300).outbids(worth(100, 300)));
        assert!(!worth(0, 300).outbids(worth(0, 400)));
        assert!(worth(1, 16_384).outbids(worth(0, 300)));
    }
}
