//! Owns what a proposal holds (PROTOCOL section 3): the pool's transactions by fee a byte, each
//! sender's nonces in sequence, simulated in order on the state before the block; and in front of them
//! the attestations that their claims need.

use std::{collections::BinaryHeap, iter::Peekable};

use ait_app::{
    InvariantViolation,
    block::Executor,
    state::State,
    tx::{Signatures, Verdict},
};

use super::{
    Pool,
    building::Building,
    index::{Head, head},
    pooled_tx::Status,
};

impl Pool {
    /// The entries of the block after `state`, of at most `max_bytes` by protobuf size, the attestation
    /// entry first where one is needed. What would fail is left out, except offences whose fee can be
    /// paid; the next commit judges it again.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn propose(
        &mut self,
        state: &State,
        signatures: &dyn Signatures,
        max_bytes: usize,
    ) -> Result<Vec<Vec<u8>>, InvariantViolation> {
        let mut executor = Executor::begin(state, signatures)?;
        let mut block = Building::new(max_bytes);
        let mut heads = self.index.heads().rev().copied().peekable();
        // What comes behind a head that the block took.
        let mut followers: BinaryHeap<Head> = BinaryHeap::new();
        while let Some((_, _, sender, nonce)) = dearest(&mut heads, &mut followers) {
            let queue = self.queues.get(&sender);
            let Some(entry) = queue.and_then(|queue| queue.get(nonce)) else {
                continue;
            };
            let attestation = entry.attestation.as_ref();
            if entry.needs_attestation() && attestation.is_none() {
                continue;
            }
            if block.is_full() {
                break;
            }
            let Some(room) = block.room_for(entry.wire.len(), attestation)? else {
                continue;
            };
            let outcome = executor.preview(&entry.verified, attestation)?;
            if !matches!(outcome.verdict, Verdict::Done | Verdict::Offence(_)) {
                self.left_out.insert(sender);
                continue;
            }
            executor.accept(outcome)?;
            block.push(room, &entry.wire, attestation);
            let next = queue.and_then(|queue| queue.from(nonce.next()).next());
            if let Some(next) = next.filter(|next| next.status == Status::Ready) {
                followers.push(head(next));
            }
        }
        block.finish()
    }
}

/// The dearest of both.
fn dearest(
    heads: &mut Peekable<impl Iterator<Item = Head>>,
    followers: &mut BinaryHeap<Head>,
) -> Option<Head> {
    if followers.peek() > heads.peek() {
        followers.pop()
    } else {
        heads.next()
    }
}
