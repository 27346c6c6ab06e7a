//! Owns `ESCROW_TOPUP`: anyone adds coins to an open escrow; its client may extend it too.
//! Codes: `escrow`, `bank`. Event: `escrow_topped_up`.

use serde::{Deserialize, Serialize};

use super::{
    events::EscrowEvent,
    naming::named_now,
    open::{Ttl, check_ttl},
    record::{Escrow, EscrowStatus},
    refund::find_open,
};
use crate::{
    address::Address,
    bank::payments::take_from_sender,
    code::Code,
    error::{Failure, refuse},
    events::Event,
    identifiers::JobId,
    json,
    prelude::*,
    quantity::{Height, Positive, Uait},
    state::{Key, Overlay, View},
    tx::{context::Context, operation::Operation},
};

/// The payload of `ESCROW_TOPUP`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscrowTopUp {
    /// What to add.
    pub amount: Positive<Uait>,
    /// Whose escrow.
    pub client_addr: Address,
    /// For which job.
    pub job_id: JobId,
    /// By the client alone: it ends this many blocks from now, if that is later.
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    pub ttl_blocks: Option<Ttl>,
}

impl Operation for EscrowTopUp {
    const KIND: &'static str = "ESCROW_TOPUP";

    fn reads(&self, _sender: &Address) -> Vec<Key> {
        vec![Key::Escrow(self.client_addr, self.job_id.clone())]
    }

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        let height = context.block.height;
        let (mut escrow, remaining) = find_open(overlay, &self.client_addr, &self.job_id, height)?;
        let EscrowStatus::Open { mut cancelled, .. } = escrow.status else {
            return refuse(Code::EscrowClosed, "the escrow is closed");
        };
        if let Some(ttl) = self.ttl_blocks
            && extend(context, overlay, &mut escrow, ttl)?
        {
            cancelled = false;
        }
        let amount = self.amount.get();
        take_from_sender(context, overlay, amount)?;
        let remaining = remaining.plus(amount)?;
        escrow.amount = escrow.amount.saturating_plus(amount);
        escrow.status = EscrowStatus::Open {
            remaining,
            cancelled,
        };
        let event = EscrowEvent::ToppedUp {
            sender: context.sender,
            amount,
            remaining,
        }
        .of(&escrow);
        overlay.put(&(escrow.client, escrow.job_id.clone()), escrow);
        Ok(vec![event])
    }
}

/// Whether the escrow ends later now.
fn extend(
    context: &Context<'_>,
    view: &impl View,
    escrow: &mut Escrow,
    ttl: Ttl,
) -> Result<bool, Failure> {
    if escrow.client != context.sender {
        return refuse(
            Code::NotTheClient,
            format!(
                "field payload.ttl_blocks: only its client {} may extend this escrow",
                escrow.client
            ),
        );
    }
    let addresses: Vec<Address> = escrow.attesters.iter().map(|a| a.address).collect();
    named_now(context, view, &addresses)?;
    check_ttl(context, ttl)?;
    let end = context.block.height.plus(Height::constant(ttl.get()))?;
    let later = end > escrow.expires_height;
    escrow.expires_height = escrow.expires_height.max(end);
    Ok(later)
}
