//! Owns how transactions go to CometBFT in one envelope (PROTOCOL section 3.26), each judged by itself: what
//! an envelope loses is for its sender to submit singly, so that no transaction decides the fate of another.

use ait_abci::{Envelope, Mempool, Reader, Verdict};
use ait_app::{Refusal, tx::TxHash};
use ait_store::StoreError;
use bytes::Bytes;

use crate::{
    comet::Comet,
    submit::Submitted,
    unanswered::{Unanswered, off_thread},
};

/// What became of one of many.
#[derive(Debug, Clone)]
pub enum OneOfMany {
    /// It is pending, or was known already.
    Submitted(Submitted),
    /// This node refuses it.
    Refused(Refusal),
    /// It did not go with the others: it is to be submitted singly.
    Alone,
}

/// Carries transactions to CometBFT. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Carrier {
    pub(crate) reader: Reader,
    pub(crate) mempool: Mempool,
    pub(crate) comet: Comet,
}

impl Carrier {
    /// Hands to CometBFT, in one envelope, those of them that this node does not refuse; says of each in its
    /// place what became of it. A lone one is no envelope, and does not go.
    ///
    /// # Errors
    /// [`Unanswered`], where none of them can be judged any more.
    pub(crate) async fn carry(&self, wires: Vec<Bytes>) -> Result<Vec<OneOfMany>, Unanswered> {
        let asked = self.clone();
        let judge = move || asked.judge(&wires).map(|judged| (wires, judged));
        let (wires, mut judged) = off_thread(judge).await??;
        let mut envelope = Envelope::default();
        let mut aboard = Vec::new();
        for (wire, one) in wires.iter().zip(&mut judged) {
            if matches!(one, OneOfMany::Alone) && envelope.push(wire.clone()).is_ok() {
                aboard.push(one);
            }
        }
        let hashes = self.send(&envelope).await?;
        for (one, pending) in aboard.into_iter().zip(hashes) {
            if let Some(hash) = pending {
                let was_known = false;
                *one = OneOfMany::Submitted(Submitted { hash, was_known });
            }
        }
        Ok(judged)
    }

    /// Whether a transaction is pending or committed.
    pub(crate) fn is_known(&self, hash: &TxHash) -> Result<bool, StoreError> {
        if self.mempool.pending(hash).is_some() {
            return Ok(true);
        }
        Ok(self.reader.transaction(hash)?.is_some())
    }

    /// What the node says of each; those that it says nothing of can go.
    fn judge(&self, wires: &[Bytes]) -> Result<Vec<OneOfMany>, Unanswered> {
        let hashes: Vec<TxHash> = wires.iter().map(|wire| TxHash::of(wire)).collect();
        let pending = self.mempool.are_pending(&hashes);
        let verdicts = self.mempool.preview_lines(wires)?;
        let mut all = Vec::with_capacity(wires.len());
        for ((hash, is_pending), verdict) in hashes.into_iter().zip(pending).zip(verdicts) {
            let was_known = true;
            let known = OneOfMany::Submitted(Submitted { hash, was_known });
            all.push(match verdict {
                _ if is_pending => known,
                Verdict::Ready | Verdict::WaitsForAttestation => OneOfMany::Alone,
                // It may be committed, or have come in over P2P since we looked.
                Verdict::Parked(_) | Verdict::Refused(_) if self.is_known(&hash)? => known,
                Verdict::Parked(refusal) | Verdict::Refused(refusal) => OneOfMany::Refused(refusal),
            });
        }
        Ok(all)
    }

    /// Hands an envelope to CometBFT, and says which of its transactions are pending then.
    async fn send(&self, envelope: &Envelope) -> Result<Vec<Option<TxHash>>, Unanswered> {
        let transactions = envelope.transactions();
        if transactions.len() < 2 {
            return Ok(Vec::new());
        }
        match self.comet.broadcast_tx_sync(&envelope.to_wire()).await {
            Ok(answer) if answer.code == 0 => {}
            Ok(answer) => {
                tracing::debug!(
                    component = "node",
                    event = "envelope_refused",
                    log = answer.log
                );
            }
            Err(error) => {
                tracing::debug!(component = "node", event = "envelope_not_sent", %error);
            }
        }
        let (mempool, transactions) = (self.mempool.clone(), transactions.to_vec());
        off_thread(move || {
            let hashes: Vec<TxHash> = transactions.iter().map(|wire| TxHash::of(wire)).collect();
            let pending = mempool.are_pending(&hashes);
            let known = hashes.into_iter().zip(pending);
            known
                .map(|(hash, pending)| pending.then_some(hash))
                .collect()
        })
        .await
    }
}
