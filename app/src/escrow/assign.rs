//! Owns `ESCROW_ASSIGN`: the escrow's coordinator binds the miner that may claim it.
//! Codes: `escrow`. Event: `escrow_assigned`.

use serde::{Deserialize, Serialize};

use super::{events::EscrowEvent, record::Binding, refund::find_open};
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

/// The payload of `ESCROW_ASSIGN`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscrowAssign {
    /// Whose escrow.
    pub client_addr: Address,
    /// For which job.
    pub job_id: JobId,
    /// Who alone may claim it from now on.
    pub miner: Address,
}

impl Operation for EscrowAssign {
    const KIND: &'static str = "ESCROW_ASSIGN";

    fn reads(&self, _sender: &Address) -> Vec<Key> {
        vec![Key::Escrow(self.client_addr, self.job_id.clone())]
    }

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        let height = context.block.height;
        let (mut escrow, _) = find_open(overlay, &self.client_addr, &self.job_id, height)?;
        let coordinator = escrow.coordinator();
        if coordinator != context.sender {
            return refuse(
                Code::NotTheCoordinator,
                format!("only its coordinator {coordinator} may assign this escrow"),
            );
        }
        match escrow.binding {
            Binding::Unbound => {}
            Binding::Named(miner) => {
                return refuse(
                    Code::MinerFixed,
                    format!("its client named the miner {miner} when it opened this escrow"),
                );
            }
            Binding::Assigned(miner) if escrow.threshold > 1 => {
                return refuse(
                    Code::MinerFixed,
                    format!(
                        "the miner {miner} is assigned, and with a threshold above 1 that is for good"
                    ),
                );
            }
            Binding::Assigned(_) => {}
        }
        escrow.binding = Binding::Assigned(self.miner);
        let event = EscrowEvent::Assigned { miner: self.miner }.of(&escrow);
        overlay.put(&(escrow.client, escrow.job_id.clone()), escrow);
        Ok(vec![event])
    }
}
