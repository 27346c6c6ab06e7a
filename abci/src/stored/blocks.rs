//! Owns the transactions of kept blocks, with their results: in groups, each one compressed value, and an
//! index of a few bytes a transaction.
//!
//! | table | key | value |
//! |---|---|---|
//! | blocks | height (u64) group (u32) | LZ4 of its records: length (u32) and bytes each |
//! | transactions | hash | height (u64), place in the block (u32) |
//!
//! A record is [`TxRecord::encode`]'s. Integers are big-endian.

use std::sync::atomic::{AtomicU64, Ordering};

use ait_app::tx::TxHash;
use ait_store::{Entry, Store, StoreError, Table, WriteBatch};

use super::{
    Written,
    packing::{packed, unpacked},
};
use crate::{fatal::Fatal, records::TxRecord};

/// Transactions of a group: enough to compress well, and few to read for one of them.
const GROUP: usize = 64;
/// Transactions that a block prunes at least where there are as many: enough to catch up with any rate of
/// new ones, and few enough that lowering the number of blocks kept stalls no block.
const LEAST_PRUNED: usize = 1_000;
/// The most bytes a group may have: more than the transactions of the largest block with their results.
const MAX_GROUP_BYTES: usize = 1024 * 1024 * 1024;

/// The blocks on disk.
#[derive(Default)]
pub(crate) struct Blocks {
    /// Nothing of blocks below this one is on disk, as far as is known.
    pruned_below: AtomicU64,
}

impl Blocks {
    /// Writes a block's transactions, and removes some of blocks that need not be kept.
    pub(super) fn write(
        &self,
        block: &Written<'_>,
        store: &dyn Store,
        batch: &mut WriteBatch,
    ) -> Result<(), Fatal> {
        let height = block.info.height;
        if block.retain_height > 0 {
            let most = block.txs.len().saturating_mul(2).max(LEAST_PRUNED);
            self.prune(block.retain_height, most, store, batch)?;
        }
        let mut records = Vec::with_capacity(block.txs.len());
        for (wire, result) in block.txs.iter().zip(block.results) {
            records.push(TxRecord::encode(result, wire)?);
        }
        write_block(height, &records, block.hashes, batch);
        Ok(())
    }

    /// A transaction; the last one of those with the same bytes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn transaction(
        &self,
        store: &dyn Store,
        hash: &TxHash,
    ) -> Result<Option<TxRecord>, StoreError> {
        let place = store.get(Table::Transactions, &hash.0)?;
        let Some((height, index)) = place.as_deref().and_then(decode_place) else {
            return Ok(None);
        };
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let group = u32::try_from(at / GROUP).unwrap_or(u32::MAX);
        let stored = store.get(Table::Blocks, &group_key(height, group))?;
        let records = stored.as_deref().and_then(of_group).unwrap_or_default();
        let record = records.get(at % GROUP);
        Ok(record.and_then(|bytes| TxRecord::decode(height, index, bytes)))
    }

    /// The bytes of a block's entries in order; none of a block that was pruned.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn entries_of(
        &self,
        store: &dyn Store,
        height: u64,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        each_of(store, height, |record| {
            Some(TxRecord::wire(record)?.to_vec())
        })
    }

    /// The hashes of a block's entries, and the code that each ended with, in order; none of a block that was pruned.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn codes_of(
        &self,
        store: &dyn Store,
        height: u64,
    ) -> Result<Vec<(TxHash, u32)>, StoreError> {
        each_of(store, height, |record| {
            let record = TxRecord::decode(height, 0, record)?;
            Some((TxHash::of(&record.wire), record.result.code))
        })
    }

    fn prune(
        &self,
        below: u64,
        most: usize,
        store: &dyn Store,
        batch: &mut WriteBatch,
    ) -> Result<(), StoreError> {
        let Some(last) = below.checked_sub(1) else {
            return Ok(());
        };
        let first = group_key(self.pruned_below.load(Ordering::Relaxed), 0);
        let last = group_key(last, u32::MAX);
        let limit = most.div_ceil(GROUP);
        let groups = store.range(Table::Blocks, &first, &last, limit)?;
        // Where there is more, the next block goes on from the last one seen.
        let reached = match groups.last().filter(|_| groups.len() == limit) {
            Some((key, _)) => decode_place(key).map_or(0, |(height, _)| height),
            None => below,
        };
        remove_groups(groups, store, batch)?;
        self.pruned_below.store(reached, Ordering::Relaxed);
        Ok(())
    }
}

/// The writes of a block's transactions, whose records are in order.
pub(super) fn write_block(
    height: u64,
    records: &[Vec<u8>],
    hashes: &[TxHash],
    batch: &mut WriteBatch,
) {
    for (group, records) in (0_u32..).zip(records.chunks(GROUP)) {
        batch.put(
            Table::Blocks,
            group_key(height, group),
            packed(records.iter().map(Vec::as_slice)),
        );
    }
    for (index, hash) in (0_u32..).zip(hashes) {
        batch.put(Table::Transactions, hash.0, group_key(height, index));
    }
}

/// Removes a block's transactions.
///
/// # Errors
/// [`StoreError`].
pub(super) fn remove_block(
    store: &dyn Store,
    height: u64,
    batch: &mut WriteBatch,
) -> Result<(), StoreError> {
    let (first, last) = (group_key(height, 0), group_key(height, u32::MAX));
    let groups = store.range(Table::Blocks, &first, &last, usize::MAX)?;
    remove_groups(groups, store, batch)
}

fn remove_groups(
    groups: Vec<Entry>,
    store: &dyn Store,
    batch: &mut WriteBatch,
) -> Result<(), StoreError> {
    for (key, group) in groups {
        let height = decode_place(&key).map(|(height, _)| height);
        for record in of_group(&group).unwrap_or_default() {
            let Some(wire) = TxRecord::wire(&record) else {
                continue;
            };
            let hash = TxHash::of(wire);
            let place = store.get(Table::Transactions, &hash.0)?;
            let place = place.as_deref().and_then(decode_place);
            // A later block may have the same bytes.
            if place.map(|(height, _)| height) == height {
                batch.remove(Table::Transactions, hash.0);
            }
        }
        batch.remove(Table::Blocks, key);
    }
    Ok(())
}

/// What is read of each record of a block, in order.
fn each_of<T>(
    store: &dyn Store,
    height: u64,
    read: impl Fn(&[u8]) -> Option<T>,
) -> Result<Vec<T>, StoreError> {
    let groups = store.range(
        Table::Blocks,
        &group_key(height, 0),
        &group_key(height, u32::MAX),
        usize::MAX,
    )?;
    let records = groups.iter().filter_map(|(_, group)| of_group(group));
    Ok(records.flatten().filter_map(|bytes| read(&bytes)).collect())
}

fn group_key(height: u64, group: u32) -> Vec<u8> {
    [&height.to_be_bytes()[..], &group.to_be_bytes()].concat()
}

/// The two numbers of a key of a group, or of a place.
fn decode_place(bytes: &[u8]) -> Option<(u64, u32)> {
    let (height, rest) = bytes.split_first_chunk()?;
    let index = rest.try_into().ok()?;
    Some((u64::from_be_bytes(*height), u32::from_be_bytes(index)))
}

fn of_group(stored: &[u8]) -> Option<Vec<Vec<u8>>> {
    unpacked(stored, MAX_GROUP_BYTES)
}
