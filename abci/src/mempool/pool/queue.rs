//! Owns one sender's pending transactions by nonce, and what the run of them changes.

use std::collections::BTreeMap;

use ait_app::{quantity::Nonce, tx::TxHash};

use super::{
    pooled_tx::{PooledTx, Status},
    run::Run,
};

/// A sender's pending transactions.
#[derive(Debug, Default)]
pub struct Queue {
    entries: BTreeMap<Nonce, PooledTx>,
    run: Run,
}

impl Queue {
    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The pending transactions, by nonce.
    pub fn entries(&self) -> impl Iterator<Item = &PooledTx> {
        self.entries.values()
    }

    /// Those from a nonce on.
    pub fn from(&self, nonce: Nonce) -> impl DoubleEndedIterator<Item = &PooledTx> {
        self.entries.range(nonce..).map(|(_, entry)| entry)
    }

    /// Those before a nonce, the last first.
    pub fn before(&self, nonce: Nonce) -> impl Iterator<Item = &PooledTx> {
        self.entries.range(..nonce).rev().map(|(_, entry)| entry)
    }

    /// The first one, where a block may take it.
    pub fn next_ready(&self) -> Option<&PooledTx> {
        let (_, first) = self.entries.first_key_value()?;
        (first.status == Status::Ready).then_some(first)
    }

    /// The last one.
    pub fn last(&self) -> Option<&PooledTx> {
        self.entries.last_key_value().map(|(_, entry)| entry)
    }

    /// The one with this nonce.
    pub fn get(&self, nonce: Nonce) -> Option<&PooledTx> {
        self.entries.get(&nonce)
    }

    /// The one with this nonce and hash, be it replaced but not yet displaced.
    pub fn find(&self, nonce: Nonce, hash: &TxHash) -> Option<&PooledTx> {
        let mut both = self.entries.get(&nonce)?.with_replaced();
        both.find(|entry| entry.hash() == *hash)
    }

    /// As [`Queue::find`]; notes that CometBFT presented it in this generation.
    pub fn see(&mut self, nonce: Nonce, hash: &TxHash, generation: u64) -> Option<&PooledTx> {
        let entry = self.entries.get_mut(&nonce)?;
        let found = if entry.hash() == *hash {
            entry
        } else {
            let replaced = entry.replaced.as_deref_mut()?;
            (replaced.hash() == *hash).then_some(replaced)?
        };
        found.seen = generation;
        found.unoffered = false;
        Some(found)
    }

    /// Notes that CometBFT holds none of them.
    pub fn offer_again(&mut self) {
        for entry in self.entries.values_mut() {
            entry.unoffered = true;
            entry.envelope = None;
        }
    }

    /// Notes that CometBFT no longer holds the one with this nonce in an envelope.
    pub fn leave_envelope(&mut self, nonce: Nonce) {
        if let Some(entry) = self.entries.get_mut(&nonce) {
            entry.unoffered = true;
            entry.envelope = None;
        }
    }

    /// What the run of its transactions changes.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Takes out those from a nonce on.
    pub fn split_off(&mut self, nonce: Nonce) -> Vec<PooledTx> {
        let tail = self.entries.split_off(&nonce);
        if !tail.is_empty() {
            self.run = Run::default();
            for entry in self.entries.values() {
                self.run.absorb(&entry.effects);
            }
        }
        tail.into_values().collect()
    }

    /// Appends a judged one; its nonce is above all others.
    pub fn push(&mut self, entry: PooledTx) {
        self.run.absorb(&entry.effects);
        self.entries.insert(entry.nonce(), entry);
    }
}
