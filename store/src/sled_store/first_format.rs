//! Reads stores of the first format, which lay in sled alone and had records by their own keys. Nothing
//! writes them any more.
//!
//! | key | value |
//! |---|---|
//! | `h` | the head: format (u32), height (u64), length of meta (u32), chain id |
//! | `m` index | a chunk of the head's meta |
//! | `s` key | a state entry: length (u32), first chunk |
//! | `S` key index | a further chunk of it |
//! | `t` hash | a transaction's record: height (u64), length (u32), first chunk |
//! | `T` height hash index | a further chunk of it |
//! | `i` height hash | a transaction of a block |
//! | `p` | length (u64) of the saved pool: for each transaction its length (u32) and bytes |
//! | `P` index | a chunk of the saved pool |

use std::path::{Path, PathBuf};

use super::{contain::read, layout::CHUNK_BYTES, open::open_database};
use crate::{Engine, Entry, Head, StoreError, contain::corrupt, pool};

/// The format read here.
const FIRST_FORMAT: u32 = 1;

/// A store of the first format.
pub struct FirstFormat {
    path: PathBuf,
    database: sled::Db,
    chain_id: String,
    head: Head,
}

impl FirstFormat {
    /// Opens the store in a folder; `None` where there is none of this format.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Corrupt`], [`StoreError::Io`].
    pub fn open(path: &Path) -> Result<Option<Self>, StoreError> {
        let files = path.join(Engine::Sled.name());
        if !files.is_dir() {
            return Ok(None);
        }
        let database = open_database(path, &files)?;
        let Some(head) = read(path, || database.get(b"h"))? else {
            return Ok(None);
        };
        let Some(fields) = head.strip_prefix(&FIRST_FORMAT.to_be_bytes()) else {
            return Ok(None);
        };
        let not_understood = || corrupt(path, "its head record cannot be understood");
        let (height, rest) = fields.split_first_chunk().ok_or_else(not_understood)?;
        let (meta_length, chain_id) = rest.split_first_chunk().ok_or_else(not_understood)?;
        let chain_id = String::from_utf8(chain_id.to_vec()).map_err(|_| not_understood())?;
        let mut store = Self {
            path: path.to_owned(),
            database: database.clone(),
            chain_id,
            head: Head {
                height: u64::from_be_bytes(*height),
                meta: Vec::new(),
            },
        };
        let meta_length = u64::from(u32::from_be_bytes(*meta_length));
        store.head.meta = store.chunks(b"m", meta_length)?;
        Ok(Some(store))
    }

    /// The chain.
    #[must_use]
    pub fn chain_id(&self) -> &str {
        &self.chain_id
    }

    /// The last block.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Every record of the state, by its own key.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn state(&self) -> Result<Vec<Entry>, StoreError> {
        let mut found = Vec::new();
        let mut entries = self.database.scan_prefix(b"s");
        while let Some((key, stored)) = read(&self.path, || entries.next().transpose())? {
            let key = key.get(1..).unwrap_or_default().to_vec();
            let (length, first) = stored
                .split_first_chunk()
                .ok_or_else(|| self.incomplete())?;
            let prefix = [b"S", key.as_slice()].concat();
            let value = self.continued(first, u32::from_be_bytes(*length), &prefix)?;
            found.push((key, value));
        }
        Ok(found)
    }

    /// Hands over the records of every block's transactions that are there, block by block in order;
    /// within a block in no order.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn for_each_block(
        &self,
        mut then: impl FnMut(u64, Vec<Vec<u8>>),
    ) -> Result<(), StoreError> {
        let mut of_block: Option<(u64, Vec<Vec<u8>>)> = None;
        let mut entries = self.database.scan_prefix(b"i");
        while let Some((key, _)) = read(&self.path, || entries.next().transpose())? {
            let rest = key.get(1..).unwrap_or_default();
            let (height, hash) = rest.split_first_chunk().ok_or_else(|| self.incomplete())?;
            let height = u64::from_be_bytes(*height);
            if let Some((done, records)) = of_block.take_if(|(of, _)| *of != height) {
                then(done, records);
            }
            let (_, records) = of_block.get_or_insert_with(|| (height, Vec::new()));
            records.extend(self.transaction(height, hash)?);
        }
        if let Some((height, records)) = of_block {
            then(height, records);
        }
        Ok(())
    }

    /// The saved pool.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn pool(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let Some(length) = read(&self.path, || self.database.get(b"p"))? else {
            return Ok(Vec::new());
        };
        let length = length.as_ref().try_into().map_err(|_| self.incomplete())?;
        let encoded = self.chunks(b"P", u64::from_be_bytes(length))?;
        pool::decode(&encoded).ok_or_else(|| self.incomplete())
    }

    /// The record of a transaction, where it is of this block: a later one may have the same bytes.
    fn transaction(&self, height: u64, hash: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let key = [b"t", hash].concat();
        let Some(stored) = read(&self.path, || self.database.get(&key))? else {
            return Ok(None);
        };
        let (of, rest) = stored
            .split_first_chunk()
            .ok_or_else(|| self.incomplete())?;
        let (length, first) = rest.split_first_chunk().ok_or_else(|| self.incomplete())?;
        if u64::from_be_bytes(*of) != height {
            return Ok(None);
        }
        let prefix = [&b"T"[..], of, hash].concat();
        self.continued(first, u32::from_be_bytes(*length), &prefix)
            .map(Some)
    }

    /// A value of this length, whose first chunk is given, and whose others stand behind a prefix.
    fn continued(&self, first: &[u8], length: u32, prefix: &[u8]) -> Result<Vec<u8>, StoreError> {
        let further = u64::from(length).saturating_sub(first.len() as u64);
        let further = self.chunks(prefix, further)?;
        Ok([first, &further].concat())
    }

    /// Chunks that make up this many bytes.
    fn chunks(&self, prefix: &[u8], length: u64) -> Result<Vec<u8>, StoreError> {
        let mut whole = Vec::new();
        let count = u32::try_from(length.div_ceil(CHUNK_BYTES as u64)).unwrap_or(u32::MAX);
        for index in 0..count {
            let key = [prefix, &index.to_be_bytes()].concat();
            let chunk = read(&self.path, || self.database.get(&key))?;
            whole.extend_from_slice(&chunk.ok_or_else(|| self.incomplete())?);
        }
        if whole.len() as u64 != length {
            return Err(self.incomplete());
        }
        Ok(whole)
    }

    fn incomplete(&self) -> StoreError {
        corrupt(&self.path, "a value in its database is incomplete")
    }
}
