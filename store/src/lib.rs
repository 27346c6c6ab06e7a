//! Durable storage of a chain's committed state.
//!
//! Owns the disk, and nothing else: keys, values and the head record are bytes whose meaning the caller
//! knows. May not touch the state machine, the network or the clock.
//!
//! The promise of [`Store::commit`] is: when it returns, the whole block is on disk, and after any crash a
//! store holds one height, the last one acknowledged or the one after it. A database alone does not keep
//! it: sled's `flush` never calls fsync, and one whose files were lost opens as an empty one. What lies
//! beside the database tells an empty store from a lost one.
//!
//! Read in this order: this file (what a store is), `batch` (what it holds), `head` (its head record),
//! `folder` (every refusal to open one), `marker` and `disk` (what lies beside the database), `fjall_store`
//! and `sled_store` (the databases), `writer` (what they have in common in writing), `memory` (the store of tests).

mod batch;
mod contain;
mod disk;
mod error;
mod fjall_store;
mod folder;
mod head;
mod marker;
mod memory;
mod pool;
mod sled_store;
mod writer;

use std::path::Path;

pub use batch::{MAX_KEY_BYTES, MAX_VALUE_BYTES, Table, Write, WriteBatch};
pub use error::StoreError;
pub use fjall_store::FjallStore;
pub use folder::Engine;
pub use memory::MemoryStore;
pub use sled_store::{FirstFormat, SledStore, is_background_thread};

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// The last block that a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its height.
    pub height: u64,
    /// [`WriteBatch::meta`] of it.
    pub meta: Vec<u8>,
}

/// Storage of the committed state of one chain.
pub trait Store: Send + Sync {
    /// The last block committed, or `None` in a store without a block.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when stored bytes cannot be understood.
    fn head(&self) -> Result<Option<Head>, StoreError>;

    /// The value of a key.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when stored bytes cannot be understood.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The entries from `first` to `last`, both included, in ascending order: at most `limit`. While a
    /// commit runs, each of them is as before it or as after it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when stored bytes cannot be understood.
    fn range(
        &self,
        table: Table,
        first: &[u8],
        last: &[u8],
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError>;

    /// Writes a part of what an empty store shall hold after its first block: it counts from the commit of
    /// that block on, and is gone where the store is opened again before.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`] where there is a block already, and as [`Store::commit`].
    fn fill(&self, writes: &[Write]) -> Result<(), StoreError>;

    /// Writes one block, and returns when it is on disk.
    ///
    /// # Errors
    /// [`StoreError::HeightOutOfOrder`], [`StoreError::InvalidKey`] and [`StoreError::ValueTooLong`] refuse the
    /// batch and change nothing. After any other error nobody knows what the disk holds: every later commit is
    /// refused with [`StoreError::Poisoned`], and the node has to stop. The next start finds the block before
    /// or this block, whole.
    fn commit(&self, batch: &WriteBatch) -> Result<(), StoreError>;

    /// Puts the block before the last one back: `batch` is of its height, and undoes what the last one wrote.
    /// Returns when it is on disk.
    ///
    /// # Errors
    /// As [`Store::commit`]; [`StoreError::HeightOutOfOrder`] also where there is no block.
    fn roll_back(&self, batch: &WriteBatch) -> Result<(), StoreError>;

    /// Removes every block and everything filled, and leaves an empty store with the saved pool. Whatever
    /// interrupts it, a store that is opened afterwards is as before, or empty.
    ///
    /// # Errors
    /// As [`Store::commit`], without the height.
    fn clear(&self) -> Result<(), StoreError>;

    /// Saves transactions that wait in the pool, for the next start to offer again. Replaces what was saved
    /// before; returns when it is on disk.
    ///
    /// # Errors
    /// As [`Store::commit`], without the height.
    fn save_pool(&self, transactions: &[Vec<u8>]) -> Result<(), StoreError>;

    /// What [`Store::save_pool`] saved, in the same order. It stays until something else is saved.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the stored bytes cannot be understood.
    fn saved_pool(&self) -> Result<Vec<Vec<u8>>, StoreError>;
}

/// Opens the store of a chain in a folder, with the database that it was begun with; a new one with
/// `begin_with`.
///
/// # Errors
/// Every refusal of [`FjallStore::open`] and [`SledStore::open`].
pub fn open(path: &Path, chain_id: &str, begin_with: Engine) -> Result<Box<dyn Store>, StoreError> {
    match Engine::of(path).unwrap_or(begin_with) {
        Engine::Fjall => Ok(Box::new(FjallStore::open(path, chain_id)?)),
        Engine::Sled => Ok(Box::new(SledStore::open(path, chain_id)?)),
    }
}

/// All entries of a table in ascending order, read in parts.
///
/// # Errors
/// As [`Store::range`].
pub fn for_each(
    store: &dyn Store,
    table: Table,
    mut then: impl FnMut(Entry),
) -> Result<(), StoreError> {
    const PART: usize = 4_096;
    let last = [u8::MAX; MAX_KEY_BYTES];
    let mut first = Vec::new();
    loop {
        let part = store.range(table, &first, &last, PART)?;
        let Some((key, _)) = part.last().filter(|_| part.len() == PART) else {
            part.into_iter().for_each(&mut then);
            return Ok(());
        };
        // The smallest key behind it.
        first = [key.as_slice(), &[0]].concat();
        part.into_iter().for_each(&mut then);
    }
}
