//! Owns the memory of what was verified: a signature is checked once, at CheckTx, and not again when
//! the transaction comes back in a proposal and in the decided block. Reading an entry is a pure
//! function of its bytes, so remembering it by its hash changes nothing but the time it takes.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ait_app::{
    Refusal,
    block::Entry,
    identifiers::ChainId,
    tx::{TxHash, VerifiedTx},
};
use rayon::prelude::*;

/// Transactions remembered in each of the two generations: two full CometBFT mempools in all.
const GENERATION: usize = 20_000;

/// Fewer transactions than this are not worth waking other threads for.
const LEAST_AHEAD: usize = 4;

/// Refusals that are kept from a look ahead until their turn: some bursts of a connection.
const MOST_REFUSED: usize = 4096;

/// Verified transactions by hash; the least recently used half is forgotten when it is full.
#[derive(Default)]
pub struct VerifiedCache {
    generations: Mutex<Generations>,
    /// What was refused when it was read ahead. Its turn takes it out, so that nobody makes a node verify
    /// a wrong signature twice.
    refused: Mutex<HashMap<TxHash, Refusal>>,
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
        if let Some(refusal) = lock(&self.refused).remove(&hash) {
            return Entry::Invalid(refusal);
        }
        self.read_anew(wire, hash, chain_id)
    }

    fn read_anew(&self, wire: &[u8], hash: TxHash, chain_id: &ChainId) -> Entry {
        let entry = Entry::read_hashed(wire, hash, chain_id);
        if let Entry::Transaction(verified) = &entry {
            self.insert(hash, verified.clone());
        }
        entry
    }

    /// Reads on all cores what [`VerifiedCache::read`] will be asked for one after the other. Gives the
    /// transactions that were new and hold.
    pub fn read_ahead(&self, wires: &[&[u8]], chain_id: &ChainId) -> Vec<Arc<VerifiedTx>> {
        if wires.len() < LEAST_AHEAD {
            return Vec::new();
        }
        let mut seen = HashSet::new();
        let unknown: Vec<(&[u8], TxHash)> = wires
            .iter()
            // Not kept once read, and cheap to read.
            .filter(|wire| !Entry::is_attestations(wire))
            .map(|wire| (*wire, TxHash::of(wire)))
            .filter(|(_, hash)| seen.insert(*hash) && self.get(hash).is_none())
            .collect();
        let read: Vec<Entry> = unknown
            .par_iter()
            .map(|(wire, hash)| self.read_anew(wire, *hash, chain_id))
            .collect();
        let mut verified = Vec::with_capacity(read.len());
        let mut refused = Vec::new();
        for ((_, hash), entry) in unknown.iter().zip(read) {
            match entry {
                Entry::Transaction(transaction) => verified.push(transaction),
                Entry::Invalid(refusal) => refused.push((*hash, refusal)),
                Entry::Attestations(_) => {}
            }
        }
        if refused.is_empty() {
            return verified;
        }
        let mut kept = lock(&self.refused);
        // Those of a connection that ended before their turn.
        if kept.len().saturating_add(refused.len()) > MOST_REFUSED {
            kept.clear();
        }
        kept.extend(refused);
        verified
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

    fn lock(&self) -> MutexGuard<'_, Generations> {
        lock(&self.generations)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Generations {
    fn insert(&mut self, hash: TxHash, verified: Arc<VerifiedTx>) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, verified);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ait_app::{
        crypto::SecretKey,
        quantity::{Nonce, Uait},
        tx::{Payload, Transaction},
    };

    use super::*;

    /// Transactions of which each third has a wrong signature.
    fn wires() -> (ChainId, Vec<Vec<u8>>) {
        let chain_id: ChainId = "ait-test".parse().unwrap();
        let other: ChainId = "ait-other".parse().unwrap();
        let key = SecretKey::from_seed([1; 32]);
        let signed = |number: u64| {
            let chain = if number.is_multiple_of(3) {
                &other
            } else {
                &chain_id
            };
            let payload = Payload::read("UNJAIL", "{}").unwrap();
            Transaction::sign(chain, &key, Nonce::constant(number), Uait::ZERO, payload).to_wire()
        };
        let wires = (0..9).map(signed).collect();
        (chain_id, wires)
    }

    #[test]
    fn what_was_read_ahead_is_what_is_read_in_its_turn() {
        let (chain_id, wires) = wires();
        let wires: Vec<&[u8]> = wires.iter().map(Vec::as_slice).collect();
        let (ahead, alone) = (VerifiedCache::default(), VerifiedCache::default());
        let twice = [&wires[..], &wires].concat();
        ahead.read_ahead(&twice, &chain_id);
        for wire in wires {
            match (ahead.read(wire, &chain_id), alone.read(wire, &chain_id)) {
                (Entry::Transaction(one), Entry::Transaction(other)) => assert_eq!(one, other),
                (Entry::Invalid(one), Entry::Invalid(other)) => assert_eq!(one, other),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_refusal_is_kept_until_its_turn_and_no_longer() {
        let (chain_id, wires) = wires();
        let wires: Vec<&[u8]> = wires.iter().map(Vec::as_slice).collect();
        let cache = VerifiedCache::default();
        cache.read_ahead(&wires, &chain_id);
        assert_eq!(lock(&cache.refused).len(), 3);
        for wire in wires {
            cache.read(wire, &chain_id);
        }
        assert!(lock(&cache.refused).is_empty());
    }

    #[test]
    fn refusals_that_nobody_asks_for_are_bounded() {
        let chain_id = "ait-test".parse().unwrap();
        let cache = VerifiedCache::default();
        for burst in 0..10_u32 {
            let junk: Vec<[u8; 8]> = (0..1000_u32)
                .map(|number| (u64::from(burst) << 32 | u64::from(number)).to_be_bytes())
                .collect();
            let wires: Vec<&[u8]> = junk.iter().map(<[u8; 8]>::as_slice).collect();
            cache.read_ahead(&wires, &chain_id);
            assert!(lock(&cache.refused).len() <= MOST_REFUSED);
        }
    }
}
