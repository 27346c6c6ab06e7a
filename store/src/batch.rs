//! What a store holds and what one block changes of it: bytes under keys in tables.

use std::sync::Arc;

use crate::StoreError;

/// The longest key in bytes.
pub const MAX_KEY_BYTES: usize = 256;

/// The longest value or meta in bytes: far above anything a block of 100 MiB leaves behind under one key.
pub const MAX_VALUE_BYTES: usize = 64 * 1024 * 1024;

macro_rules! tables {
    ($($(#[$doc:meta])+ $table:ident = $name:literal;)+) => {
        /// A table of a store: keys in ascending order, each with a value.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Table { $($(#[$doc])+ $table,)+ }

        impl Table {
            /// Every table.
            pub const ALL: &[Self] = &[$(Self::$table,)+];

            /// Its name on disk.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$table => $name,)+ }
            }
        }
    };
}

tables! {
    /// The records of the state.
    Records = "records";
    /// What records were at heights that are kept.
    History = "history";
    /// What the last blocks' records were before.
    Undo = "undo";
    /// The shape of the state's tree.
    Roots = "roots";
    /// Which records the indexes of the state need.
    Indexed = "indexed";
    /// The blocks' transactions with their results.
    Blocks = "blocks";
    /// Where each transaction is.
    Transactions = "transactions";
}

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// In which table.
    pub table: Table,
    /// 1 to [`MAX_KEY_BYTES`] bytes.
    pub key: Vec<u8>,
    /// At most [`MAX_VALUE_BYTES`]; `None` removes the key.
    pub value: Option<Arc<[u8]>>,
}

/// Everything one block changes. It is written as a whole or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteBatch {
    /// Height of the block: at least 1 in an empty store, else one more than the height stored.
    pub height: u64,
    /// The caller's own record of the block, such as its app hash. Replaces the one before it.
    pub meta: Vec<u8>,
    /// The changes. The last one for a key counts.
    pub writes: Vec<Write>,
}

impl WriteBatch {
    /// Sets a key.
    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Arc<[u8]>>) {
        self.writes.push(Write {
            table,
            key: key.into(),
            value: Some(value.into()),
        });
    }

    /// Removes a key.
    pub fn remove(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.writes.push(Write {
            table,
            key: key.into(),
            value: None,
        });
    }

    /// Refuses a batch that cannot be stored after the block of this height.
    pub(crate) fn check(&self, height: Option<u64>) -> Result<(), StoreError> {
        let expected = height.map_or(1, |height| height.saturating_add(1));
        // State sync fills an empty store at any height.
        if self.height != expected && (height.is_some() || self.height == 0) {
            return Err(StoreError::HeightOutOfOrder {
                expected,
                found: self.height,
            });
        }
        self.check_contents()
    }

    /// Refuses a batch that cannot take the place of the block of this height.
    pub(crate) fn check_back(&self, height: Option<u64>) -> Result<(), StoreError> {
        let expected = height.map_or(0, |height| height.saturating_sub(1));
        if self.height != expected || expected == 0 {
            return Err(StoreError::HeightOutOfOrder {
                expected,
                found: self.height,
            });
        }
        self.check_contents()
    }

    fn check_contents(&self) -> Result<(), StoreError> {
        check_length("meta", &self.meta)?;
        check_all(&self.writes)
    }
}

/// Refuses changes that cannot be stored.
pub(crate) fn check_all(writes: &[Write]) -> Result<(), StoreError> {
    for write in writes {
        let (table, length) = (write.table.name(), write.key.len());
        if length == 0 || length > MAX_KEY_BYTES {
            return Err(StoreError::InvalidKey {
                table,
                length,
                limit: MAX_KEY_BYTES,
            });
        }
        check_length(table, write.value.as_deref().unwrap_or_default())?;
    }
    Ok(())
}

/// Refuses a value that is too long.
pub(crate) fn check_length(field: &'static str, value: &[u8]) -> Result<(), StoreError> {
    if value.len() > MAX_VALUE_BYTES {
        return Err(StoreError::ValueTooLong {
            field,
            length: value.len(),
            limit: MAX_VALUE_BYTES,
        });
    }
    Ok(())
}
