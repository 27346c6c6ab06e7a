//! Owns bringing a store over: from the first format, or from one database to another. The new store is
//! made beside the old one and read as a whole before anybody uses it.

use std::{collections::BTreeMap, sync::Arc};

use ait_app::{
    identifiers::ChainId,
    quantity::Height,
    state::State,
    tx::{TxHash, TxResult},
};
use ait_store::{FirstFormat, Head, Store, StoreError, Table, Write, WriteBatch, for_each};
use serde::Deserialize;

use super::{
    OpenError,
    blocks::write_block,
    check::{Checked, check},
    fill,
    shape::Shape,
};
use crate::records::{BlockInfo, TxRecord};

/// Changes that go to the new store at once.
const PART: usize = 10_000;

/// A transaction's record of the first format: the length of its JSON (u32), that JSON, its bytes.
#[derive(Deserialize)]
struct FirstTx {
    height: u64,
    index: u32,
    result: TxResult,
}

/// Copies a store of this format into an empty one, and reads all of that.
///
/// # Errors
/// [`OpenError`].
pub fn copy(
    from: &dyn Store,
    to: Arc<dyn Store>,
    chain_id: &ChainId,
) -> Result<Option<Checked>, OpenError> {
    let Some(head) = from.head()? else {
        return Ok(None);
    };
    let mut filled = Filling::new(to.as_ref());
    for table in Table::ALL {
        // What blocks changed is of use to the process alone that wrote it.
        if *table == Table::Undo {
            continue;
        }
        let mut failed = None;
        for_each(from, *table, |(key, value)| {
            if failed.is_none() {
                failed = filled.put(*table, key, value).err();
            }
        })?;
        failed.map_or(Ok(()), Err)?;
    }
    filled.finish(&head)?;
    to.save_pool(&from.saved_pool()?)?;
    check(to, chain_id, |_| {})
}

/// Brings a store of the first format over into an empty one, and reads all of that.
///
/// # Errors
/// [`OpenError`].
pub fn bring_over(
    from: &FirstFormat,
    to: Arc<dyn Store>,
    chain_id: &ChainId,
) -> Result<Option<Checked>, OpenError> {
    let head = from.head();
    let block: BlockInfo = serde_json::from_slice(&head.meta)
        .map_err(|error| OpenError::Corrupt(format!("its head record is unreadable ({error})")))?;
    let height = Height::new(head.height)
        .ok_or_else(|| OpenError::Corrupt("its height is above 2^53-1".to_owned()))?;
    let state = State::from_entries(chain_id.clone(), height, from.state()?)?;
    let app_hash = hex::encode(state.app_hash().0);
    if app_hash != block.app_hash {
        return Err(OpenError::Corrupt(format!(
            "its records have the app hash {app_hash}, but block {} left {}",
            block.height, block.app_hash
        )));
    }
    let mut filled = Filling::new(to.as_ref());
    fill::<OpenError>(to.as_ref(), &state)?;
    let mut shape = WriteBatch::default();
    Shape::none().write_all(state.tree(), head.height, &mut shape);
    filled.put_all(shape)?;
    let mut failed = None;
    from.for_each_block(|height, records| {
        if failed.is_none() {
            failed = first_format_block(height, &records, &mut filled).err();
        }
    })?;
    failed.map_or(Ok(()), Err)?;
    filled.finish(head)?;
    to.save_pool(&from.pool()?)?;
    check(to, chain_id, |_| {})
}

/// A block's transactions. One of which some are missing, since they were being pruned, is left out.
fn first_format_block(
    height: u64,
    records: &[Vec<u8>],
    filled: &mut Filling<'_>,
) -> Result<(), OpenError> {
    let unreadable =
        || OpenError::Corrupt(format!("a transaction of block {height} is unreadable"));
    let mut of_block = BTreeMap::new();
    for record in records {
        let (tx, wire) = first_format_tx(record).ok_or_else(unreadable)?;
        if tx.height == height {
            let record = TxRecord::encode(&tx.result, wire).map_err(|_| unreadable())?;
            of_block.insert(tx.index, (record, wire));
        }
    }
    if !(0..)
        .zip(of_block.keys())
        .all(|(place, index)| place == *index)
    {
        return Ok(());
    }
    let mut batch = WriteBatch::default();
    let (records, wires): (Vec<_>, Vec<_>) = of_block.into_values().unzip();
    let hashes: Vec<_> = wires.iter().map(|wire| TxHash::of(wire)).collect();
    write_block(height, &records, &hashes, &mut batch);
    filled.put_all(batch)?;
    Ok(())
}

fn first_format_tx(record: &[u8]) -> Option<(FirstTx, &[u8])> {
    let (length, rest) = record.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (fixed, wire) = rest.split_at_checked(length)?;
    Some((serde_json::from_slice(fixed).ok()?, wire))
}

/// An empty store that is being filled.
struct Filling<'a> {
    store: &'a dyn Store,
    part: Vec<Write>,
}

impl<'a> Filling<'a> {
    fn new(store: &'a dyn Store) -> Self {
        let part = Vec::with_capacity(PART);
        Self { store, part }
    }

    fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) -> Result<(), StoreError> {
        self.part.push(Write {
            table,
            key,
            value: Some(value.into()),
        });
        if self.part.len() >= PART {
            self.store.fill(&std::mem::take(&mut self.part))?;
        }
        Ok(())
    }

    fn put_all(&mut self, batch: WriteBatch) -> Result<(), StoreError> {
        self.part.extend(batch.writes);
        if self.part.len() >= PART {
            self.store.fill(&std::mem::take(&mut self.part))?;
        }
        Ok(())
    }

    fn finish(self, head: &Head) -> Result<(), StoreError> {
        self.store.commit(&WriteBatch {
            height: head.height,
            meta: head.meta.clone(),
            writes: self.part,
        })
    }
}
