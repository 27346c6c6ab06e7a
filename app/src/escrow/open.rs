//! Owns `ESCROW_OPEN`: locks the sender's coins for a job, in the name of coordinators.
//! Anyone may send it. Codes: `escrow`, `bank`. Event: `escrow_opened`.

use serde::{Deserialize, Serialize};

use super::{
    events::EscrowEvent,
    expiry::end_of,
    naming::named_now,
    record::{Binding, Escrow, EscrowStatus},
    refund::refund,
};
use crate::{
    address::Address,
    bank::payments::take_from_sender,
    code::Code,
    coordinators::record::Coordinator,
    error::{Failure, InvariantViolation, refuse},
    events::Event,
    identifiers::JobId,
    json::{self, True},
    prelude::*,
    quantity::{Count, Height, Positive, Ranged, Uait},
    state::{Key, Overlay, View},
    tx::{context::Context, operation::Operation},
};

/// Blocks that an escrow lives: 1 to the most that the params can ever allow.
pub type Ttl = Ranged<1, 10_000_000>;

/// The payload of `ESCROW_OPEN`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Form", try_from = "Form")]
pub struct EscrowOpen {
    /// What to lock, at least `min_escrow_amount`.
    pub amount: Positive<Uait>,
    /// A registered coordinator.
    pub coordinator: Address,
    /// Who attests besides the coordinator; `None` where it alone does.
    pub others: Option<Others>,
    /// The client's name for the job.
    pub job_id: JobId,
    /// The only miner that may claim it.
    pub miner: Option<Address>,
    /// Whether it may be claimed in parts.
    pub partial: bool,
    /// Blocks until it goes back to the client, at most `escrow_max_ttl_blocks`.
    pub ttl_blocks: Ttl,
}

/// One to four more coordinators, none of them twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Others {
    addresses: Vec<Address>,
    threshold: Option<Ranged<1, 5>>,
}

impl Others {
    /// Attesters beside `coordinator`, and how many of all of them must attest a claim; without a
    /// threshold all of them.
    ///
    /// # Errors
    /// Says what is wrong with them.
    pub fn new(
        coordinator: &Address,
        addresses: Vec<Address>,
        threshold: Option<Ranged<1, 5>>,
    ) -> Result<Self, Unfit> {
        let distinct: BTreeSet<&Address> = addresses.iter().collect();
        if !(1..=4).contains(&addresses.len()) {
            return Err(Unfit("attesters must have 1 to 4 entries"));
        }
        if distinct.len() != addresses.len() || distinct.contains(coordinator) {
            return Err(Unfit("attesters must be distinct and not the coordinator"));
        }
        let others = Self {
            addresses,
            threshold,
        };
        if others.threshold() > others.addresses.len().saturating_add(1) {
            return Err(Unfit(
                "threshold must be at most 1 + the number of attesters",
            ));
        }
        Ok(others)
    }

    /// How many must attest a claim.
    fn threshold(&self) -> usize {
        let all = self.addresses.len().saturating_add(1);
        self.threshold
            .and_then(|threshold| usize::try_from(threshold.get()).ok())
            .unwrap_or(all)
    }
}

/// What no opening can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(&'static str);

/// The payload's fields.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    amount: Positive<Uait>,
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    attesters: Option<Vec<Address>>,
    coordinator: Address,
    job_id: JobId,
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    miner: Option<Address>,
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    partial: Option<True>,
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    threshold: Option<Ranged<1, 5>>,
    ttl_blocks: Ttl,
}

impl From<EscrowOpen> for Form {
    fn from(open: EscrowOpen) -> Self {
        let (attesters, threshold) = match open.others {
            Some(others) => (Some(others.addresses), others.threshold),
            None => (None, None),
        };
        Self {
            amount: open.amount,
            attesters,
            coordinator: open.coordinator,
            job_id: open.job_id,
            miner: open.miner,
            partial: open.partial.then_some(True),
            threshold,
            ttl_blocks: open.ttl_blocks,
        }
    }
}

impl TryFrom<Form> for EscrowOpen {
    type Error = Unfit;

    fn try_from(form: Form) -> Result<Self, Unfit> {
        let others = match (form.attesters, form.threshold) {
            (None, None) => None,
            (None, Some(_)) => return Err(Unfit("threshold may stand only beside attesters")),
            (Some(addresses), threshold) => {
                Some(Others::new(&form.coordinator, addresses, threshold)?)
            }
        };
        Ok(Self {
            amount: form.amount,
            coordinator: form.coordinator,
            others,
            job_id: form.job_id,
            miner: form.miner,
            partial: form.partial.is_some(),
            ttl_blocks: form.ttl_blocks,
        })
    }
}

impl Operation for EscrowOpen {
    const KIND: &'static str = "ESCROW_OPEN";

    fn reads(&self, sender: &Address) -> Vec<Key> {
        vec![Key::Escrow(*sender, self.job_id.clone())]
    }

    fn makes_record(&self, view: &impl View, sender: &Address) -> Result<bool, InvariantViolation> {
        let known = view.has::<Escrow>(&(*sender, self.job_id.clone()))?;
        Ok(!known)
    }

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        let client = context.sender;
        let height = context.block.height;
        let mut addresses = vec![self.coordinator];
        addresses.extend(self.others.iter().flat_map(|others| &others.addresses));
        let attesters = named_now(context, overlay, &addresses)?;
        self.check_limits(context)?;
        let mut events = self.make_way(context, overlay)?;
        let amount = self.amount.get();
        take_from_sender(context, overlay, amount)?;
        for address in &addresses {
            let mut record = overlay
                .get::<Coordinator>(address)?
                .unwrap_or_else(|| Coordinator::new(*address));
            record.opened = record.opened.next();
            overlay.put(address, record);
        }
        let escrow = Escrow {
            client,
            job_id: self.job_id.clone(),
            attesters,
            threshold: self.others.as_ref().map_or(1, Others::threshold),
            binding: self.miner.map_or(Binding::Unbound, Binding::Named),
            partial: self.partial,
            amount,
            paid: Uait::ZERO,
            claims: Count::ZERO,
            last_receipt: None,
            opened_height: height,
            expires_height: height.plus(Height::constant(self.ttl_blocks.get()))?,
            status: EscrowStatus::Open {
                remaining: amount,
                cancelled: false,
            },
            convicted: BTreeSet::new(),
        };
        events.push(EscrowEvent::Opened.of(&escrow));
        overlay.put(&(client, self.job_id.clone()), escrow);
        Ok(events)
    }
}

impl EscrowOpen {
    fn check_limits(&self, context: &Context<'_>) -> Result<(), Failure> {
        let params = context.block.params;
        check_ttl(context, self.ttl_blocks)?;
        let (amount, least) = (self.amount, params.min_escrow_amount);
        if amount.get() < least {
            return refuse(
                Code::EscrowTooLow,
                format!("field payload.amount is {amount} uait, below min_escrow_amount {least}"),
            );
        }
        Ok(())
    }

    /// Refuses where an escrow stands in the way; an overdue one, whose refund still waits for its
    /// turn, counts as closed, so its turn is now.
    fn make_way<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        let (client, job, height) = (context.sender, &self.job_id, context.block.height);
        let Some(earlier) = overlay.get::<Escrow>(&(client, job.clone()))? else {
            return Ok(Vec::new());
        };
        if matches!(earlier.status, EscrowStatus::Settled { .. }) {
            return refuse(
                Code::EscrowAlreadySettled,
                format!("field payload.job_id: the escrow of {client} for job {job} was settled"),
            );
        }
        if earlier.remaining_in(height).is_some() {
            return refuse(
                Code::EscrowAlreadyOpen,
                format!("field payload.job_id: the escrow of {client} for job {job} is open"),
            );
        }
        if earlier.opened_height == height {
            return refuse(
                Code::OpenedInThisBlock,
                format!(
                    "field payload.job_id: job {job} of {client} was opened in this very block"
                ),
            );
        }
        if matches!(earlier.status, EscrowStatus::Open { .. }) {
            let reason = end_of(&earlier);
            let max_ttl = context.block.params.escrow_max_ttl_blocks;
            return Ok(vec![refund(overlay, earlier, reason, height, max_ttl)?]);
        }
        Ok(Vec::new())
    }
}

/// `ttl_blocks` is at most `escrow_max_ttl_blocks`.
///
/// # Errors
/// [`Code::TtlTooLong`].
pub(super) fn check_ttl(context: &Context<'_>, ttl: Ttl) -> Result<(), Failure> {
    let limit = context.block.params.escrow_max_ttl_blocks;
    if ttl.get() > limit.get() {
        return refuse(
            Code::TtlTooLong,
            format!(
                "field payload.ttl_blocks is {}, above escrow_max_ttl_blocks {limit}",
                ttl.get()
            ),
        );
    }
    Ok(())
}
