//! Owns the memory of what was verified: a signature is checked once, at CheckTx, and not again when
//! the transaction comes back in a proposal and in the decided block. Reading an entry is a pure
//! function of its bytes, so remembering it by its hash changes nothing but the time it takes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use ait_app::{
    block::Entry,
    identifiers::ChainId,
    tx::{TxHash, VerifiedTx},
};
use rayon::prelude::*;

/// Transactions remembered in each of the two generations: two full CometBFT mempools in all.
const GENERATION: usize = 20_000;

/// Verified transactions by hash; the least recently used half is forgotten when it is full.
#[derive(Default)]
pub struct VerifiedCache {
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<TxHash, Arc<VerifiedTx>>,
    old: HashMap<TxHash, Arc<VerifiedTx>>,
}

impl VerifiedCache {
    /// Reads one entry, from memory where it was verified before.
    pub fn read(&self, wire: &[u8], chain_id: &ChainId) -> Entry {
        let hash = TxHash::of(wire);
        if let Some(verified) = self.get(&hash) {
            return Entry::Transaction(verified);
        }
        let entry = Entry::read_hashed(wire, hash, chain_id);
        if let Entry::Transaction(verified) = &entry {
            self.insert(hash, verified.clone());
        }
        entry
    }

    /// Reads a block's entries, on all cores: what each is does not depend on the others.
    pub fn read_all(&self, txs: &[bytes::Bytes], chain_id: &ChainId) -> Vec<Entry> {
        txs.par_iter()
            .with_min_len(16)
            .map(|wire| self.read(wire, chain_id))
            .collect()
    }

    fn get(&self, hash: &TxHash) -> Option<Arc<VerifiedTx>> {
        let mut generations = self.lock();
        if let Some(verified) = generations.young.get(hash) {
            return Some(verified.clone());
        }
        let verified = generations.old.get(hash).cloned()?;
        generations.insert(*hash, verified.clone());
        Some(verified)
    }

    fn insert(&self, hash: TxHash, verified: Arc<VerifiedTx>) {
        self.lock().insert(hash, verified);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations> {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn insert(&mut self, hash: TxHash, verified: Arc<VerifiedTx>) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, verified);
    }
}
