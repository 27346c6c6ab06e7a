//! Keys and records of the one sled tree that holds a store.
//!
//! | key | value |
//! |---|---|
//! | `h` | the head: format (u32), height (u64), length of meta (u32), chain id |
//! | `m` index | a chunk of the head's meta |
//! | `s` key | a state entry: length (u32), first chunk |
//! | `S` key index | a further chunk of it |
//! | `t` hash | a transaction's record: height (u64), length (u32), first chunk |
//! | `T` height hash index | a further chunk of it |
//! | `i` height hash | tells pruning which transactions are old: length of the record (u32) |
//! | `p` | length (u64) of the saved pool: for each transaction its length (u32) and bytes |
//! | `P` index | a chunk of the saved pool |
//!
//! Integers are big-endian, an index is a u32, a height a u64.
//!
//! Values are cut into chunks because sled writes a page above 128 KiB, which holds up to about 20 entries, to
//! a file of its own. It does not wait for that file, and after a power loss it skips over a missing one
//! without an error. Chunks of this size never make such a page.

use crate::TransactionHash;

/// The format written here, and the newest one understood.
pub(crate) const FORMAT: u32 = 1;

/// The longest state key in bytes. Pages of longer ones might outgrow sled's segments.
pub const MAX_KEY_BYTES: usize = 256;

/// The longest value, record or meta in bytes: far above anything a block of 4 MiB leaves behind.
pub const MAX_VALUE_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of a value that stand in one entry of the tree.
pub(crate) const CHUNK_BYTES: usize = 4096;

/// Key of the head.
pub(crate) const HEAD: &[u8] = b"h";
/// Key of the saved pool's length.
pub(crate) const POOL: &[u8] = b"p";
/// Prefix of the state's entries.
pub(crate) const STATE: u8 = b's';
/// Prefix of the further chunks of long state values.
pub(crate) const STATE_CHUNK: u8 = b'S';
/// Prefix of the transactions by height.
pub(crate) const TRANSACTION_HEIGHT: u8 = b'i';
const META_CHUNK: u8 = b'm';
const TRANSACTION: u8 = b't';
const TRANSACTION_CHUNK: u8 = b'T';
const POOL_CHUNK: u8 = b'P';

/// The length of a value as stored. Callers refuse longer ones first.
pub(crate) fn length_of(value: &[u8]) -> u32 {
    u32::try_from(value.len()).unwrap_or(u32::MAX)
}

/// How many chunks a value of this length needs.
pub(crate) fn chunk_count(length: u64) -> u32 {
    u32::try_from(length.div_ceil(CHUNK_BYTES as u64)).unwrap_or(u32::MAX)
}

/// How many chunks follow the first one, which is there even when it is empty.
pub(crate) fn further_chunk_count(length: u32) -> u32 {
    chunk_count(u64::from(length)).saturating_sub(1)
}

/// A value cut into its first chunk and the further ones, numbered from 0.
pub(crate) fn cut(value: &[u8]) -> (&[u8], impl Iterator<Item = (u32, &[u8])>) {
    let (first, rest) = value.split_at(value.len().min(CHUNK_BYTES));
    (first, numbered_chunks(rest))
}

/// The chunks of a value, numbered from 0.
pub(crate) fn numbered_chunks(value: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    (0..).zip(value.chunks(CHUNK_BYTES))
}

pub(crate) fn meta_chunk_key(index: u32) -> Vec<u8> {
    [&[META_CHUNK][..], &index.to_be_bytes()].concat()
}

pub(crate) fn pool_chunk_key(index: u32) -> Vec<u8> {
    [&[POOL_CHUNK][..], &index.to_be_bytes()].concat()
}

pub(crate) fn state_key(key: &[u8]) -> Vec<u8> {
    [&[STATE], key].concat()
}

pub(crate) fn state_chunk_key(key: &[u8], index: u32) -> Vec<u8> {
    [&[STATE_CHUNK], key, &index.to_be_bytes()].concat()
}

/// The state key that a further chunk's key belongs to.
pub(crate) fn state_key_of_chunk(chunk_key: &[u8]) -> Option<&[u8]> {
    let (_, key_and_index) = chunk_key.split_first()?;
    let (key, _) = key_and_index.split_last_chunk::<4>()?;
    Some(key)
}

/// The value of a state entry's first chunk.
pub(crate) fn state_value(length: u32, first: &[u8]) -> Vec<u8> {
    [&length.to_be_bytes(), first].concat()
}

/// The length and the first chunk of a state entry.
pub(crate) fn decode_state_value(value: &[u8]) -> Option<(u32, &[u8])> {
    let (length, first) = value.split_first_chunk()?;
    Some((u32::from_be_bytes(*length), first))
}

pub(crate) fn transaction_key(hash: &TransactionHash) -> Vec<u8> {
    [&[TRANSACTION], &hash[..]].concat()
}

pub(crate) fn transaction_chunk_key(height: u64, hash: &TransactionHash, index: u32) -> Vec<u8> {
    [
        &[TRANSACTION_CHUNK][..],
        &height.to_be_bytes(),
        hash,
        &index.to_be_bytes(),
    ]
    .concat()
}

pub(crate) fn transaction_height_key(height: u64, hash: &TransactionHash) -> Vec<u8> {
    [&[TRANSACTION_HEIGHT][..], &height.to_be_bytes(), hash].concat()
}

/// The beginning of every key of [`transaction_height_key`] for a height.
pub(crate) fn transactions_of_height(height: u64) -> Vec<u8> {
    [&[TRANSACTION_HEIGHT][..], &height.to_be_bytes()].concat()
}

/// The height and the hash in a key of [`transaction_height_key`].
pub(crate) fn decode_transaction_height_key(key: &[u8]) -> Option<(u64, TransactionHash)> {
    let (_, height_and_hash) = key.split_first()?;
    let (height, hash) = height_and_hash.split_first_chunk()?;
    Some((u64::from_be_bytes(*height), hash.try_into().ok()?))
}

/// The value of a transaction record's first chunk.
pub(crate) fn transaction_value(height: u64, length: u32, first: &[u8]) -> Vec<u8> {
    [&height.to_be_bytes()[..], &length.to_be_bytes(), first].concat()
}

/// The height, length and first chunk of a transaction's record.
pub(crate) fn decode_transaction_value(value: &[u8]) -> Option<(u64, u32, &[u8])> {
    let (height, rest) = value.split_first_chunk()?;
    let (length, first) = rest.split_first_chunk()?;
    Some((
        u64::from_be_bytes(*height),
        u32::from_be_bytes(*length),
        first,
    ))
}

/// The saved pool as one value.
pub(crate) fn encode_pool(transactions: &[Vec<u8>]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for transaction in transactions {
        encoded.extend_from_slice(&length_of(transaction).to_be_bytes());
        encoded.extend_from_slice(transaction);
    }
    encoded
}

/// The transactions of a saved pool.
pub(crate) fn decode_pool(mut encoded: &[u8]) -> Option<Vec<Vec<u8>>> {
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

/// The head: what the store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) height: u64,
    pub(crate) meta_length: u32,
    pub(crate) chain_id: String,
}

/// Why a head cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeadError {
    /// Of a format newer than [`FORMAT`].
    Newer(u32),
    /// Not a head of any format.
    Undecodable,
}

impl Head {
    pub(crate) fn encode(&self) -> Vec<u8> {
        [
            &FORMAT.to_be_bytes()[..],
            &self.height.to_be_bytes(),
            &self.meta_length.to_be_bytes(),
            self.chain_id.as_bytes(),
        ]
        .concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeadError> {
        let (format, rest) = bytes.split_first_chunk().ok_or(HeadError::Undecodable)?;
        match u32::from_be_bytes(*format) {
            FORMAT => Self::decode_fields(rest).ok_or(HeadError::Undecodable),
            newer if newer > FORMAT => Err(HeadError::Newer(newer)),
            _ => Err(HeadError::Undecodable),
        }
    }

    fn decode_fields(bytes: &[u8]) -> Option<Self> {
        let (height, rest) = bytes.split_first_chunk()?;
        let (meta_length, chain_id) = rest.split_first_chunk()?;
        Some(Self {
            height: u64::from_be_bytes(*height),
            meta_length: u32::from_be_bytes(*meta_length),
            chain_id: String::from_utf8(chain_id.to_vec()).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let head = Head {
            height: 7,
            meta_length: 40,
            chain_id: "ait-devnet".to_owned(),
        };
        assert_eq!(Head::decode(&head.encode()), Ok(head));
    }

    #[test]
    fn a_head_of_a_newer_format_is_told_apart_from_a_damaged_one() {
        assert_eq!(Head::decode(&[0, 0, 0, 2, 9, 9]), Err(HeadError::Newer(2)));
        for damaged in [&[][..], &[0, 0, 0], &[0, 0, 0, 0], &[0, 0, 0, 1, 0]] {
            assert_eq!(
                Head::decode(damaged),
                Err(HeadError::Undecodable),
                "{damaged:?}"
            );
        }
    }

    #[test]
    fn a_value_is_cut_into_chunks_that_make_it_up() {
        for length in [0, 1, 4095, 4096, 4097, 8192, 8193, 100_000] {
            let value: Vec<u8> = (0..length).map(|byte: u32| byte.to_le_bytes()[0]).collect();
            let (first, further) = cut(&value);
            let further: Vec<(u32, &[u8])> = further.collect();
            assert_eq!(
                further.len(),
                further_chunk_count(length) as usize,
                "{length}"
            );
            let mut joined = first.to_vec();
            for (expected, (index, chunk)) in further.iter().enumerate() {
                assert_eq!(expected, *index as usize);
                joined.extend_from_slice(chunk);
            }
            assert_eq!(joined, value);
        }
    }

    #[test]
    fn a_cut_off_pool_is_not_understood() {
        let encoded = encode_pool(&[vec![1, 2, 3], vec![], vec![4]]);
        assert_eq!(
            decode_pool(&encoded),
            Some(vec![vec![1, 2, 3], vec![], vec![4]])
        );
        assert_eq!(decode_pool(&encoded[..encoded.len() - 1]), None);
    }
}
