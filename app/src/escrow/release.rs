//! Owns `ESCROW_RELEASE`: the escrow's coordinator gives all that remains back to the client.
//! Codes: `escrow`. Event: `escrow_refunded`.

use serde::{Deserialize, Serialize};

use super::{
    record::Reason,
    refund::{find_open, refund},
};
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

/// The payload of `ESCROW_RELEASE`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscrowRelease {
    /// Whose escrow.
    pub client_addr: Address,
    /// For which job.
    pub job_id: JobId,
}

impl Operation for EscrowRelease {
    const KIND: &'static str = "ESCROW_RELEASE";

    fn reads(&self, _sender: &Address) -> Vec<Key> {
        vec![Key::Escrow(self.client_addr, self.job_id.clone())]
    }

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        let height = context.block.height;
        let (escrow, _) = find_open(overlay, &self.client_addr, &self.job_id, height)?;
        let coordinator = escrow.coordinator();
        if coordinator != context.sender {
            return refuse(
                Code::NotTheCoordinator,
                format!("only its coordinator {coordinator} may release this escrow"),
            );
        }
        if let Some(miner) = escrow.binding.miner()
            && escrow.threshold > 1
        {
            return refuse(
                Code::MinerBound,
                format!(
                    "the miner {miner} is bound to this escrow, and its coordinator alone can't \
                     attest: it can't release alone either"
                ),
            );
        }
        let max_ttl = context.block.params.escrow_max_ttl_blocks;
        Ok(vec![refund(
            overlay,
            escrow,
            Reason::Released,
            height,
            max_ttl,
        )?])
    }
}
