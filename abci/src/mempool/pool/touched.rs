//! Owns whose transactions a commit must look at: those whose judgement read what the block changed, those
//! whose time is up, and a few of those for which it may have passed unnoticed.
//!
//! What a block changes of params, of the mode or of the protocol touches all. A height alone touches nobody: what it makes
//! fail is left out of proposals, and is judged again once a proposal has left it out, or in its turn.

use std::{
    collections::{BTreeMap, HashSet},
    ops::Bound,
};

use ait_app::{
    InvariantViolation,
    address::Address,
    block::ConsensusAddress,
    params::values::ConsensusMode,
    quantity::Nonce,
    staking::record::{Consensus, Validator},
    state::{Changed, Key, View},
    tx::{Payload, TxHash},
};

use super::{Bench, Pool, pooled_tx::PooledTx, queue::Queue, reads::Fact};

/// Senders, and transactions, whose turn to be judged again comes with each commit, whatever happened.
pub const SWEPT_SENDERS: usize = 64;
const SWEPT_TRANSACTIONS: usize = 256;

/// A block that was just committed, as far as the pool must know it.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    /// Its transactions.
    pub txs: &'a HashSet<TxHash>,
    /// The records that it changed.
    pub changed: &'a [Changed],
}

/// What of the consensus record a transaction can depend on; the rest says how far the epochs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ground {
    mode: ConsensusMode,
    admin_candidate: Option<Address>,
}

impl Ground {
    fn of(consensus: &Consensus) -> Self {
        Self {
            mode: consensus.mode,
            admin_candidate: consensus.admin_candidate,
        }
    }
}

/// From where on a sender's transactions are looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Touch {
    /// The first that is judged again, whatever became of those before it.
    pub from: Option<Nonce>,
    /// Whether the sender's account changed, or the block took some of them.
    pub account: bool,
}

impl Touch {
    /// Where to begin.
    pub fn first(&self) -> Nonce {
        match self.from {
            Some(from) if !self.account => from,
            _ => Nonce::ZERO,
        }
    }

    /// Also judges this one again, and those after it.
    pub fn judge_from(&mut self, nonce: Nonce) {
        self.from = Some(self.from.map_or(nonce, |from| from.min(nonce)));
    }
}

/// Senders, each with what of its transactions is looked at.
#[derive(Default)]
pub struct Touched(pub BTreeMap<Address, Touch>);

impl Touched {
    fn account(&mut self, sender: Address) {
        self.0.entry(sender).or_default().account = true;
    }

    fn judge_from(&mut self, sender: Address, nonce: Nonce) {
        self.0.entry(sender).or_default().judge_from(nonce);
    }
}

impl Pool {
    /// Whom a commit touches; `last_seen` is the generation in which CometBFT must have presented what it
    /// holds.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub(super) fn touched(
        &mut self,
        bench: &Bench<'_>,
        block: Block<'_>,
        last_seen: u64,
    ) -> Result<Touched, InvariantViolation> {
        let mut touched = Touched::default();
        for (sender, _) in block.txs.iter().filter_map(|hash| self.index.place(hash)) {
            touched.account(sender);
        }
        self.touch_readers(bench, block.changed, &mut touched)?;
        let due = self.index.readers().due(bench.state().height());
        for (sender, nonce) in due.chain(self.index.replacements().copied()) {
            touched.judge_from(sender, nonce);
        }
        if self.index.unseen_since(last_seen) > 0 {
            let entries = self.queues.values().flat_map(Queue::entries);
            for entry in entries {
                if entry.last_seen().is_some_and(|seen| seen < last_seen) {
                    touched.judge_from(entry.sender(), entry.nonce());
                }
            }
        }
        for sender in std::mem::take(&mut self.left_out) {
            touched.judge_from(sender, Nonce::ZERO);
        }
        self.sweep(&mut touched);
        Ok(touched)
    }

    fn touch_readers(
        &mut self,
        bench: &Bench<'_>,
        changed: &[Changed],
        touched: &mut Touched,
    ) -> Result<(), InvariantViolation> {
        let ground = Ground::of(&bench.context.consensus);
        let before = self.ground.replace(ground);
        let is_shaken = |key: &Key| match key {
            Key::Param(_) | Key::Protocol => true,
            Key::Consensus => before != Some(ground),
            _ => false,
        };
        if changed.iter().any(|(key, _)| is_shaken(key)) {
            for sender in self.queues.keys() {
                touched.judge_from(*sender, Nonce::ZERO);
            }
        }
        for (key, _) in changed {
            if let Key::Account(owner) = key
                && self.queues.contains_key(owner)
            {
                touched.account(*owner);
            }
            self.touch_readers_of(&Fact::Record(key.clone()), touched);
            if let Key::Validator(address) = key
                && let Some(validator) = bench.base.get::<Validator>(address)?
            {
                for key in &validator.keys {
                    let owned = Fact::KeyOwner(ConsensusAddress::of(key));
                    self.touch_readers_of(&owned, touched);
                }
            }
        }
        Ok(())
    }

    fn touch_readers_of(&self, fact: &Fact, touched: &mut Touched) {
        for sender in self.index.readers().of(fact) {
            let entries = self.queues.get(sender).map(Queue::entries);
            let reads = |entry: &&PooledTx| entry.reads.has(fact);
            if let Some(first) = entries.into_iter().flatten().find(reads) {
                touched.judge_from(*sender, first.nonce());
            }
        }
    }

    /// Touches the next few senders for whose transactions a height may matter.
    fn sweep(&mut self, touched: &mut Touched) {
        let begin = self.sweep.take();
        let mut transactions: usize = 0;
        let from = begin.map_or(Bound::Unbounded, Bound::Included);
        let next = self.queues.range((from, Bound::Unbounded));
        for (swept, (sender, queue)) in next.enumerate() {
            if swept >= self.swept_senders || transactions >= SWEPT_TRANSACTIONS {
                self.sweep = Some(*sender);
                break;
            }
            let mut entries = queue.entries();
            if let Some(first) = entries.find(|entry| heeds_heights(&entry.verified.tx.payload)) {
                touched.judge_from(*sender, first.nonce());
                transactions = transactions.saturating_add(queue.from(first.nonce()).count());
            }
        }
    }
}

/// Whether a height may say something of such a transaction that no record says. Of a transfer it can't.
fn heeds_heights(payload: &Payload) -> bool {
    !matches!(payload, Payload::Transfer(_))
}
