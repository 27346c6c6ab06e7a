//! Owns what a proposal holds (SPEC section 3): the pool's transactions by fee, each sender's
//! nonces in sequence, simulated in order on the state before the block; and in front of them the
//! attestations that their claims need.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

use ait_app::{
    Broken,
    address::Address,
    block::{self, Executor, protobuf_size},
    receipts::Attestation,
    state::State,
    tx::Payload,
};

use super::{Pool, Status, queue::Entry};

/// The next transaction of a sender: the highest fee first, among equals the earliest.
type Candidate = (u64, Reverse<u64>, Address, u64);

impl Pool {
    /// The entries of the block after `state`, of at most `max_bytes` by protobuf size, the
    /// attestation entry first where one is needed. What would fail is
    /// left out, except offences whose fee can be paid.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn propose(&self, state: &State, max_bytes: usize) -> Result<Vec<Vec<u8>>, Broken> {
        let mut executor = Executor::begin(state)?;
        let mut block = Building::new(max_bytes.min(block::MAX_BLOCK_BYTES));
        let mut cursors: HashMap<Address, _> = HashMap::new();
        let mut candidates: BinaryHeap<Candidate> = BinaryHeap::new();
        for (sender, queue) in &self.queues {
            let mut entries = queue.entries();
            if let Some(entry) = entries.next().filter(|entry| entry.status == Status::Ready) {
                candidates.push(candidate(*sender, entry));
                cursors.insert(*sender, entries);
            }
        }
        while let Some((_, _, sender, nonce)) = candidates.pop() {
            let Some(entry) = self.queues.get(&sender).and_then(|queue| queue.get(nonce)) else {
                continue;
            };
            let attestation = needed_attestation(entry);
            if attestation.is_none() && claim_without_attestation(entry) {
                continue;
            }
            if !block.has_room(entry, attestation)? {
                continue;
            }
            let outcome = executor.preview(&entry.verified, attestation)?;
            let punishable = outcome.is_offence() && outcome.result.fee >= entry.verified.tx.fee;
            if outcome.refusal.is_some() && !punishable {
                continue;
            }
            executor.accept(outcome)?;
            block.push(entry, attestation);
            let next = cursors.get_mut(&sender).and_then(Iterator::next);
            if let Some(next) = next
                && next.status == Status::Ready
            {
                candidates.push(candidate(sender, next));
            }
        }
        block.finish()
    }
}

fn candidate(sender: Address, entry: &Entry) -> Candidate {
    let tx = &entry.verified.tx;
    (tx.fee, Reverse(entry.arrival), sender, tx.nonce)
}

fn claim_without_attestation(entry: &Entry) -> bool {
    match &entry.verified.tx.payload {
        Payload::ReceiptClaim(claim) => claim.attestation.is_none(),
        _ => false,
    }
}

fn needed_attestation(entry: &Entry) -> Option<&Attestation> {
    if claim_without_attestation(entry) {
        entry.attestation.as_ref()
    } else {
        None
    }
}

/// The growing list of entries and its size.
struct Building {
    txs: Vec<Vec<u8>>,
    attestations: Vec<Attestation>,
    txs_bytes: usize,
    attestations_bytes: usize,
    max_bytes: usize,
    /// What the last call of `has_room` found the attestation to take.
    next_attestation_bytes: usize,
}

impl Building {
    fn new(max_bytes: usize) -> Self {
        Self {
            txs: Vec::new(),
            attestations: Vec::new(),
            txs_bytes: 0,
            attestations_bytes: 0,
            max_bytes,
            next_attestation_bytes: 0,
        }
    }

    fn has_room(
        &mut self,
        entry: &Entry,
        attestation: Option<&Attestation>,
    ) -> Result<bool, Broken> {
        // Alone in its entry an attestation takes the most: with company they share the frame.
        self.next_attestation_bytes = match attestation {
            Some(attestation) => block::attestations_wire(std::slice::from_ref(attestation))?.len(),
            None => 0,
        };
        let attestations = self
            .attestations_bytes
            .saturating_add(self.next_attestation_bytes);
        let front = if attestations > 0 {
            protobuf_size(attestations)
        } else {
            0
        };
        let total = self
            .txs_bytes
            .saturating_add(protobuf_size(entry.wire.len()))
            .saturating_add(front);
        Ok(total <= self.max_bytes)
    }

    fn push(&mut self, entry: &Entry, attestation: Option<&Attestation>) {
        self.txs_bytes = self
            .txs_bytes
            .saturating_add(protobuf_size(entry.wire.len()));
        self.txs.push(entry.wire.to_vec());
        if let Some(attestation) = attestation {
            self.attestations_bytes = self
                .attestations_bytes
                .saturating_add(self.next_attestation_bytes);
            self.attestations.push(attestation.clone());
        }
    }

    fn finish(mut self) -> Result<Vec<Vec<u8>>, Broken> {
        if !self.attestations.is_empty() {
            let front = block::attestations_wire(&self.attestations)?;
            self.txs.insert(0, front);
        }
        Ok(self.txs)
    }
}
