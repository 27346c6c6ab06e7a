//! Owns what a proposal holds (PROTOCOL section 3): the pool's transactions by fee a byte, each
//! sender's nonces in sequence, simulated in order on the state before the block; and in front of them
//! the attestations that their claims need.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

use ait_app::{
    InvariantViolation,
    address::Address,
    block::Executor,
    quantity::Nonce,
    state::State,
    tx::{Signatures, Verdict},
};

use super::{
    Pool,
    building::Building,
    pooled_tx::{PooledTx, Status},
    worth::Worth,
};

/// The next transaction of a sender: the highest fee a byte first, among equals the earliest.
type Candidate = (Worth, Reverse<u64>, Address, Nonce);

impl Pool {
    /// The entries of the block after `state`, of at most `max_bytes` by protobuf size, the attestation
    /// entry first where one is needed. What would fail is left out, except offences whose fee can be
    /// paid.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn propose(
        &self,
        state: &State,
        signatures: &dyn Signatures,
        max_bytes: usize,
    ) -> Result<Vec<Vec<u8>>, InvariantViolation> {
        let mut executor = Executor::begin(state, signatures)?;
        let mut block = Building::new(max_bytes);
        let mut cursors: HashMap<Address, _> = HashMap::new();
        let mut candidates: BinaryHeap<Candidate> = BinaryHeap::new();
        for (sender, queue) in &self.queues {
            let mut entries = queue.entries();
            if let Some(entry) = entries.next().filter(|entry| entry.status == Status::Ready) {
                candidates.push(candidate(entry));
                cursors.insert(*sender, entries);
            }
        }
        while let Some((_, _, sender, nonce)) = candidates.pop() {
            let queue = self.queues.get(&sender);
            let Some(entry) = queue.and_then(|queue| queue.get(nonce)) else {
                continue;
            };
            let attestation = entry.attestation.as_ref();
            if entry.needs_attestation() && attestation.is_none() {
                continue;
            }
            let Some(room) = block.room_for(entry.wire.len(), attestation)? else {
                continue;
            };
            let outcome = executor.preview(&entry.verified, attestation)?;
            if !matches!(outcome.verdict, Verdict::Done | Verdict::Offence(_)) {
                continue;
            }
            executor.accept(outcome)?;
            block.push(room, &entry.wire, attestation);
            let next = cursors.get_mut(&sender).and_then(Iterator::next);
            if let Some(next) = next
                && next.status == Status::Ready
            {
                candidates.push(candidate(next));
            }
        }
        block.finish()
    }
}

fn candidate(entry: &PooledTx) -> Candidate {
    let arrival = Reverse(entry.arrival);
    (entry.own_worth(), arrival, entry.sender(), entry.nonce())
}
