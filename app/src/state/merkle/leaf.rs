//! Owns a record as the tree knows it: its bytes, the hash that places it, and the hash of its leaf.

use core::fmt;

use sha2::{Digest, Sha256};

use super::{Hash, LEAF_PREFIX};
use crate::{crypto::sha256, prelude::*};

/// Bytes that say how long the key is.
const LENGTH_BYTES: usize = 2;

/// A key with its value, hashed: alone, or, as `Leaf<&[u8]>`, within its bucket.
#[derive(Clone, Copy)]
pub struct Leaf<R = Arc<[u8]>> {
    pub(super) head: Head,
    /// The key's length (2 bytes, big endian), the key, the value.
    record: R,
}

/// What the tree needs of a leaf.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) key_hash: Hash,
    pub(super) hash: Hash,
    value_at: u16,
}

impl Leaf {
    /// The leaf of a key and its value; `None` for a key above 65,533 bytes, which no record has.
    pub fn new(key: &[u8], value: &[u8]) -> Option<Self> {
        let length = u16::try_from(key.len()).ok()?;
        let mut record = Vec::with_capacity(
            LENGTH_BYTES
                .saturating_add(key.len())
                .saturating_add(value.len()),
        );
        record.extend_from_slice(&length.to_be_bytes());
        record.extend_from_slice(key);
        record.extend_from_slice(value);
        Self::placed(sha256(key), record.into())
    }
}

impl<R: AsRef<[u8]>> Leaf<R> {
    /// The leaf that [`Leaf::record`] gave, under the hash of its key; `None` for other bytes. That the
    /// hash is the key's is not looked at: who reads a bucket compares its root.
    pub fn placed(key_hash: Hash, record: R) -> Option<Self> {
        let (length, rest) = record.as_ref().split_first_chunk::<LENGTH_BYTES>()?;
        let length = u16::from_be_bytes(*length);
        let value = rest.get(usize::from(length)..)?;
        let hash = Sha256::new()
            .chain_update([LEAF_PREFIX])
            .chain_update(key_hash)
            .chain_update(sha256(value))
            .finalize()
            .into();
        let value_at = u16::try_from(LENGTH_BYTES).ok()?.checked_add(length)?;
        let head = Head {
            key_hash,
            hash,
            value_at,
        };
        Some(Self { head, record })
    }

    /// The leaf that [`Leaf::record`] gave, whose key is hashed; `None` for other bytes.
    pub fn of_record(record: R) -> Option<Self> {
        let (length, rest) = record.as_ref().split_first_chunk::<LENGTH_BYTES>()?;
        let key = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
        let key_hash = sha256(key);
        Self::placed(key_hash, record)
    }

    /// A leaf whose hashes are known.
    pub(super) fn known(head: Head, record: R) -> Self {
        Self { head, record }
    }

    /// The SHA-256 of the key, which says where it stands.
    pub fn key_hash(&self) -> &Hash {
        &self.head.key_hash
    }

    /// What the node above it hashes.
    pub fn hash(&self) -> &Hash {
        &self.head.hash
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        let until = usize::from(self.head.value_at);
        let key = self.record().get(LENGTH_BYTES..until);
        key.unwrap_or_default()
    }

    /// The value.
    pub fn value(&self) -> &[u8] {
        let value = self.record().get(usize::from(self.head.value_at)..);
        value.unwrap_or_default()
    }

    /// Key and value as one, to be stored under the key's hash.
    pub fn record(&self) -> &[u8] {
        self.record.as_ref()
    }

    /// The same by itself.
    pub fn alone(&self) -> Leaf {
        Leaf {
            head: self.head,
            record: self.record().into(),
        }
    }
}

impl Leaf {
    /// As [`Leaf::record`], shared.
    pub fn shared_record(&self) -> Arc<[u8]> {
        self.record.clone()
    }
}

impl<R, S> PartialEq<Leaf<S>> for Leaf<R> {
    fn eq(&self, other: &Leaf<S>) -> bool {
        self.head.hash == other.head.hash
    }
}

impl Eq for Leaf {}

impl<R: AsRef<[u8]>> fmt::Debug for Leaf<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = String::from_utf8_lossy(self.key());
        let value = String::from_utf8_lossy(self.value());
        write!(formatter, "Leaf({key} {value})")
    }
}
