//! Owns `RECEIPT_REPORT` (PROTOCOL section 4): anyone shows that a miner's receipt was denied by so
//! many of its coordinators that it can't be paid; that is an offence of the miner.
//! Codes: `receipt`, `escrow`. Events: `receipt_refused`, `banned`.

use serde::{Deserialize, Serialize};

use super::{
    attestation::Answer,
    claim_payload::Attestations,
    keys::Judge,
    offences,
    record::{Receipt, ReceiptStatus},
    terms::ReceiptTerms,
};
use crate::{
    address::Address,
    code::Code,
    crypto::{PublicKey, Signature},
    error::{Failure, InvariantViolation, Refusal, refuse},
    escrow::{record::Escrow, refund::find},
    events::Event,
    identifiers::{JobId, OutputHash, ReceiptId},
    json,
    prelude::*,
    quantity::{Height, Positive, Uait, Units},
    state::{Key, Overlay, View},
    tx::{context::Context, operation::Operation},
};

/// The payload of `RECEIPT_REPORT`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptReport {
    /// Damning ones of distinct coordinators of the escrow.
    pub attestations: Attestations,
    /// Whose escrow.
    pub client_addr: Address,
    /// What the receipt claims.
    pub compute_units: Positive<Units>,
    /// For which job.
    pub job_id: JobId,
    /// Whose receipt.
    pub miner_addr: Address,
    /// The miner's key, where the chain does not know it yet.
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    pub miner_pubkey: Option<PublicKey>,
    /// The miner's signature over the receipt.
    pub miner_sig: Signature,
    /// The opening of the escrow that the receipt is for.
    pub opened_height: Height,
    /// What the receipt claims.
    pub output_hash: OutputHash,
    /// What the receipt claims.
    pub price: Positive<Uait>,
    /// The miner's name for the receipt.
    pub receipt_id: ReceiptId,
}

impl Operation for ReceiptReport {
    const KIND: &'static str = "RECEIPT_REPORT";

    fn reads(&self, _sender: &Address) -> Vec<Key> {
        vec![
            Key::Escrow(self.client_addr, self.job_id.clone()),
            Key::Receipt(self.miner_addr, self.receipt_id.clone()),
            Key::Miner(self.miner_addr),
        ]
    }

    fn check_sender(&self, _sender: &Address) -> Result<(), Refusal> {
        match &self.miner_pubkey {
            Some(key) if Address::of(key) != self.miner_addr => Err(Refusal::field(format!(
                "field payload.miner_pubkey is not the key of {}",
                self.miner_addr
            ))),
            _ => Ok(()),
        }
    }

    fn makes_record(
        &self,
        _view: &impl View,
        _sender: &Address,
    ) -> Result<bool, InvariantViolation> {
        Ok(true)
    }

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        let escrow = self.check_escrow(context, overlay)?;
        self.check_receipt(overlay)?;
        let terms = self.terms();
        self.check_signed(context, overlay, &terms)?;
        self.check_denied(context, overlay, &escrow, &terms)?;
        let coordinator = escrow.coordinator();
        let refused =
            offences::refuse_receipt(context, overlay, &terms, coordinator, self.miner_sig);
        let mut events = vec![refused];
        events.extend(offences::record(context.block, overlay, &self.miner_addr)?);
        Ok(events)
    }
}

impl ReceiptReport {
    fn terms(&self) -> ReceiptTerms {
        ReceiptTerms {
            receipt_id: self.receipt_id.clone(),
            job_id: self.job_id.clone(),
            client: self.client_addr,
            miner: self.miner_addr,
            compute_units: self.compute_units,
            price: self.price,
            output_hash: self.output_hash.clone(),
            opened_height: self.opened_height,
        }
    }

    /// The escrow of that opening, open or closed within the window of offences.
    fn check_escrow(&self, context: &Context<'_>, view: &impl View) -> Result<Escrow, Failure> {
        let escrow = find_opening(view, &self.client_addr, &self.job_id, self.opened_height)?;
        let window = context.block.params.offence_window_blocks;
        let oldest = context.block.height.floored_minus(window);
        if let Some(closed) = escrow.closed_height().filter(|closed| *closed < oldest) {
            return refuse(
                Code::ReportTooLate,
                format!(
                    "the escrow closed in block {closed}, more than offence_window_blocks {window} ago"
                ),
            );
        }
        Ok(escrow)
    }

    fn check_receipt(&self, view: &impl View) -> Result<(), Failure> {
        let id = (self.miner_addr, self.receipt_id.clone());
        let Some(receipt) = view.get::<Receipt>(&id)? else {
            return Ok(());
        };
        let (code, what) = match receipt.status {
            ReceiptStatus::Paid => (Code::ReceiptAlreadyClaimed, "paid"),
            ReceiptStatus::Refused => (Code::ReceiptAlreadyRefused, "refused"),
        };
        let (id, height) = (&self.receipt_id, receipt.height);
        refuse(
            code,
            format!("field payload.receipt_id: {id} was {what} in block {height}"),
        )
    }

    fn check_signed(
        &self,
        context: &Context<'_>,
        view: &impl View,
        terms: &ReceiptTerms,
    ) -> Result<(), Failure> {
        let known = view.account(&self.miner_addr)?.pubkey;
        let Some(key) = self.miner_pubkey.or(known) else {
            return refuse(
                Code::MinerKeyUnknown,
                format!(
                    "field payload.miner_pubkey is missing, and the chain knows no key of {}",
                    self.miner_addr
                ),
            );
        };
        let digest = terms.sign_bytes(context.block.chain_id);
        if !context
            .block
            .signatures
            .hold(&key, &digest, &self.miner_sig)
        {
            return refuse(
                Code::InvalidMinerSignature,
                "field payload.miner_sig does not verify: the miner never signed this receipt",
            );
        }
        Ok(())
    }

    fn check_denied(
        &self,
        context: &Context<'_>,
        view: &impl View,
        escrow: &Escrow,
        terms: &ReceiptTerms,
    ) -> Result<(), Failure> {
        let judge = Judge {
            chain_id: context.block.chain_id,
            params: context.block.params,
            signatures: context.block.signatures,
            view,
        };
        let list = self.attestations.as_slice();
        let mut seen = BTreeSet::new();
        for attestation in list {
            let name = attestation.coordinator;
            if !seen.insert(name) || !judge.is_rightly_signed(escrow, attestation, terms)? {
                return refuse(
                    Code::InvalidAttestation,
                    format!(
                        "the attestation of {name} stands twice or is not its own for this receipt"
                    ),
                );
            }
            if attestation.answer(terms) != Answer::Damning {
                return refuse(
                    Code::NotDamning,
                    format!("the attestation of {name} does not blame the miner"),
                );
            }
        }
        let all = escrow.attesters.len().saturating_add(1);
        let needed = all.saturating_sub(escrow.threshold);
        if list.len() < needed {
            return refuse(
                Code::TooFewAttestations,
                format!("field payload.attestations must have at least {needed} entries"),
            );
        }
        Ok(())
    }
}

/// The escrow of a client for a job, as the record shows it with that opening.
///
/// # Errors
/// [`Code::EscrowNotFound`], [`Code::WrongOpening`].
pub(crate) fn find_opening(
    view: &impl View,
    client: &Address,
    job: &JobId,
    opened: Height,
) -> Result<Escrow, Failure> {
    let escrow = find(view, client, job)?;
    if escrow.opened_height != opened {
        return refuse(
            Code::WrongOpening,
            format!(
                "field payload.opened_height is {opened}, but the escrow was opened in block {}",
                escrow.opened_height
            ),
        );
    }
    Ok(escrow)
}
