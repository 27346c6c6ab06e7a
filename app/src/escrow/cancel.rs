//! Owns `ESCROW_CANCEL`: the client gives notice, while no miner is bound.
//! Codes: `escrow`. Event: `escrow_cancelled`.

use serde::{Deserialize, Serialize};

use super::{events::EscrowEvent, record::EscrowStatus, refund::find_open};
use crate::{
    address::Address,
    code::Code,
    error::{Failure, refuse},
    events::Event,
    identifiers::JobId,
    prelude::*,
    state::{Key, Overlay, View},
    tx::{context::Context, operation::Operation},
};

/// The payload of `ESCROW_CANCEL`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscrowCancel {
    /// The sender's name for the job.
    pub job_id: JobId,
}

impl Operation for EscrowCancel {
    const KIND: &'static str = "ESCROW_CANCEL";

    fn reads(&self, sender: &Address) -> Vec<Key> {
        vec![Key::Escrow(*sender, self.job_id.clone())]
    }

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        let height = context.block.height;
        let (mut escrow, remaining) = find_open(overlay, &context.sender, &self.job_id, height)?;
        if let Some(miner) = escrow.binding.miner() {
            return refuse(
                Code::MinerBound,
                format!("the miner {miner} is bound to this escrow: it may be at work"),
            );
        }
        let end = height.plus(context.block.params.cancel_notice_blocks)?;
        if end < escrow.expires_height {
            escrow.expires_height = end;
            escrow.status = EscrowStatus::Open {
                remaining,
                cancelled: true,
            };
        }
        let event = EscrowEvent::Cancelled {
            expires_height: escrow.expires_height,
        }
        .of(&escrow);
        overlay.put(&(escrow.client, escrow.job_id.clone()), escrow);
        Ok(vec![event])
    }
}
