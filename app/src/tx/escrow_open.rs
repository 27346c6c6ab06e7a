//! Owns `ESCROW_OPEN`: locks the sender's uait for a job, in the name of a coordinator.
//! Anyone may send it. Codes: `escrow`, `bank`. Event: `escrow_opened`.

use std::collections::BTreeMap;

use super::{Context, escrow_release::refund, execute::afford};
use crate::{
    address::Address,
    amount,
    code::Code,
    error::{Failure, Refusal},
    events::Event,
    identifiers::JobId,
    json::{Fields, Json},
    state::{
        Key,
        overlay::{Overlay, View},
        records::{Escrow, EscrowStatus},
    },
};

/// The longest `ttl_blocks` that the params can ever allow (SPEC section 5).
const MAX_TTL_BLOCKS: u64 = 10_000_000;

/// The payload of `ESCROW_OPEN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscrowOpen {
    /// The client's name for the job.
    pub job_id: JobId,
    /// A registered coordinator.
    pub coordinator: Address,
    /// uait to lock, > 0.
    pub amount: u64,
    /// Blocks until it goes back to the client, 1..=`escrow_max_ttl_blocks`.
    pub ttl_blocks: u64,
}

impl EscrowOpen {
    pub(super) fn parse(json: &Json) -> Result<Self, Refusal> {
        let names = ["job_id", "coordinator", "amount", "ttl_blocks"];
        let fields = Fields::open(json, "payload", &names, &[])?;
        Ok(Self {
            job_id: fields.parsed("job_id")?,
            coordinator: fields.parsed("coordinator")?,
            amount: fields.integer("amount", 1..=amount::MAX)?,
            ttl_blocks: fields.integer("ttl_blocks", 1..=MAX_TTL_BLOCKS)?,
        })
    }

    pub(super) fn to_json(&self) -> Json {
        Json::Object(BTreeMap::from([
            ("job_id".into(), Json::String(self.job_id.to_string())),
            (
                "coordinator".into(),
                Json::String(self.coordinator.to_string()),
            ),
            ("amount".into(), Json::Integer(self.amount)),
            ("ttl_blocks".into(), Json::Integer(self.ttl_blocks)),
        ]))
    }

    pub(super) fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<'_, V>,
    ) -> Result<Vec<Event>, Failure> {
        let client = context.verified.tx.sender;
        self.check(context)?;
        let mut events = Vec::new();
        match overlay.escrow(&client, &self.job_id)? {
            Some(escrow) if escrow.status == EscrowStatus::Settled => {
                return Err(Failure::Refused(Refusal::new(
                    Code::EscrowAlreadySettled,
                    format!("the escrow of {client} for job {} was settled", self.job_id),
                )));
            }
            Some(escrow) if escrow.is_open_in(context.height) => {
                return Err(Failure::Refused(Refusal::new(
                    Code::EscrowAlreadyOpen,
                    format!("the escrow of {client} for job {} is open", self.job_id),
                )));
            }
            // Overdue, its refund still in the queue: it counts as closed, so its turn is now.
            Some(escrow) if escrow.status == EscrowStatus::Open => {
                events.push(refund(overlay, escrow, "expired")?);
            }
            _ => {}
        }
        afford(overlay, context, self.amount)?;
        overlay.debit(&client, self.amount)?;
        let expires_height = amount::add(context.height, self.ttl_blocks)?;
        let escrow = Escrow {
            client,
            job_id: self.job_id.clone(),
            coordinator: self.coordinator,
            amount: self.amount,
            status: EscrowStatus::Open,
            opened_height: context.height,
            expires_height,
        };
        overlay.put(&Key::Escrow(client, self.job_id.clone()), &escrow)?;
        events.push(
            Event::new("escrow_opened")
                .id("job_id", &self.job_id)
                .id("client", client)
                .id("coordinator", self.coordinator)
                .amount("amount", self.amount),
        );
        Ok(events)
    }

    fn check(&self, context: &Context<'_>) -> Result<(), Refusal> {
        if !context.params.coordinators.contains_key(&self.coordinator) {
            return Err(Refusal::new(
                Code::UnknownCoordinator,
                format!(
                    "field payload.coordinator: {} is not registered",
                    self.coordinator
                ),
            ));
        }
        let limit = context.params.escrow_max_ttl_blocks;
        if self.ttl_blocks > limit {
            return Err(Refusal::new(
                Code::TtlTooLong,
                format!(
                    "field payload.ttl_blocks is {}, above {limit}",
                    self.ttl_blocks
                ),
            ));
        }
        Ok(())
    }
}
