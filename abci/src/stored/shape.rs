//! Owns how the state's tree is found again without reading a record: its buckets' places, roots and sizes.
//!
//! They are written twice over, in a table of its own: what each block changed, and in pages by the first
//! byte of their hashes. Every block also rewrites some pages, about twice the bytes that it changed, the
//! oldest first; what all pages are newer than is removed. So a block writes in proportion to what it
//! changed, and a start reads in proportion to the buckets.
//!
//! | key | value |
//! |---|---|
//! | `p` byte | a page: its height (u64), its buckets |
//! | `d` height (u64) | what a block changed: how many places are gone (u32), these, its new buckets |
//!
//! A bucket is its place, its root, and how many leaves it has (u8). Integers are big-endian.

use std::collections::BTreeMap;

use ait_app::state::merkle::{Delta, Fresh, Hash, Place, Stub, Tree};
use ait_store::{Store, StoreError, Table, WriteBatch, for_each};

const PAGE: u8 = b'p';
const CHANGES: u8 = b'd';
/// Bytes of pages that a block rewrites for each byte that it changed.
const PACE: usize = 2;
/// What rewriting a page counts as at least, and what every block may rewrite at least, bytes.
const LEAST_PAGE_BYTES: usize = 256;

/// How far the pages on disk are.
pub(super) struct Shape {
    /// The height of each page.
    pages: Vec<u64>,
    /// The oldest block whose changes are on disk.
    oldest_changes: u64,
    /// Bytes of pages that may be rewritten.
    credit: usize,
}

/// Why a shape can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ShapeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the shape of its state can't be understood")]
    Unreadable,
}

impl Shape {
    /// Of a store without a state.
    pub(super) fn none() -> Self {
        Self {
            pages: vec![0; 256],
            oldest_changes: 1,
            credit: 0,
        }
    }

    /// Reads the tree of the last block.
    pub(super) fn read(store: &dyn Store) -> Result<(Self, Tree), ShapeError> {
        let mut read = Reading::default();
        for_each(store, Table::Roots, |(key, value)| {
            read.entry(&key, &value);
        })?;
        let stubs: Vec<Stub> = read.stubs.into_values().collect();
        let tree = Tree::of_buckets(&stubs).filter(|_| !read.failed);
        let shape = Self {
            pages: (0..=255)
                .map(|page| read.pages.get(&page).copied().unwrap_or(0))
                .collect(),
            oldest_changes: read.oldest_changes.unwrap_or(1),
            credit: 0,
        };
        Ok((shape, tree.ok_or(ShapeError::Unreadable)?))
    }

    /// Writes all pages.
    pub(super) fn write_all(&mut self, tree: &Tree, height: u64, batch: &mut WriteBatch) {
        for page in 0..=255 {
            self.write_page(page, tree, height, batch);
        }
        self.oldest_changes = height.saturating_add(1);
    }

    /// Writes all pages of the tree before the last block, whose own changes go.
    pub(super) fn write_back(&mut self, tree: &Tree, height: u64, batch: &mut WriteBatch) {
        for gone in self.oldest_changes..=height.saturating_add(1) {
            batch.remove(Table::Roots, changes_key(gone));
        }
        self.write_all(tree, height, batch);
    }

    /// Writes what a block changed of the tree, and the pages whose turn it is.
    pub(super) fn write(
        &mut self,
        tree: &Tree,
        delta: &Delta,
        height: u64,
        batch: &mut WriteBatch,
    ) {
        let changes = encode_changes(delta);
        let credit = changes.len().saturating_mul(PACE).max(LEAST_PAGE_BYTES);
        self.credit = self.credit.saturating_add(credit);
        batch.put(Table::Roots, changes_key(height), changes);
        while let Some((page, oldest)) = self.oldest_page()
            && oldest < height
            && self.credit > 0
        {
            let written = self.write_page(page, tree, height, batch);
            self.credit = self.credit.saturating_sub(written.max(LEAST_PAGE_BYTES));
        }
        let oldest = self.oldest_page().map_or(height, |(_, oldest)| oldest);
        while self.oldest_changes <= oldest {
            batch.remove(Table::Roots, changes_key(self.oldest_changes));
            self.oldest_changes = self.oldest_changes.saturating_add(1);
        }
    }

    fn oldest_page(&self) -> Option<(u8, u64)> {
        let oldest = self.pages.iter().copied().min()?;
        let place = self.pages.iter().position(|height| *height == oldest)?;
        Some((u8::try_from(place).ok()?, oldest))
    }

    fn write_page(&mut self, page: u8, tree: &Tree, height: u64, batch: &mut WriteBatch) -> usize {
        let mut first = [0; 32];
        if let Some(byte) = first.first_mut() {
            *byte = page;
        }
        let mut encoded = height.to_be_bytes().to_vec();
        let of_page = |stub: &Stub| page_of(&stub.place) <= page;
        for stub in tree.buckets_from(&first).take_while(of_page) {
            // A place above the page's own begins in an earlier one.
            if page_of(&stub.place) == page {
                encode_stub(&stub.place, &stub.root, stub.leaves, &mut encoded);
            }
        }
        let length = encoded.len();
        batch.put(Table::Roots, [PAGE, page], encoded);
        if let Some(of_page) = self.pages.get_mut(usize::from(page)) {
            *of_page = height;
        }
        length
    }
}

/// The shape as far as it was read: keys come in ascending order, and changes stand before pages.
#[derive(Default)]
struct Reading {
    changes: Vec<(u64, Vec<Place>, Vec<Stub>)>,
    pages: BTreeMap<u8, u64>,
    oldest_changes: Option<u64>,
    stubs: BTreeMap<Place, Stub>,
    failed: bool,
}

impl Reading {
    fn entry(&mut self, key: &[u8], value: &[u8]) {
        let understood = match key {
            [PAGE, page] => self.page(*page, value),
            [CHANGES, height @ ..] => self.change(height, value),
            _ => None,
        };
        self.failed |= understood.is_none();
        if let [PAGE, 255] = key {
            self.apply();
        }
    }

    fn page(&mut self, page: u8, value: &[u8]) -> Option<()> {
        let (height, stubs) = value.split_first_chunk()?;
        self.pages.insert(page, u64::from_be_bytes(*height));
        for stub in decode_stubs(stubs)? {
            self.stubs.insert(stub.place, stub);
        }
        Some(())
    }

    fn change(&mut self, height: &[u8], value: &[u8]) -> Option<()> {
        let height = u64::from_be_bytes(height.try_into().ok()?);
        self.oldest_changes.get_or_insert(height);
        let (count, mut rest) = value.split_first_chunk()?;
        let mut gone = Vec::new();
        for _ in 0..u32::from_be_bytes(*count) {
            let (place, behind) = Place::decode(rest)?;
            gone.push(place);
            rest = behind;
        }
        self.changes.push((height, gone, decode_stubs(rest)?));
        Some(())
    }

    /// What was changed after a page was written counts.
    fn apply(&mut self) {
        for (height, gone, fresh) in std::mem::take(&mut self.changes) {
            for place in gone {
                if self.is_newer(height, &place) {
                    self.stubs.remove(&place);
                }
            }
            for stub in fresh {
                if self.is_newer(height, &stub.place) {
                    self.stubs.insert(stub.place, stub);
                }
            }
        }
    }

    fn is_newer(&self, height: u64, place: &Place) -> bool {
        self.pages
            .get(&page_of(place))
            .is_none_or(|page| *page < height)
    }
}

fn page_of(place: &Place) -> u8 {
    place.first().first().copied().unwrap_or_default()
}

fn changes_key(height: u64) -> Vec<u8> {
    [&[CHANGES][..], &height.to_be_bytes()].concat()
}

fn encode_changes(delta: &Delta) -> Vec<u8> {
    let gone = delta.gone.iter().map(|(place, _)| place);
    let gone: Vec<&Place> = gone
        .filter(|place| delta.fresh.get(place).is_none())
        .collect();
    let count = u32::try_from(gone.len()).unwrap_or(u32::MAX);
    let mut encoded = count.to_be_bytes().to_vec();
    for place in gone {
        encoded.extend_from_slice(&place.encode());
    }
    encode_fresh(&delta.fresh, &mut encoded);
    encoded
}

fn encode_fresh(fresh: &Fresh, encoded: &mut Vec<u8>) {
    for (place, bucket) in fresh.iter() {
        encode_stub(place, bucket.root(), bucket.len(), encoded);
    }
}

fn encode_stub(place: &Place, root: &Hash, leaves: usize, encoded: &mut Vec<u8>) {
    encoded.extend_from_slice(&place.encode());
    encoded.extend_from_slice(root);
    // A bucket has no more than 24.
    encoded.push(u8::try_from(leaves).unwrap_or(u8::MAX));
}

fn decode_stubs(mut bytes: &[u8]) -> Option<Vec<Stub>> {
    let mut stubs = Vec::new();
    while !bytes.is_empty() {
        let (place, rest) = Place::decode(bytes)?;
        let (root, rest) = rest.split_first_chunk()?;
        let (leaves, rest) = rest.split_first()?;
        stubs.push(Stub {
            place,
            root: *root,
            leaves: usize::from(*leaves),
        });
        bytes = rest;
    }
    Some(stubs)
}
