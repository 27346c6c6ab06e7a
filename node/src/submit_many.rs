//! Owns the way of many transactions that come at once: in envelopes, each judged by itself.

use std::collections::HashSet;

use ait_abci::{Envelope, Verdict};
use ait_app::{Refusal, tx::TxHash};
use bytes::Bytes;
use serde::Deserialize;

use crate::{
    submit::{Replacing, Submitted, Submitter},
    together::send_envelope,
    unanswered::{Unanswered, off_thread},
};

/// Transactions that go together: what judges them, here and at CheckTx, holds the mempool meanwhile.
const TOGETHER: usize = 250;

/// What became of one of many.
#[derive(Debug)]
pub enum OneOfMany {
    /// It is pending, or was known already.
    Submitted(Submitted),
    /// This node refuses it.
    Refused(Refusal),
    /// It did not go with the others: it is to be submitted singly.
    Alone,
}

impl Submitter {
    /// Hands the wire bytes of transactions to CometBFT in envelopes; says of each in its place what became of
    /// it. A sender's transactions go in their order.
    ///
    /// # Errors
    /// [`Unanswered`], where none of them can be judged any more.
    pub async fn submit_many(
        &self,
        wires: Vec<Bytes>,
        replacing: Replacing,
    ) -> Result<Vec<OneOfMany>, Unanswered> {
        let mut all = Vec::with_capacity(wires.len());
        // Behind what is to be submitted singly, a sender's others wait for it.
        let mut held_up: HashSet<String> = HashSet::new();
        for wires in wires.chunks(TOGETHER) {
            let together = self.submit_together(wires, replacing, &held_up).await?;
            for (wire, one) in wires.iter().zip(&together) {
                if matches!(one, OneOfMany::Alone) {
                    held_up.insert(sender_of(wire));
                }
            }
            all.extend(together);
        }
        Ok(all)
    }

    async fn submit_together(
        &self,
        wires: &[Bytes],
        replacing: Replacing,
        held_up: &HashSet<String>,
    ) -> Result<Vec<OneOfMany>, Unanswered> {
        let hashes: Vec<TxHash> = wires.iter().map(|wire| TxHash::of(wire)).collect();
        let kept: Vec<_> = match replacing {
            Replacing::Allowed => Vec::new(),
            Replacing::Refused => {
                let keep = |hash: &TxHash| self.mempool.replace_nothing(*hash);
                hashes.iter().map(keep).collect()
            }
        };
        let is_free = |wire: &&Bytes| held_up.is_empty() || !held_up.contains(&sender_of(wire));
        let free: Vec<Bytes> = wires.iter().filter(is_free).cloned().collect();
        let asked = self.clone();
        let (free, judged) =
            off_thread(move || asked.judge_many(&free).map(|judged| (free, judged))).await??;
        let mut envelope = Envelope::default();
        for (wire, judged) in free.iter().zip(&judged) {
            if matches!(judged, OneOfMany::Alone) {
                // So few of them always fit.
                let _ = envelope.push(wire.clone());
            }
        }
        let pending = send_envelope(&envelope, &self.mempool, &self.comet).await;
        drop(kept);
        let mut pending = pending.into_iter();
        let mut judged = judged.into_iter();
        let became = |(wire, hash): (&Bytes, &TxHash)| {
            if !is_free(&wire) {
                return OneOfMany::Alone;
            }
            match judged.next() {
                Some(OneOfMany::Alone) if pending.next() == Some(true) => {
                    OneOfMany::Submitted(Submitted {
                        hash: *hash,
                        was_known: false,
                    })
                }
                Some(one) => one,
                None => OneOfMany::Alone,
            }
        };
        Ok(wires.iter().zip(&hashes).map(became).collect())
    }

    /// What the node says of each; those that it says nothing of can go.
    fn judge_many(&self, wires: &[Bytes]) -> Result<Vec<OneOfMany>, Unanswered> {
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
}

/// Who sent wire bytes; empty where they say nothing of it.
fn sender_of(wire: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Sender {
        sender: String,
    }
    let read = serde_json::from_slice::<Sender>(wire);
    read.map(|read| read.sender).unwrap_or_default()
}
