//! Owns `RECEIPT_CLAIM` (PROTOCOL section 4): what a claim must satisfy, in order. Its sender is the
//! miner. Codes: `receipt`, `escrow`. Events: `receipt_claimed`, `escrow_settled`; of an offence
//! `receipt_refused`, `banned`.

use super::{
    attestation::{Answer, Attestation},
    claim_payload::{Brought, ReceiptClaim},
    keys::Judge,
    offences,
    pay::pay,
    record::{Receipt, ReceiptStatus},
    terms::ReceiptTerms,
};
use crate::{
    address::Address,
    code::Code,
    error::{Failure, InvariantViolation, Refusal, offend, refuse},
    escrow::{
        record::Escrow,
        refund::{find, find_open},
    },
    events::Event,
    prelude::*,
    quantity::Uait,
    receipts::record::Miner,
    state::{Key, Overlay, View},
    tx::{context::Context, operation::Operation},
};

/// For this many blocks a receipt that was paid is no offence when it is claimed again: its miner
/// may not know yet.
pub const REPLAY_GRACE_BLOCKS: u64 = 20;

impl Operation for ReceiptClaim {
    const KIND: &'static str = "RECEIPT_CLAIM";

    fn reads(&self, _sender: &Address) -> Vec<Key> {
        vec![
            Key::Escrow(self.client_addr, self.job_id.clone()),
            Key::Receipt(self.miner_addr, self.receipt_id.clone()),
            Key::Miner(self.miner_addr),
        ]
    }
    const PAID_BY_ESCROW: bool = true;

    fn check_sender(&self, sender: &Address) -> Result<(), Refusal> {
        if self.miner_addr != *sender {
            return Err(Refusal::new(
                Code::NotTheMiner,
                format!("field payload.miner_addr: a claim is sent by its miner, not by {sender}"),
            ));
        }
        Ok(())
    }

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        let earlier = self.check_miner(context, overlay)?;
        let (escrow, remaining) = self.check_escrow(context, overlay)?;
        let terms = self.terms(escrow.opened_height);
        self.check_signed(context, &terms)?;
        self.check_amounts(context, remaining)?;
        let attesters = self.check_attested(context, overlay, &escrow, &terms)?;
        Ok(pay(
            context, overlay, self, escrow, &terms, &attesters, earlier,
        )?)
    }

    fn punish<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
        code: Code,
    ) -> Result<Vec<Event>, InvariantViolation> {
        let mut events = Vec::new();
        if code == Code::AttestationNegative {
            let escrow = find(overlay, &self.client_addr, &self.job_id);
            let escrow = escrow.map_err(|failure| InvariantViolation::new(failure.to_string()))?;
            let terms = self.terms(escrow.opened_height);
            let coordinator = escrow.coordinator();
            let sig = self.miner_sig;
            events.push(offences::refuse_receipt(
                context,
                overlay,
                &terms,
                coordinator,
                sig,
            ));
        }
        events.extend(offences::record(context.block, overlay, &context.sender)?);
        Ok(events)
    }
}

impl ReceiptClaim {
    /// Not banned, and the receipt never paid. Gives the receipt if it stands refused.
    fn check_miner(
        &self,
        context: &Context<'_>,
        view: &impl View,
    ) -> Result<Option<Receipt>, Failure> {
        let height = context.block.height;
        let miner = view.get::<Miner>(&context.sender)?;
        if let Some(miner) = miner.filter(|miner| miner.is_banned_in(height)) {
            let until = miner.banned_until.unwrap_or_default();
            return refuse(
                Code::MinerBanned,
                format!("the miner {} is banned until block {until}", context.sender),
            );
        }
        let receipt = view.get::<Receipt>(&(context.sender, self.receipt_id.clone()))?;
        let Some(receipt) = receipt else {
            return Ok(None);
        };
        if receipt.status == ReceiptStatus::Refused {
            return Ok(Some(receipt));
        }
        let (id, paid) = (&self.receipt_id, receipt.height);
        if height.floored_minus(paid).get() > REPLAY_GRACE_BLOCKS {
            offend(
                Code::ReceiptReplayed,
                format!("field payload.receipt_id: {id} was paid in block {paid}"),
            )
        } else {
            // By a transaction that is pending, maybe: then its block is not known yet.
            refuse(
                Code::ReceiptAlreadyClaimed,
                format!("field payload.receipt_id: {id} was paid already"),
            )
        }
    }

    /// The escrow, open, of the opening that the claim means, for this miner.
    fn check_escrow(
        &self,
        context: &Context<'_>,
        view: &impl View,
    ) -> Result<(Escrow, Uait), Failure> {
        let height = context.block.height;
        let (escrow, remaining) = find_open(view, &self.client_addr, &self.job_id, height)?;
        if let Some(opened) = self.opened_height
            && opened != escrow.opened_height
        {
            return refuse(
                Code::WrongOpening,
                format!(
                    "field payload.opened_height is {opened}, but the escrow was opened in block {}",
                    escrow.opened_height
                ),
            );
        }
        let bound = escrow.binding.miner();
        if let Some(miner) = bound
            && miner != context.sender
        {
            return refuse(
                Code::BoundToAnotherMiner,
                format!("the escrow is bound to the miner {miner}"),
            );
        }
        if self.is_final && !(escrow.partial && bound.is_some()) {
            return refuse(
                Code::FinalNotAllowed,
                "field payload.final may stand only where the escrow is partial and bound to the sender",
            );
        }
        Ok((escrow, remaining))
    }

    fn check_signed(&self, context: &Context<'_>, terms: &ReceiptTerms) -> Result<(), Failure> {
        let digest = terms.sign_bytes(context.block.chain_id);
        let signatures = context.block.signatures;
        if signatures.hold(&context.pubkey, &digest, &self.miner_sig) {
            return Ok(());
        }
        let message = format!(
            "field payload.miner_sig does not verify for this receipt, the escrow opened in block {} \
             and this chain",
            terms.opened_height
        );
        // Without a name for its opening, the signature may be for the one before, which the client
        // alone could have replaced; and no miner can have known one of this very block.
        let meant_this_opening =
            self.opened_height.is_some() && terms.opened_height != context.block.height;
        if !meant_this_opening {
            return refuse(Code::InvalidMinerSignature, message);
        }
        offend(Code::InvalidMinerSignature, message)
    }

    fn check_amounts(&self, context: &Context<'_>, remaining: Uait) -> Result<(), Failure> {
        let (price, fee) = (self.price.get(), context.required_fee);
        if price > remaining || fee > remaining {
            return refuse(
                Code::EscrowTooSmall,
                format!(
                    "the {remaining} uait in the escrow cannot pay field payload.price {price} and \
                     the required fee {fee}"
                ),
            );
        }
        Ok(())
    }

    /// The coordinators whose attestations count, in the escrow's order: rightly signed, and good.
    fn check_attested(
        &self,
        context: &Context<'_>,
        view: &impl View,
        escrow: &Escrow,
        terms: &ReceiptTerms,
    ) -> Result<Vec<Address>, Failure> {
        let attestations = self.attestations(context, escrow)?;
        let judge = Judge {
            chain_id: context.block.chain_id,
            params: context.block.params,
            signatures: context.block.signatures,
            view,
        };
        for attestation in attestations {
            if !judge.is_rightly_signed(escrow, attestation, terms)? {
                return refuse(
                    Code::InvalidAttestation,
                    format!(
                        "the attestation of {} is not signed by that coordinator of the escrow for \
                         this receipt and the opening in block {}",
                        attestation.coordinator, escrow.opened_height
                    ),
                );
            }
        }
        for attestation in attestations {
            let answer = attestation.answer(terms);
            if answer == Answer::Good {
                continue;
            }
            let message = denial(attestation);
            if answer == Answer::Damning && escrow.has_single_coordinator() {
                return offend(Code::AttestationNegative, message);
            }
            return refuse(Code::AttestationNegative, message);
        }
        Ok(attestations.iter().map(|a| a.coordinator).collect())
    }

    /// The attestations that the escrow's threshold asks for, in the form that it asks for.
    fn attestations<'a>(
        &'a self,
        context: &Context<'a>,
        escrow: &Escrow,
    ) -> Result<&'a [Attestation], Failure> {
        let wrong_form = |what: &str| refuse(Code::InvalidAttestation, what);
        match (&self.brought, escrow.threshold) {
            (Brought::One(attestation), 1) => Ok(core::slice::from_ref(attestation)),
            (Brought::Nothing, 1) => match context.attestation {
                Some(attestation) if escrow.has_single_coordinator() => {
                    Ok(core::slice::from_ref(attestation))
                }
                _ => refuse(
                    Code::AttestationMissing,
                    format!(
                        "the coordinator {} has not attested yet",
                        escrow.coordinator()
                    ),
                ),
            },
            (Brought::Several(_), 1) => wrong_form(
                "field payload.attestations: this escrow takes one, in the field attestation",
            ),
            (Brought::Nothing, threshold) => refuse(
                Code::AttestationMissing,
                format!("field payload.attestations is missing: this escrow takes {threshold}"),
            ),
            (Brought::One(_), _) => wrong_form(
                "field payload.attestation: this escrow takes several, in the field attestations",
            ),
            (Brought::Several(list), threshold) => {
                let list = list.as_slice();
                if list.len() != threshold || !in_order(list, escrow) {
                    return wrong_form(&format!(
                        "field payload.attestations must be {threshold}, of distinct coordinators in \
                         the escrow's order"
                    ));
                }
                Ok(list)
            }
        }
    }
}

/// Whether they are of distinct coordinators of the escrow, in its order.
fn in_order(list: &[Attestation], escrow: &Escrow) -> bool {
    let mut attesters = escrow.attesters.iter();
    list.iter()
        .all(|attestation| attesters.any(|known| known.address == attestation.coordinator))
}

fn denial(attestation: &Attestation) -> String {
    format!(
        "the coordinator {} attests exists={}, paid={}, not_double_spent={}, price at most {}, \
         compute_units at most {}",
        attestation.coordinator,
        attestation.exists,
        attestation.paid,
        attestation.not_double_spent,
        attestation.quote.price,
        attestation.quote.compute_units
    )
}
