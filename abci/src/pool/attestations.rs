//! Owns the claims that wait for their coordinators (SPEC section 4): whom to ask what, and what an
//! answer does.

use ait_app::{
    Broken, Refusal, block,
    code::Code,
    receipts::{Attestation, AttestationRequest},
    state::{State, overlay::View},
    tx::{Payload, TxHash},
};

use super::{Pool, Queue, Status};
use crate::records::WantedAttestation;

impl Pool {
    /// Every claim whose coordinator shall be asked, on the escrows that are open in `state`.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn attestations_wanted(&self, state: &State) -> Result<Vec<WantedAttestation>, Broken> {
        let mut wanted = Vec::new();
        for entry in self.queues.values().flat_map(Queue::entries) {
            let Payload::ReceiptClaim(claim) = &entry.verified.tx.payload else {
                continue;
            };
            if entry.status != Status::Waiting {
                continue;
            }
            let terms = &claim.terms;
            let Some(escrow) = state.escrow(&terms.client, &terms.job_id)? else {
                continue;
            };
            wanted.push(WantedAttestation {
                hash: entry.verified.hash,
                coordinator: escrow.coordinator,
                miner_pubkey: state
                    .account(&terms.miner)?
                    .pubkey
                    .is_none()
                    .then_some(entry.verified.tx.pubkey),
                request: AttestationRequest {
                    chain_id: state.chain_id().clone(),
                    receipt_id: terms.receipt_id.clone(),
                    job_id: terms.job_id.clone(),
                    client: terms.client,
                    miner: terms.miner,
                    compute_units: terms.compute_units,
                    price: terms.price,
                    output_hash: terms.output_hash.clone(),
                    opened_height: escrow.opened_height,
                    miner_sig: claim.miner_sig,
                },
            });
        }
        Ok(wanted)
    }

    /// A coordinator answered for a waiting claim. The inner refusal says why the answer is worth
    /// nothing: it is to be asked again.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn attestation_arrived(
        &mut self,
        state: &State,
        hash: &TxHash,
        attestation: Attestation,
    ) -> Result<Result<(), Refusal>, Broken> {
        let gone = || Refusal::new(Code::Dropped, "the claim no longer waits");
        let Some((sender, nonce)) = self.by_hash.get(hash).copied() else {
            return Ok(Err(gone()));
        };
        let mut queue = self.take_out(&sender);
        let answer = match queue.find_mut(nonce, hash) {
            None => Err(gone()),
            Some(entry) if !block::attestation_fits(state, &entry.verified, &attestation)? => {
                Err(Refusal::new(
                    Code::InvalidAttestation,
                    "the answer is not signed by the escrow's registered coordinator for this claim",
                ))
            }
            Some(entry) => {
                entry.attestation = Some(attestation);
                Ok(())
            }
        };
        if answer.is_ok() {
            for (hash, refusal) in queue.rejudge(state)? {
                self.dropped.insert(hash, (refusal, self.generation));
            }
        }
        self.put_back(sender, queue);
        Ok(answer)
    }
}
