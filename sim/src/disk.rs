//! Owns a node's disk: what is on it survives the process, and what was not synced does not.
//!
//! A [`Store`] promises that a block is there whole or not at all, and that what was filled before the first
//! block is gone where the store is opened again. [`Disk`] keeps that promise at its edge: any writing call may
//! be the one in which the power fails, the disk is full, or a sync fails, with or without its bytes being there
//! afterwards. May not know what the bytes mean.

use std::{
    io,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use ait_store::{Entry, Head, MemoryStore, Store, StoreError, Table, Write, WriteBatch};

/// How a writing call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No room is left.
    Full,
    /// The sync fails.
    Sync,
}

/// A writing call that shall fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trap {
    /// So many writing calls succeed before.
    pub after: u64,
    /// What the process is told.
    pub failure: Failure,
    /// Whether the bytes are on the disk nevertheless.
    pub is_written: bool,
}

/// What a disk does that none may do: for tests of the simulation itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// It acknowledges a block and forgets it when the power fails.
    ForgetsTheLastBlock,
    /// One bit of every record that it reads after it was opened again is wrong.
    FlipsABit,
}

/// A disk with one store.
#[derive(Debug, Default)]
pub struct Disk {
    contents: Mutex<Contents>,
}

#[derive(Debug, Default)]
struct Contents {
    store: MemoryStore,
    /// Whether something was filled that no block made lasting.
    is_filled: bool,
    trap: Option<Trap>,
    /// The failure after which nothing is written any more, until the store is opened again.
    failure: Option<String>,
    lie: Option<Lie>,
    /// What a disk that forgets goes back to.
    before: Option<MemoryStore>,
    was_reopened: bool,
}

impl Disk {
    /// From now on it lies.
    pub fn begin_to_lie(&self, lie: Lie) {
        self.contents().lie = Some(lie);
    }

    /// The next writing calls meet this.
    pub fn set_trap(&self, trap: Trap) {
        self.contents().trap = Some(trap);
    }

    /// No call fails any more; says whether one did.
    pub fn clear_trap(&self) -> bool {
        let mut contents = self.contents();
        contents.trap = None;
        contents.failure.is_some()
    }

    /// What a process finds that starts after the one before ended, however it ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn reopen(&self) -> Result<(), StoreError> {
        let mut contents = self.contents();
        contents.trap = None;
        contents.failure = None;
        contents.was_reopened = true;
        if contents.lie == Some(Lie::ForgetsTheLastBlock)
            && let Some(before) = contents.before.take()
        {
            before.save_pool(&contents.store.saved_pool()?)?;
            contents.store = before;
        }
        if std::mem::take(&mut contents.is_filled) {
            contents.store.clear()?;
        }
        Ok(())
    }

    /// An empty disk in the place of a lost one.
    pub fn replace(&self) {
        *self.contents() = Contents::default();
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    /// Writes, unless this is the call that fails.
    fn write(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if let Some(reason) = &self.failure {
            return Err(StoreError::Poisoned {
                reason: reason.clone(),
            });
        }
        let Some(trap) = &mut self.trap else {
            return write(self);
        };
        if let Some(left) = trap.after.checked_sub(1) {
            trap.after = left;
            return write(self);
        }
        let Trap {
            failure,
            is_written,
            ..
        } = *trap;
        self.trap = None;
        if is_written {
            write(self)?;
        }
        let error = error_of(failure);
        self.failure = Some(error.to_string());
        Err(error)
    }

    fn read(&self, table: Table, mut value: Vec<u8>) -> Vec<u8> {
        let lies = self.lie == Some(Lie::FlipsABit) && self.was_reopened;
        if lies
            && table == Table::Records
            && let Some(byte) = value.last_mut()
        {
            *byte ^= 1;
        }
        value
    }
}

fn error_of(failure: Failure) -> StoreError {
    let path = PathBuf::from("simulated disk");
    match failure {
        Failure::Full => StoreError::DiskFull {
            path,
            source: io::ErrorKind::StorageFull.into(),
        },
        Failure::Sync => StoreError::Io {
            action: "sync",
            path,
            source: io::Error::other("input/output error"),
        },
    }
}

/// All that a store holds, in another one.
fn copy(store: &MemoryStore) -> Result<MemoryStore, StoreError> {
    let copy = MemoryStore::new();
    let Some(head) = store.head()? else {
        return Ok(copy);
    };
    let mut batch = WriteBatch {
        height: head.height,
        meta: head.meta,
        ..WriteBatch::default()
    };
    for table in Table::ALL {
        ait_store::for_each(store, *table, |(key, value)| batch.put(*table, key, value))?;
    }
    copy.commit(&batch)?;
    Ok(copy)
}

impl Store for Disk {
    fn head(&self) -> Result<Option<Head>, StoreError> {
        self.contents().store.head()
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let contents = self.contents();
        let value = contents.store.get(table, key)?;
        Ok(value.map(|value| contents.read(table, value)))
    }

    fn range(
        &self,
        table: Table,
        first: &[u8],
        last: &[u8],
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let contents = self.contents();
        let mut entries = contents.store.range(table, first, last, limit)?;
        if contents.lie.is_some() {
            for (_, value) in &mut entries {
                *value = contents.read(table, std::mem::take(value));
            }
        }
        Ok(entries)
    }

    fn fill(&self, writes: &[Write]) -> Result<(), StoreError> {
        self.contents().write(|contents| {
            contents.is_filled = true;
            contents.store.fill(writes)
        })
    }

    fn commit(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        self.contents().write(|contents| {
            if contents.lie == Some(Lie::ForgetsTheLastBlock) {
                contents.before = Some(copy(&contents.store)?);
            }
            contents.store.commit(batch)?;
            contents.is_filled = false;
            Ok(())
        })
    }

    fn roll_back(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        self.contents()
            .write(|contents| contents.store.roll_back(batch))
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.contents().write(|contents| {
            contents.is_filled = false;
            contents.store.clear()
        })
    }

    fn save_pool(&self, transactions: &[Vec<u8>]) -> Result<(), StoreError> {
        self.contents()
            .write(|contents| contents.store.save_pool(transactions))
    }

    fn saved_pool(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.contents().store.saved_pool()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn block(height: u64) -> WriteBatch {
        let mut batch = WriteBatch {
            height,
            ..WriteBatch::default()
        };
        batch.put(Table::Records, [1], height.to_be_bytes());
        batch
    }

    fn trapped(is_written: bool, after: u64) -> Disk {
        let disk = Disk::default();
        disk.commit(&block(1)).unwrap();
        disk.set_trap(Trap {
            after,
            failure: Failure::Sync,
            is_written,
        });
        disk
    }

    fn height(disk: &Disk) -> u64 {
        disk.head().unwrap().unwrap().height
    }

    #[test]
    fn a_commit_that_fails_leaves_the_block_before_or_this_one() {
        for (is_written, expected) in [(false, 1), (true, 2)] {
            let disk = trapped(is_written, 0);
            disk.commit(&block(2)).unwrap_err();
            disk.reopen().unwrap();
            assert_eq!(height(&disk), expected);
            let record = disk.get(Table::Records, &[1]).unwrap().unwrap();
            assert_eq!(record, expected.to_be_bytes());
            disk.commit(&block(expected + 1)).unwrap();
        }
    }

    #[test]
    fn nothing_is_written_after_a_failure_until_it_is_opened_again() {
        let disk = trapped(false, 1);
        disk.commit(&block(2)).unwrap();
        disk.commit(&block(3)).unwrap_err();
        assert!(disk.clear_trap());
        let refused = disk.commit(&block(3));
        assert!(matches!(refused, Err(StoreError::Poisoned { .. })));
        disk.reopen().unwrap();
        disk.commit(&block(3)).unwrap();
    }

    #[test]
    fn what_was_filled_before_the_first_block_is_gone_after_a_crash() {
        let disk = Disk::default();
        disk.save_pool(&[vec![7]]).unwrap();
        disk.fill(&block(1).writes).unwrap();
        assert!(disk.get(Table::Records, &[1]).unwrap().is_some());
        disk.reopen().unwrap();
        assert!(disk.get(Table::Records, &[1]).unwrap().is_none());
        assert_eq!(disk.saved_pool().unwrap(), [vec![7]]);
    }
}
