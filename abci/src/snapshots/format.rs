//! Owns the format of snapshots, byte by byte (docs/snapshots.md). A snapshot is a manifest and chunks. The
//! manifest names the subtrees of the state's tree, one a chunk, so it has an app hash of its own; each chunk
//! is checked against its subtree's root alone. All of both is read as hostile.

use ait_app::{
    identifiers::ChainId,
    quantity::Height,
    state::{
        AppHash,
        merkle::{Bucket, Leaf, Place, Stub, Tree},
    },
};

use sha2::{Digest as _, Sha256};

use super::SnapshotError;
use crate::stored::packing::{packed, unpacked};

/// The format written here, and the only one read.
pub const FORMAT: u32 = 1;
/// The most records of a chunk.
pub(super) const CHUNK_RECORDS: usize = 8_192;
/// The most bytes of a chunk's records, each with its length. Compressed or not, a chunk fits into the
/// 16,000,000 bytes of CometBFT's message.
pub(super) const CHUNK_BYTES: usize = 8 * 1024 * 1024;
/// The most bytes of a compressed chunk: LZ4 makes what it can't compress no longer than this.
pub(super) const PACKED_CHUNK_BYTES: usize = CHUNK_BYTES + CHUNK_BYTES / 128 + 1024;
/// The most bytes of a manifest: CometBFT's message has 4,000,000. Enough for 600 million records.
pub(super) const MANIFEST_BYTES: usize = 3_900_000;

/// What a snapshot consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub(super) chain_id: ChainId,
    pub(super) height: Height,
    /// The subtree of each chunk, from left to right.
    pub(super) subtrees: Vec<Stub>,
    app_hash: AppHash,
}

impl Manifest {
    /// The manifest of these subtrees; `None` where they make no tree.
    pub(super) fn new(chain_id: ChainId, height: Height, subtrees: Vec<Stub>) -> Option<Self> {
        let tree = Tree::of_buckets(&subtrees)?;
        Some(Self {
            chain_id,
            height,
            subtrees,
            app_hash: AppHash::of_root(&tree.root()),
        })
    }

    /// Its bytes: the chain id behind its length (u8), the height (u64), and of each subtree the place, the
    /// root, and how many records it has (u32). Integers are big-endian.
    pub(super) fn encode(&self) -> Vec<u8> {
        let chain_id = self.chain_id.as_str().as_bytes();
        // A chain id has at most 50 bytes.
        let mut encoded = vec![u8::try_from(chain_id.len()).unwrap_or(u8::MAX)];
        encoded.extend_from_slice(chain_id);
        encoded.extend_from_slice(&self.height.get().to_be_bytes());
        for subtree in &self.subtrees {
            encoded.extend_from_slice(&subtree.place.encode());
            encoded.extend_from_slice(&subtree.root);
            let records = u32::try_from(subtree.leaves).unwrap_or(u32::MAX);
            encoded.extend_from_slice(&records.to_be_bytes());
        }
        encoded
    }

    /// Reads what [`Manifest::encode`] wrote.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        if bytes.len() > MANIFEST_BYTES {
            let length = bytes.len();
            return Err(SnapshotError::Manifest(format!(
                "has {length} bytes, more than {MANIFEST_BYTES}"
            )));
        }
        let malformed = |what: &str| SnapshotError::Manifest(format!("has no {what}"));
        let (chain_id, rest) = split_chain_id(bytes).ok_or_else(|| malformed("chain id"))?;
        let (height, mut rest) = rest
            .split_first_chunk()
            .ok_or_else(|| malformed("height"))?;
        let height = Height::new(u64::from_be_bytes(*height)).filter(|height| height.get() > 0);
        let height = height.ok_or_else(|| malformed("height from 1 to 2^53-1"))?;
        let mut subtrees = Vec::new();
        while !rest.is_empty() {
            let (subtree, behind) = split_subtree(rest).ok_or_else(|| malformed("subtrees"))?;
            let records = subtree.leaves;
            if !(1..=CHUNK_RECORDS).contains(&records) {
                return Err(SnapshotError::Manifest(format!(
                    "has a chunk of {records} records, not 1 to {CHUNK_RECORDS}"
                )));
            }
            subtrees.push(subtree);
            rest = behind;
        }
        Self::new(chain_id, height, subtrees).ok_or_else(|| malformed("subtrees of one tree"))
    }

    /// The chain.
    pub fn chain_id(&self) -> &ChainId {
        &self.chain_id
    }

    /// The block after which this was the state.
    pub fn height(&self) -> Height {
        self.height
    }

    /// The app hash of the state: what the header of the next block says, if the snapshot is true.
    pub fn app_hash(&self) -> AppHash {
        self.app_hash
    }

    /// How many chunks there are.
    pub fn chunks(&self) -> u32 {
        u32::try_from(self.subtrees.len()).unwrap_or(u32::MAX)
    }

    /// How many records the state has.
    pub fn records(&self) -> usize {
        let records = self.subtrees.iter().map(|subtree| subtree.leaves);
        records.fold(0, usize::saturating_add)
    }

    /// The subtree of a chunk.
    pub(super) fn subtree(&self, index: u32) -> Result<&Stub, SnapshotError> {
        let chunks = self.chunks();
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let subtree = self.subtrees.get(at);
        subtree.ok_or_else(|| SnapshotError::Chunk {
            index,
            why: format!("there are only {chunks}"),
        })
    }

    /// Reads a chunk, which has exactly the records that the manifest says.
    pub(super) fn open(&self, index: u32, chunk: &[u8]) -> Result<Bucket, SnapshotError> {
        let subtree = self.subtree(index)?;
        let refuse = |why: &str| SnapshotError::Chunk {
            index,
            why: why.to_owned(),
        };
        if chunk.len() > PACKED_CHUNK_BYTES {
            return Err(refuse(&format!(
                "it has {} bytes, more than {PACKED_CHUNK_BYTES}",
                chunk.len()
            )));
        }
        let whole = chunk.split_first_chunk::<32>();
        let whole = whole.filter(|(sum, packed)| sum[..] == Sha256::digest(packed)[..]);
        let (_, packed) = whole.ok_or_else(|| refuse("its checksum is wrong"))?;
        let records = unpacked(packed, CHUNK_BYTES)
            .ok_or_else(|| refuse("its records can't be unpacked, or are too many bytes"))?;
        let leaves: Option<Vec<_>> = records.into_iter().map(Leaf::of_record).collect();
        let bucket = leaves.and_then(|leaves| Bucket::new(&subtree.place, leaves));
        let bucket = bucket.ok_or_else(|| refuse("its records are none, or not in order"))?;
        if *bucket.root() != subtree.root {
            return Err(refuse("its records are not those that the manifest names"));
        }
        // The root is of these records and no others: then it is the manifest that lies, and no chunk will do.
        let (found, said) = (bucket.len(), subtree.leaves);
        if found != said {
            return Err(SnapshotError::Manifest(format!(
                "says that chunk {index} has {said} records, and it has {found}"
            )));
        }
        Ok(bucket)
    }
}

/// The bytes of a chunk of these leaves: the SHA-256 of what follows, since not every change of compressed
/// bytes shows in what they hold, and the records as `packing` makes one value of them.
pub(super) fn chunk<'a>(leaves: impl Iterator<Item = Leaf<&'a [u8]>>) -> Vec<u8> {
    let records: Vec<Leaf<&[u8]>> = leaves.collect();
    let packed = packed(records.iter().map(Leaf::record));
    [Sha256::digest(&packed).as_slice(), &packed].concat()
}

fn split_chain_id(bytes: &[u8]) -> Option<(ChainId, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (chain_id, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((std::str::from_utf8(chain_id).ok()?.parse().ok()?, rest))
}

fn split_subtree(bytes: &[u8]) -> Option<(Stub, &[u8])> {
    let (place, rest) = Place::decode(bytes)?;
    let (root, rest) = rest.split_first_chunk()?;
    let (records, rest) = rest.split_first_chunk()?;
    let subtree = Stub {
        place,
        root: *root,
        leaves: usize::try_from(u32::from_be_bytes(*records)).ok()?,
    };
    Some((subtree, rest))
}
