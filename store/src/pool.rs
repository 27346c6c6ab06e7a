//! The pool saved between two runs of a node: all of it as one value.

use crate::{StoreError, batch::check_length};

/// For each transaction its length (u32, big-endian) and bytes.
pub(crate) fn encode(transactions: &[Vec<u8>]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for transaction in transactions {
        // Longer ones were refused.
        let length = u32::try_from(transaction.len()).unwrap_or(u32::MAX);
        encoded.extend_from_slice(&length.to_be_bytes());
        encoded.extend_from_slice(transaction);
    }
    encoded
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode(mut encoded: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut transactions = Vec::new();
    while !encoded.is_empty() {
        let (length, rest) = encoded.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (transaction, rest) = rest.split_at_checked(length)?;
        transactions.push(transaction.to_vec());
        encoded = rest;
    }
    Some(transactions)
}

/// Refuses what can't be saved.
pub(crate) fn check(transactions: &[Vec<u8>]) -> Result<(), StoreError> {
    let mut transactions = transactions.iter();
    transactions.try_for_each(|transaction| check_length("transaction of the pool", transaction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_read_as_it_was_written() {
        let pool = vec![vec![1, 2, 3], vec![], vec![9; 300]];
        let encoded = encode(&pool);
        assert_eq!(decode(&encoded), Some(pool));
        assert_eq!(decode(&encoded[..encoded.len() - 1]), None);
    }
}
