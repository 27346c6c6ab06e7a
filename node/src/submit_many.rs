//! Owns the way of many transactions that come at once: in envelopes, each judged by itself.

use std::collections::HashSet;

use ait_app::tx::TxHash;
use bytes::Bytes;
use serde::Deserialize;

use crate::{
    carrier::OneOfMany,
    submit::{Replacing, Submitter},
    together::TOGETHER,
    unanswered::Unanswered,
};

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
        let _kept: Vec<_> = match replacing {
            Replacing::Allowed => Vec::new(),
            Replacing::Refused => {
                let keep = |wire: &Bytes| self.carrier.mempool.replace_nothing(TxHash::of(wire));
                wires.iter().map(keep).collect()
            }
        };
        let is_free = |wire: &&Bytes| held_up.is_empty() || !held_up.contains(&sender_of(wire));
        let free: Vec<Bytes> = wires.iter().filter(is_free).cloned().collect();
        let mut carried = self.carrier.carry(free).await?.into_iter();
        let became = |wire: &Bytes| match is_free(&wire) {
            true => carried.next().unwrap_or(OneOfMany::Alone),
            false => OneOfMany::Alone,
        };
        Ok(wires.iter().map(became).collect())
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
