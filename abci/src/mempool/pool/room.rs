//! Owns who leaves a full pool (PROTOCOL section 3): the last ones of the runs whose last are worth
//! least, for what is worth at least 10 % more.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
};

use ait_app::{Code, Refusal, address::Address, quantity::Nonce, tx::TxHash};

use super::{Pool, limits, plan::Victim, pooled_tx::PooledTx, worth::Worth};

/// The next one to leave: its worth, its arrival, whose and which.
type Candidate = (Worth, Reverse<u64>, Address, Nonce);

impl Pool {
    /// Whether transactions fit in once others have left.
    pub(super) fn has_room(&self, tail: &[PooledTx], victims: &[Victim]) -> bool {
        fits(self.filled(tail, victims))
    }

    /// Adds to the victims whoever must leave for the first of these transactions.
    pub(super) fn make_room(
        &self,
        tail: &[PooledTx],
        victims: &mut Vec<Victim>,
    ) -> Result<(), Refusal> {
        let Some(newcomer) = tail.first() else {
            return Ok(());
        };
        let (mut count, mut bytes) = self.filled(tail, victims);
        let going = self.going(victims);
        let mut evictions = self.evictions;
        // Those whose successors have been chosen, beside the last ones of all other runs.
        let mut next: BTreeSet<Candidate> = BTreeSet::new();
        let mut lasts = self
            .index
            .tails()
            .filter_map(|(_, _, sender)| Some(candidate(self.queues.get(sender)?.last()?)));
        next.extend(lasts.next());
        while !fits((count, bytes)) {
            let chosen = next.pop_first();
            let chosen = chosen.filter(|(worth, ..)| newcomer.worth.outbids(*worth));
            let Some((_, _, sender, nonce)) = chosen else {
                return Err(self.full());
            };
            let Some(queue) = self.queues.get(&sender) else {
                continue;
            };
            if queue.last().is_some_and(|last| last.nonce() == nonce) {
                next.extend(lasts.next());
            }
            let before = queue.before(nonce).next();
            next.extend(before.map(candidate));
            let Some(entry) = queue.get(nonce) else {
                continue;
            };
            if going.contains_key(&entry.hash()) {
                continue;
            }
            evictions = evictions.saturating_add(1);
            if evictions > limits::MAX_EVICTIONS {
                return Err(self.full());
            }
            let (held, freed) = size(entry);
            count = count.saturating_sub(held);
            bytes = bytes.saturating_sub(freed);
            let why = "pushed out of the full pool by transactions that pay more a byte";
            victims.push(Victim::new(entry, Code::PoolFull, why));
        }
        Ok(())
    }

    /// A newcomer that finds no room whatever else is said of it: found before it costs anything.
    pub(super) fn full_at_once(&self, worth: Worth, wire_bytes: usize) -> Option<Refusal> {
        let count = self.index.len().saturating_add(1);
        let bytes = self.index.bytes().saturating_add(wire_bytes);
        if fits((count, bytes)) {
            return None;
        }
        let least = self.index.tails().next().map(|(least, ..)| *least);
        let finds_room = self.evictions < limits::MAX_EVICTIONS
            && least.is_some_and(|least| worth.outbids(least));
        (!finds_room).then(|| self.full())
    }

    /// Transactions and bytes, with a tail and without the victims.
    fn filled(&self, tail: &[PooledTx], victims: &[Victim]) -> (usize, usize) {
        let (mut count, mut bytes) = (self.index.len(), self.index.bytes());
        for entry in tail {
            let (held, added) = size(entry);
            count = count.saturating_add(held);
            bytes = bytes.saturating_add(added);
        }
        for entry in self.going(victims).values() {
            let (held, freed) = size(entry);
            count = count.saturating_sub(held);
            bytes = bytes.saturating_sub(freed);
        }
        (count, bytes)
    }

    /// All that leaves with the victims.
    fn going(&self, victims: &[Victim]) -> HashMap<TxHash, &PooledTx> {
        let places = victims
            .iter()
            .filter_map(|victim| Some((victim, self.index.place(&victim.hash)?)));
        let going = places.flat_map(|(victim, (sender, nonce))| {
            let queue = self.queues.get(&sender);
            let tail = queue.into_iter().flat_map(move |queue| queue.from(nonce));
            tail.filter(|entry| victim.takes(entry))
        });
        going.map(|entry| (entry.hash(), entry)).collect()
    }

    fn full(&self) -> Refusal {
        Refusal::new(
            Code::PoolFull,
            format!(
                "the node's pool is full: {} transactions of {}, {} bytes of {}; a place costs a fee a \
                 byte at least 10 % above the lowest, for this transaction and for those before it",
                self.index.len(),
                limits::MAX_TRANSACTIONS,
                self.index.bytes(),
                limits::MAX_BYTES
            ),
        )
    }
}

fn fits((count, bytes): (usize, usize)) -> bool {
    count <= limits::MAX_TRANSACTIONS && bytes <= limits::MAX_BYTES
}

/// Transactions and bytes of an entry, with what it replaced.
fn size(entry: &PooledTx) -> (usize, usize) {
    let bytes = entry.with_replaced().map(|held| held.wire.len()).sum();
    (entry.with_replaced().count(), bytes)
}

fn candidate(entry: &PooledTx) -> Candidate {
    let arrival = Reverse(entry.arrival);
    (entry.worth, arrival, entry.sender(), entry.nonce())
}
