//! Owns `ATTESTATION_EQUIVOCATION` (PROTOCOL section 4): anyone shows two attestations of one
//! coordinator that contradict each other; its bond pays for that.
//! Codes: `coordinator`, `escrow`, `receipt`. Events: `slashed`, `coordinator_suspended`.

use serde::{Deserialize, Serialize};

use super::{events::CoordinatorEvent, record::Coordinator};
use crate::{
    address::Address,
    code::Code,
    error::{Failure, InvariantViolation, refuse},
    escrow::record::{Attester, Escrow},
    events::Event,
    identifiers::{JobId, OutputHash, ReceiptId},
    prelude::*,
    quantity::{Height, Positive, Uait, Units},
    receipts::{
        attestation::{Answer, Attestation},
        keys::Judge,
        report::find_opening,
        terms::ReceiptTerms,
    },
    state::{Overlay, View},
    tx::{context::Context, operation::Operation},
    unbonding::record::slash,
};

/// A receipt of the escrow and what the coordinator said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// What it said.
    pub attestation: Attestation,
    /// The receipt's units.
    pub compute_units: Positive<Units>,
    /// The receipt's miner.
    pub miner_addr: Address,
    /// The receipt's output.
    pub output_hash: OutputHash,
    /// The receipt's price.
    pub price: Positive<Uait>,
    /// The receipt's name.
    pub receipt_id: ReceiptId,
}

/// The payload of `ATTESTATION_EQUIVOCATION`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestationEquivocation {
    /// One statement.
    pub a: Statement,
    /// The other.
    pub b: Statement,
    /// Whose escrow.
    pub client_addr: Address,
    /// For which job.
    pub job_id: JobId,
    /// Which opening of it.
    pub opened_height: Height,
}

impl AttestationEquivocation {
    /// Whom it accuses.
    pub fn coordinator(&self) -> Address {
        self.a.attestation.coordinator
    }

    fn terms(&self, statement: &Statement) -> ReceiptTerms {
        ReceiptTerms {
            receipt_id: statement.receipt_id.clone(),
            job_id: self.job_id.clone(),
            client: self.client_addr,
            miner: statement.miner_addr,
            compute_units: statement.compute_units,
            price: statement.price,
            output_hash: statement.output_hash.clone(),
            opened_height: self.opened_height,
        }
    }
}

impl Operation for AttestationEquivocation {
    const KIND: &'static str = "ATTESTATION_EQUIVOCATION";

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        let (client, job) = (&self.client_addr, &self.job_id);
        let mut escrow = find_opening(overlay, client, job, self.opened_height)?;
        let attester = self.check_accused(&escrow)?;
        self.check_contradiction(context, overlay, &escrow)?;
        let accused = attester.address;
        escrow.convicted.insert(accused);
        overlay.put(&(*client, job.clone()), escrow);
        Ok(convict(context, overlay, &attester)?)
    }
}

impl AttestationEquivocation {
    fn check_accused(&self, escrow: &Escrow) -> Result<Attester, Failure> {
        let accused = self.coordinator();
        let attester = escrow
            .attester(&accused)
            .filter(|_| self.b.attestation.coordinator == accused);
        let Some(attester) = attester else {
            return refuse(
                Code::NotItsCoordinator,
                "fields payload.a and payload.b are not both by one coordinator of this escrow",
            );
        };
        if escrow.convicted.contains(&accused) {
            return refuse(
                Code::AlreadyConvicted,
                format!("{accused} was convicted for this escrow already"),
            );
        }
        Ok(attester.clone())
    }

    fn check_contradiction(
        &self,
        context: &Context<'_>,
        view: &impl View,
        escrow: &Escrow,
    ) -> Result<(), Failure> {
        let judge = Judge {
            chain_id: context.block.chain_id,
            params: context.block.params,
            signatures: context.block.signatures,
            view,
        };
        let (first, second) = (self.terms(&self.a), self.terms(&self.b));
        for (name, statement, terms) in [("a", &self.a, &first), ("b", &self.b, &second)] {
            if !judge.is_rightly_signed(escrow, &statement.attestation, terms)? {
                return refuse(
                    Code::InvalidAttestation,
                    format!(
                        "field payload.{name} is not signed by the coordinator's key that counts"
                    ),
                );
            }
        }
        let answers = [
            self.a.attestation.answer(&first),
            self.b.attestation.answer(&second),
        ];
        let same = first == second;
        let both = |x, y| answers == [x, y] || answers == [y, x];
        let denies_what_it_attested = same && both(Answer::Good, Answer::Damning);
        let attests_twice = !same && !escrow.partial && both(Answer::Good, Answer::Good);
        if !denies_what_it_attested && !attests_twice {
            return refuse(
                Code::NoContradiction,
                "fields payload.a and payload.b do not contradict each other",
            );
        }
        Ok(())
    }
}

/// Slashes the bond, pays the informer, burns the rest and suspends the coordinator.
fn convict<V: View>(
    context: &Context<'_>,
    overlay: &mut Overlay<V>,
    attester: &Attester,
) -> Result<Vec<Event>, InvariantViolation> {
    let params = context.block.params;
    let address = attester.address;
    let mut record = overlay
        .get::<Coordinator>(&address)?
        .unwrap_or_else(|| Coordinator::new(address));
    let bps = params.slash_coordinator_bps;
    let taken = slash(&mut record.bond, &mut record.unbonding, bps)?;
    let named = params.coordinators.key_of(&address);
    record.suspended = Some(*named.unwrap_or(&attester.key));
    overlay.put(&address, record);
    let reward = taken.share(params.informer_bps);
    overlay.credit(&context.sender, reward)?;
    let mut supply = overlay.supply()?;
    supply.burn(taken.minus(reward)?)?;
    overlay.put(&(), supply);
    let mut events = Vec::new();
    if !taken.is_zero() {
        events.push(CoordinatorEvent::Slashed { amount: taken }.of(address));
    }
    events.push(CoordinatorEvent::Suspended.of(address));
    Ok(events)
}
