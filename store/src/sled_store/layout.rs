//! Keys and values of the one sled tree that holds a store.
//!
//! | key | value |
//! |---|---|
//! | `h` | the head and the first chunk of it, as of every value |
//! | `p` | the saved pool |
//! | a table's letter, key | an entry of a table: length (u32), first chunk |
//! | `+` table's letter, key, index | a further chunk of it |
//!
//! Integers are big-endian, an index is a u32.
//!
//! Values are cut into chunks because sled writes a page above 128 KiB, which holds up to about 20 entries, to
//! a file of its own. It does not wait for that file, and after a power loss it skips over a missing one
//! without an error. Chunks of this size never make such a page.

use crate::Table;

/// Bytes of a value that stand in one entry of the tree.
pub(super) const CHUNK_BYTES: usize = 4096;
/// Key of the head.
pub(super) const HEAD: &[u8] = b"h";
/// Key of the saved pool.
pub(super) const POOL: &[u8] = b"p";
/// Prefix of the further chunks of long values.
pub(super) const CHUNK: u8 = b'+';

/// What every key of a table begins with.
pub(super) const fn letter(table: Table) -> u8 {
    match table {
        Table::Records => b'r',
        Table::History => b'y',
        Table::Undo => b'u',
        Table::Roots => b't',
        Table::Indexed => b'i',
        Table::Blocks => b'b',
        Table::Transactions => b'x',
    }
}

/// The key of an entry.
pub(super) fn entry_key(table: Table, key: &[u8]) -> Vec<u8> {
    [&[letter(table)], key].concat()
}

/// The key of a further chunk of what stands under `key`.
pub(super) fn chunk_key(key: &[u8], index: u32) -> Vec<u8> {
    [&[CHUNK][..], key, &index.to_be_bytes()].concat()
}

/// How many chunks follow the first one, which is there even when it is empty.
pub(super) fn further_chunks(length: u32) -> u32 {
    let chunks = u64::from(length).div_ceil(CHUNK_BYTES as u64);
    u32::try_from(chunks).unwrap_or(u32::MAX).saturating_sub(1)
}

/// The length and the first chunk of a value.
pub(super) fn decode(stored: &[u8]) -> Option<(u32, &[u8])> {
    let (length, first) = stored.split_first_chunk()?;
    Some((u32::from_be_bytes(*length), first))
}

/// A value cut into what stands under its key and the further chunks, numbered from 0.
pub(super) fn cut(value: &[u8]) -> (Vec<u8>, impl Iterator<Item = (u32, &[u8])>) {
    let (first, rest) = value.split_at(value.len().min(CHUNK_BYTES));
    // Longer ones were refused.
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    let stored = [&length.to_be_bytes(), first].concat();
    (stored, (0..).zip(rest.chunks(CHUNK_BYTES)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_cut_into_chunks_that_make_it_up() {
        for length in [0, 1, 4095, 4096, 4097, 8192, 8193, 100_000] {
            let value: Vec<u8> = (0..length).map(|byte: u32| byte.to_le_bytes()[0]).collect();
            let (stored, further) = cut(&value);
            let (found, first) = decode(&stored).unwrap();
            assert_eq!(found, length);
            let mut joined = first.to_vec();
            let mut count = 0;
            for (index, chunk) in further {
                assert_eq!(index, count);
                joined.extend_from_slice(chunk);
                count += 1;
            }
            assert_eq!(count, further_chunks(length), "{length}");
            assert_eq!(joined, value);
        }
    }

    #[test]
    fn no_table_shares_its_letter() {
        let mut letters = vec![CHUNK, HEAD[0], POOL[0]];
        letters.extend(Table::ALL.iter().map(|table| letter(*table)));
        let count = letters.len();
        letters.sort_unstable();
        letters.dedup();
        assert_eq!(letters.len(), count);
    }
}
