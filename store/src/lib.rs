//! Durable storage of a chain's committed state.
//!
//! Owns the disk, and nothing else: keys, values, transaction records and the head record are bytes whose
//! meaning the caller knows. May not touch the state machine, the network or the clock.
//!
//! The promise of [`Store::commit`] is: when it returns, the whole block is on disk, and after any crash
//! [`Store::load`] gives back the state of one height, the last one acknowledged or the one after it. sled
//! alone does not keep it: its `flush` never calls fsync, and a database whose files were lost opens as an
//! empty one. [`SledStore`] adds the fsync, and the files beside sled's that tell an empty store from a lost
//! one.
//!
//! Read in this order: this file (what a store is), `layout` (keys and records), `sled_store` (opening and
//! committing), `marker` and `disk` (what lies beside sled), `memory` (the store of tests).

mod disk;
mod error;
mod layout;
mod marker;
mod memory;
mod sled_store;

pub use error::StoreError;
pub use layout::{MAX_KEY_BYTES, MAX_VALUE_BYTES};
pub use memory::MemoryStore;
pub use sled_store::{SledStore, is_background_thread};

/// The hash a transaction is known by: sha256 of its wire bytes (PROTOCOL section 3).
pub type TransactionHash = [u8; 32];

/// One entry of the state: its key and its value.
pub type StateEntry = (Vec<u8>, Vec<u8>);

/// All entries of the state in ascending order of their keys. Ends after its first error.
pub type StateEntries<'a> = Box<dyn Iterator<Item = Result<StateEntry, StoreError>> + Send + 'a>;

/// Everything one block changes. It is written as a whole or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteBatch {
    /// Height of the block: at least 1 in an empty store, else one more than the height stored.
    pub height: u64,
    /// The caller's own record of the block, such as its state root. Replaces the one before it.
    pub meta: Vec<u8>,
    /// State entries to write, or to remove where there is no value. The last one for a key counts.
    /// A key has 1 to [`MAX_KEY_BYTES`] bytes, a value at most [`MAX_VALUE_BYTES`].
    pub state: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// The block's transactions: hash and record, at most [`MAX_VALUE_BYTES`] each. A record replaces an
    /// earlier one of the same hash.
    pub transactions: Vec<(TransactionHash, Vec<u8>)>,
    /// Remove the records of transactions in blocks below this height, some with every commit: as many as
    /// [`WriteBatch::prune_limit`] says, the oldest first.
    pub prune_transactions_below: Option<u64>,
}

impl WriteBatch {
    /// How many transactions a commit prunes at most: enough to catch up with any rate of new ones, and few
    /// enough that lowering the number of blocks kept stalls no block.
    #[must_use]
    pub fn prune_limit(&self) -> usize {
        self.transactions.len().saturating_mul(2).max(1_000)
    }
}

/// What a store held when it was loaded.
pub struct Loaded<'a> {
    /// Height of the last block committed.
    pub height: u64,
    /// [`WriteBatch::meta`] of that block.
    pub meta: Vec<u8>,
    /// The state after that block.
    pub state: StateEntries<'a>,
}

/// Storage of the committed state of one chain.
pub trait Store: Send + Sync {
    /// The state of the last block committed, or `None` in a store without a block.
    ///
    /// Meant for the start of a node: entries are read while the iterator is advanced, so a commit in between
    /// would mix two heights. Damage that sled's checksums miss shows in the state's root: the caller compares
    /// it with the one it put into [`WriteBatch::meta`].
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when stored bytes cannot be understood, here or from the iterator.
    fn load(&self) -> Result<Option<Loaded<'_>>, StoreError>;

    /// Writes one block, and returns when it is on disk.
    ///
    /// # Errors
    /// [`StoreError::HeightOutOfOrder`], [`StoreError::InvalidKey`] and [`StoreError::ValueTooLong`] refuse the
    /// batch and change nothing. After any other error nobody knows what the disk holds: every later commit is
    /// refused with [`StoreError::Poisoned`], and the node has to stop. The next start finds the block before
    /// or this block, whole.
    fn commit(&self, batch: &WriteBatch) -> Result<(), StoreError>;

    /// The record of a committed transaction, or `None` when there is none or it was pruned.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the stored bytes cannot be understood.
    fn transaction(&self, hash: &TransactionHash) -> Result<Option<Vec<u8>>, StoreError>;

    /// The records of a block's transactions, in no order. One that was pruned, or that a later block replaced
    /// under the same hash, is not among them.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the stored bytes cannot be understood.
    fn transactions_of(&self, height: u64) -> Result<Vec<Vec<u8>>, StoreError>;

    /// Saves transactions that wait in the pool, for the next start to offer again. Replaces what was saved
    /// before; returns when it is on disk.
    ///
    /// # Errors
    /// As [`Store::commit`], without the height.
    fn save_pool(&self, transactions: &[Vec<u8>]) -> Result<(), StoreError>;

    /// Takes out what [`Store::save_pool`] saved, in the same order; a second call finds nothing.
    ///
    /// # Errors
    /// As [`Store::save_pool`], and [`StoreError::Corrupt`] when the stored bytes cannot be understood.
    fn take_pool(&self) -> Result<Vec<Vec<u8>>, StoreError>;
}
