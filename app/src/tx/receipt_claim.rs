//! Owns `RECEIPT_CLAIM` (SPEC section 4): a miner claims a receipt, which mints and settles, all
//! or nothing. What a wrong claim costs its miner stands in `offence`.
//! The miner sends it. Codes: `receipt`, `escrow`. Events: `receipt_claimed`, `escrow_settled`.

use std::collections::BTreeMap;

use super::{Context, escrow_release::open_escrow};
use crate::{
    address::Address,
    amount,
    code::Code,
    crypto::Signature,
    error::{Broken, Failure, Refusal, refuse},
    events::Event,
    json::{self, Fields, Json},
    receipts::{Attestation, ReceiptTerms},
    state::{
        Key,
        overlay::{Overlay, View},
        records::{Coordinator, Escrow, EscrowStatus, Receipt},
    },
};

/// The payload of `RECEIPT_CLAIM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptClaim {
    /// The receipt.
    pub terms: ReceiptTerms,
    /// The sender's key over the receipt's sign bytes.
    pub miner_sig: Signature,
    /// The coordinator's answer, where the miner fetched it.
    pub attestation: Option<Attestation>,
}

/// What a claim mints, in uait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mints {
    /// `compute_units * mint_per_unit`.
    pub miner: u64,
    /// `floor(miner * coordinator_bps / 10000)`.
    pub coordinator: u64,
    /// `floor(miner * treasury_bps / 10000)`.
    pub treasury: u64,
    /// All three.
    pub total: u64,
}

impl ReceiptClaim {
    pub(super) fn parse(json: &Json, sender: Address) -> Result<Self, Refusal> {
        let names = [
            "receipt_id",
            "job_id",
            "client_addr",
            "miner_addr",
            "compute_units",
            "price",
            "output_hash",
            "miner_sig",
        ];
        let fields = Fields::open(json, "payload", &names, &["attestation"])?;
        let miner: Address = fields.parsed("miner_addr")?;
        if miner != sender {
            return Err(Refusal::new(
                Code::NotTheMiner,
                format!("field payload.miner_addr is {miner}, but the sender is {sender}"),
            ));
        }
        let attestation = if fields.has("attestation") {
            let json = fields.json("attestation")?;
            Some(Attestation::from_json(json, "payload.attestation")?)
        } else {
            None
        };
        Ok(Self {
            terms: ReceiptTerms {
                receipt_id: fields.parsed("receipt_id")?,
                job_id: fields.parsed("job_id")?,
                client: fields.parsed("client_addr")?,
                miner,
                compute_units: fields.integer("compute_units", 1..=amount::MAX)?,
                price: fields.integer("price", 1..=amount::MAX)?,
                output_hash: fields.parsed("output_hash")?,
            },
            miner_sig: fields.parsed("miner_sig")?,
            attestation,
        })
    }

    pub(super) fn to_json(&self) -> Json {
        let terms = &self.terms;
        let mut fields = BTreeMap::from([
            (
                "receipt_id".into(),
                Json::String(terms.receipt_id.to_string()),
            ),
            ("job_id".into(), Json::String(terms.job_id.to_string())),
            ("client_addr".into(), Json::String(terms.client.to_string())),
            ("miner_addr".into(), Json::String(terms.miner.to_string())),
            ("compute_units".into(), Json::Integer(terms.compute_units)),
            ("price".into(), Json::Integer(terms.price)),
            (
                "output_hash".into(),
                Json::String(terms.output_hash.to_string()),
            ),
            ("miner_sig".into(), Json::String(self.miner_sig.to_string())),
        ]);
        if let Some(attestation) = &self.attestation
            && let Ok(attestation) = json::from_typed(attestation)
        {
            fields.insert("attestation".into(), attestation);
        }
        Json::Object(fields)
    }

    pub(super) fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<'_, V>,
    ) -> Result<Vec<Event>, Failure> {
        let escrow = self.check_claimable(context, overlay)?;
        self.check_attested(context, &escrow)?;
        let mints = self.check_amounts(context, overlay, &escrow)?;
        Ok(self.settle(context, overlay, escrow, mints)?)
    }

    /// The first half of "valid iff": ban, replay, escrow, `miner_sig`.
    fn check_claimable<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &Overlay<'_, V>,
    ) -> Result<Escrow, Failure> {
        let terms = &self.terms;
        let miner = overlay.miner(&terms.miner)?;
        if miner.is_banned_in(context.height) {
            return refuse(
                Code::MinerBanned,
                format!(
                    "{} is banned until block {}",
                    terms.miner, miner.banned_until
                ),
            );
        }
        if let Some(earlier) = overlay.receipt(&terms.receipt_id)? {
            let code = if earlier.miner == terms.miner {
                Code::ReceiptReplayed
            } else {
                Code::ReceiptAlreadyClaimed
            };
            return refuse(
                code,
                format!(
                    "field payload.receipt_id: {} was claimed in block {}",
                    terms.receipt_id, earlier.height
                ),
            );
        }
        let escrow = open_escrow(overlay, &terms.client, &terms.job_id, context.height)?;
        if !context.verified.miner_sig_holds {
            return refuse(
                Code::InvalidMinerSignature,
                "field payload.miner_sig does not verify for this receipt on this chain",
            );
        }
        Ok(escrow)
    }

    /// The attestation, its own or the block's: rightly signed for this escrow, and good.
    fn check_attested(&self, context: &Context<'_>, escrow: &Escrow) -> Result<(), Failure> {
        let Some(attestation) = self.attestation.as_ref().or(context.attestation) else {
            return refuse(
                Code::AttestationMissing,
                format!(
                    "the coordinator {} has not attested yet",
                    escrow.coordinator
                ),
            );
        };
        if !is_rightly_signed(context, attestation, &self.terms, escrow) {
            return refuse(
                Code::InvalidAttestation,
                format!(
                    "the attestation is not signed by the registered coordinator {} for this \
                     receipt and the escrow opened in block {}",
                    escrow.coordinator, escrow.opened_height
                ),
            );
        }
        if !attestation.is_good_for(&self.terms) {
            return refuse(
                Code::AttestationNegative,
                format!(
                    "the coordinator attests exists={}, paid={}, not_double_spent={}, price at \
                     most {}, compute_units at most {}",
                    attestation.exists,
                    attestation.paid,
                    attestation.not_double_spent,
                    attestation.quote.price,
                    attestation.quote.compute_units
                ),
            );
        }
        Ok(())
    }

    /// The last part of "valid iff": what the escrow can pay and what may be minted.
    fn check_amounts<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &Overlay<'_, V>,
        escrow: &Escrow,
    ) -> Result<Mints, Failure> {
        let (price, fee) = (self.terms.price, context.required_fee);
        let params = context.params;
        if u128::from(escrow.amount) < u128::from(price).saturating_add(u128::from(fee)) {
            return refuse(
                Code::EscrowTooSmall,
                format!(
                    "the escrow of {} uait cannot pay field payload.price {price} and the \
                     required fee {fee}",
                    escrow.amount
                ),
            );
        }
        let units = u128::from(self.terms.compute_units);
        let wide_mint = units.saturating_mul(u128::from(params.mint_per_unit));
        let limit = u128::from(params.max_mint_per_price).saturating_mul(u128::from(price));
        if wide_mint > limit {
            return refuse(
                Code::MintAbovePrice,
                format!("would mint {wide_mint} uait to the miner, above {limit} for this price"),
            );
        }
        let over_supply = || {
            Refusal::new(
                Code::SupplyLimitReached,
                format!("the mint would lift the supply above {} uait", amount::MAX),
            )
        };
        let mints = mints(context, wide_mint);
        let earlier = epoch_record(context, overlay, escrow.coordinator)?.epoch_minted;
        let cap = params.coordinator_epoch_mint_cap;
        let fits_cap = mints.is_some_and(|m| earlier.saturating_add(m.total) <= cap);
        if !fits_cap {
            return refuse(
                Code::CoordinatorCapReached,
                format!(
                    "{} minted {earlier} uait of its {cap} in this epoch; this claim doesn't fit",
                    escrow.coordinator
                ),
            );
        }
        let mints = mints.ok_or_else(over_supply)?;
        let supply = overlay.supply()?;
        // What was ever minted is an integer of the protocol, too.
        let most = supply.total.max(supply.minted);
        if most.saturating_add(mints.total) > amount::MAX {
            return Err(Failure::Refused(over_supply()));
        }
        Ok(mints)
    }

    fn settle<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<'_, V>,
        mut escrow: Escrow,
        mints: Mints,
    ) -> Result<Vec<Event>, Broken> {
        let terms = &self.terms;
        overlay.credit(&terms.miner, amount::add(mints.miner, terms.price)?)?;
        overlay.credit(&escrow.coordinator, mints.coordinator)?;
        overlay.credit(&Address::treasury(), mints.treasury)?;
        let spent = amount::add(terms.price, context.required_fee)?;
        let returned = amount::subtract(escrow.amount, spent)?;
        overlay.credit(&terms.client, returned)?;
        escrow.status = EscrowStatus::Settled;
        let coordinator = escrow.coordinator;
        overlay.put(&Key::Escrow(terms.client, terms.job_id.clone()), &escrow)?;
        self.record(context, overlay, coordinator, mints)?;
        Ok(vec![
            Event::new("receipt_claimed")
                .id("receipt_id", &terms.receipt_id)
                .id("job_id", &terms.job_id)
                .id("miner", terms.miner)
                .id("client", terms.client)
                .id("coordinator", coordinator)
                .amount("compute_units", terms.compute_units)
                .amount("price", terms.price)
                .amount("minted", mints.total),
            Event::new("escrow_settled")
                .id("job_id", &terms.job_id)
                .id("client", terms.client)
                .id("coordinator", coordinator)
                .id("miner", terms.miner)
                .amount("paid", terms.price)
                .amount("fee", context.required_fee)
                .amount("returned", returned),
        ])
    }

    /// Receipt, miner's record, coordinator's epoch and supply.
    fn record<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<'_, V>,
        coordinator: Address,
        mints: Mints,
    ) -> Result<(), Broken> {
        let terms = &self.terms;
        let receipt = Receipt {
            receipt_id: terms.receipt_id.clone(),
            job_id: terms.job_id.clone(),
            client: terms.client,
            miner: terms.miner,
            coordinator,
            compute_units: terms.compute_units,
            price: terms.price,
            output_hash: terms.output_hash.clone(),
            minted: mints.total,
            height: context.height,
            tx_hash: context.verified.hash.to_string(),
        };
        overlay.put(&Key::Receipt(terms.receipt_id.clone()), &receipt)?;

        let mut miner = overlay.miner(&terms.miner)?;
        let units = terms.compute_units;
        miner.units_total = amount::saturating_add(miner.units_total, units);
        miner.receipts = amount::saturating_add(miner.receipts, 1);
        let validator = overlay.validator(&terms.miner)?;
        if validator.is_some_and(|validator| validator.stake_pubkey.is_some()) {
            miner.epoch_units = amount::saturating_add(miner.epoch_units, units);
        }
        overlay.put(&Key::Miner(terms.miner), &miner)?;

        let mut epoch = epoch_record(context, overlay, coordinator)?;
        epoch.epoch_minted = amount::add(epoch.epoch_minted, mints.total)?;
        overlay.put(&Key::Coordinator(coordinator), &epoch)?;

        let mut supply = overlay.supply()?;
        supply.minted = amount::add(supply.minted, mints.total)?;
        supply.total = amount::add(supply.total, mints.total)?;
        overlay.put(&Key::Supply, &supply)
    }
}

/// Whether the escrow's registered coordinator signed this attestation for this very escrow.
fn is_rightly_signed(
    context: &Context<'_>,
    attestation: &Attestation,
    terms: &ReceiptTerms,
    escrow: &Escrow,
) -> bool {
    let key = context.params.coordinators.get(&escrow.coordinator);
    attestation.coordinator == escrow.coordinator
        && key.is_some_and(|key| {
            attestation.is_signed_by(key, context.chain_id, terms, escrow.opened_height)
        })
}

/// `None` where the mints pass what an integer of the protocol can hold.
fn mints(context: &Context<'_>, miner: u128) -> Option<Mints> {
    let miner = u64::try_from(miner).ok()?;
    let coordinator = amount::share(miner, context.params.coordinator_bps);
    let treasury = amount::share(miner, context.params.treasury_bps);
    let total = miner.checked_add(coordinator)?.checked_add(treasury)?;
    Some(Mints {
        miner,
        coordinator,
        treasury,
        total,
    })
}

/// The coordinator's record, begun anew where its last mint was in an earlier epoch.
fn epoch_record<V: View>(
    context: &Context<'_>,
    overlay: &Overlay<'_, V>,
    address: Address,
) -> Result<Coordinator, Broken> {
    let epoch_start = epoch_start(context.height, context.params.epoch_blocks);
    let stored: Option<Coordinator> = overlay.record(&Key::Coordinator(address))?;
    Ok(stored
        .filter(|record| record.epoch_start == epoch_start)
        .unwrap_or(Coordinator {
            address,
            epoch_start,
            epoch_minted: 0,
        }))
}

/// The first block of the epoch of block `height`; epochs end at heights divisible by `epoch_blocks`.
fn epoch_start(height: u64, epoch_blocks: u64) -> u64 {
    let before = height.saturating_sub(1);
    let into_epoch = before.checked_rem(epoch_blocks).unwrap_or(0);
    before.saturating_sub(into_epoch).saturating_add(1)
}
