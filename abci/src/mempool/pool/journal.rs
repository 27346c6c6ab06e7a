//! Owns taking back: what several transactions did to the pool, undone where they are not kept after all.

use std::collections::{BTreeMap, HashMap};

use ait_app::{address::Address, quantity::Nonce, tx::TxHash};

use super::{Pool, Queue, dropped::Reason, pooled_tx::PooledTx};

/// What the pool was before.
#[derive(Default)]
pub struct Journal {
    queues: BTreeMap<Address, Vec<PooledTx>>,
    reasons: HashMap<TxHash, Option<Reason>>,
    evictions: usize,
}

impl Pool {
    /// From now on everything can be taken back.
    pub(super) fn begin_journal(&mut self) {
        self.journal = Some(Journal {
            evictions: self.evictions,
            ..Journal::default()
        });
    }

    /// What was done stays.
    pub(super) fn close_journal(&mut self) {
        self.journal = None;
    }

    /// Takes back what was done since the journal was begun.
    pub(super) fn take_back(&mut self) {
        let Some(journal) = self.journal.take() else {
            return;
        };
        for (sender, entries) in journal.queues {
            self.take_tail(&sender, Nonce::ZERO);
            self.put_tail(sender, entries);
        }
        for (hash, reason) in journal.reasons {
            self.dropped.restore(hash, reason);
        }
        self.evictions = journal.evictions;
    }

    /// A sender's transactions are about to change.
    pub(super) fn note_queue(&mut self, sender: &Address) {
        if let Some(journal) = &mut self.journal
            && !journal.queues.contains_key(sender)
        {
            let entries = self.queues.get(sender).into_iter().flat_map(Queue::entries);
            journal.queues.insert(*sender, entries.cloned().collect());
        }
    }

    /// Why a transaction was dropped is about to change.
    pub(super) fn note_reason(&mut self, hash: &TxHash) {
        if let Some(journal) = &mut self.journal {
            let reason = || self.dropped.entry(hash).cloned();
            journal.reasons.entry(*hash).or_insert_with(reason);
        }
    }
}
