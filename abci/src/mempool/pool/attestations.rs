//! Owns the claims that wait for their coordinators (PROTOCOL section 4): whom to ask what, and what
//! an answer does.

use ait_app::{
    Code, InvariantViolation, Refusal,
    escrow::record::Escrow,
    receipts::{attestation::Attestation, terms::AttestationRequest},
    state::{State, View},
    tx::{Payload, TxHash},
};

use super::{
    Bench, Pool,
    pooled_tx::{PooledTx, Status},
};
use crate::records::{Arrival, WantedAttestation};

impl Pool {
    /// Every claim whose coordinator shall be asked, on the escrows that are open in `state`; the ones
    /// with the best right to wait first.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn attestations_wanted(
        &self,
        state: &State,
    ) -> Result<Vec<WantedAttestation>, InvariantViolation> {
        let mut wanted = Vec::new();
        for (_, _, sender, nonce) in self.index.waiters().rev() {
            let queue = self.queues.get(sender);
            if let Some(entry) = queue.and_then(|queue| queue.get(*nonce)) {
                wanted.extend(question(state, entry)?);
            }
        }
        Ok(wanted)
    }

    /// A coordinator answered for a waiting claim. Where the answer is refused it is to be asked again.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn attestation_arrived(
        &mut self,
        bench: &Bench<'_>,
        hash: &TxHash,
        attestation: Attestation,
    ) -> Result<Arrival, InvariantViolation> {
        let place = self.index.place(hash);
        let entry = place.and_then(|(sender, nonce)| self.queues.get(&sender)?.get(nonce));
        // Not one that is replaced, although it may revive.
        let waits =
            |entry: &&PooledTx| entry.hash() == *hash && matches!(entry.status, Status::Waiting(_));
        let Some(entry) = entry.filter(waits) else {
            let why = Refusal::new(Code::Dropped, "the claim no longer waits");
            return Ok(Arrival::Refused(why));
        };
        if !bench.fits(&bench.base, &entry.verified, &attestation)? {
            return Ok(Arrival::Refused(Refusal::new(
                Code::InvalidAttestation,
                "the answer is not signed by the escrow's coordinator for this claim",
            )));
        }
        let (sender, nonce) = (entry.sender(), entry.nonce());
        let mut tail = self.take_tail(&sender, nonce);
        if let Some(claim) = tail.first_mut() {
            claim.attestation = Some(attestation);
        }
        self.rejudge(bench, sender, tail)?;
        Ok(Arrival::Taken)
    }
}

/// What to ask whom about a waiting claim; `None` where the chain doesn't show its escrow yet.
fn question(
    state: &State,
    entry: &PooledTx,
) -> Result<Option<WantedAttestation>, InvariantViolation> {
    let Payload::ReceiptClaim(claim) = &entry.verified.tx.payload else {
        return Ok(None);
    };
    let id = (claim.client_addr, claim.job_id.clone());
    let Some(escrow) = state.get::<Escrow>(&id)? else {
        return Ok(None);
    };
    let account = state.account(&claim.miner_addr)?;
    Ok(Some(WantedAttestation {
        hash: entry.hash(),
        coordinator: escrow.coordinator(),
        request: AttestationRequest {
            chain_id: state.chain_id().clone(),
            receipt_id: claim.receipt_id.clone(),
            job_id: claim.job_id.clone(),
            client: claim.client_addr,
            miner: claim.miner_addr,
            compute_units: claim.compute_units,
            price: claim.price,
            output_hash: claim.output_hash.clone(),
            opened_height: escrow.opened_height,
            miner_sig: claim.miner_sig,
            // Without it a coordinator could not check `miner_sig` of a miner's first claim.
            miner_pubkey: account.pubkey.is_none().then_some(entry.verified.tx.pubkey),
        },
    }))
}
