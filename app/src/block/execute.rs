//! Owns the order of a block (PROTOCOL section 3): what is due, the transactions, their fees, and
//! what validators gain and lose.

use super::{
    entry::{Entry, protobuf_size},
    rule::{RuleVerdict, assign_attestations},
};
use crate::{
    address::Address,
    bank::books,
    code::Code,
    engine::{BlockInput, ConsensusAddress, ValidatorUpdate},
    error::{InvariantViolation, Refusal},
    escrow::expiry,
    events::Event,
    prelude::*,
    quantity::Uait,
    receipts::attestation::Attestation,
    staking::end_block::end_block,
    state::{Overlay, State, StateDelta, View, base::Base},
    tx::{BlockContext, Signatures, TxOutcome, TxResult, Verdict, VerifiedTx, execute::run},
    unbonding::pay::pay_due,
};

/// A block in the making: executes transactions one after the other on the state before it.
pub struct Executor<'a> {
    context: BlockContext<'a>,
    overlay: Overlay<Base<'a>>,
    events: Vec<Event>,
    fees: Uait,
}

/// What a block did.
#[derive(Clone)]
pub struct BlockOutcome {
    /// One result for each entry, in block order.
    pub results: Vec<TxResult>,
    /// The block's own events.
    pub events: Vec<Event>,
    /// Changes of CometBFT's validator set, by key.
    pub validator_updates: Vec<ValidatorUpdate>,
    /// What it did to the records.
    pub delta: StateDelta,
    /// The state after it.
    pub state: State,
}

/// What an honest validator says of a proposal.
pub enum Judgement {
    /// It is accepted, and this is what it does.
    Accepted(Box<BlockOutcome>),
    /// It is rejected, and why.
    Rejected(Refusal),
}

impl<'a> Executor<'a> {
    /// Begins the block after `state`: an upgrade that is planned for it comes first; then due escrows go back
    /// to their clients, what has unbonded to its owners, and old records are deleted.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn begin(
        state: &'a State,
        signatures: &'a dyn Signatures,
    ) -> Result<Self, InvariantViolation> {
        let context = BlockContext::after(state, signatures)?;
        let mut overlay = Overlay::new(Base::new(state));
        let height = context.height;
        let max_ttl = context.params.escrow_max_ttl_blocks;
        let mut events = context.due.begin(&mut overlay)?;
        events.extend(expiry::refund_due(&mut overlay, height, max_ttl)?);
        events.extend(pay_due(&mut overlay, height)?);
        expiry::delete_due(&mut overlay, height)?;
        Ok(Self {
            context,
            overlay,
            events,
            fees: Uait::ZERO,
        })
    }

    /// The state before the block.
    pub fn base(&self) -> &Base<'a> {
        self.overlay.below()
    }

    /// The block's facts.
    pub fn context(&self) -> &BlockContext<'a> {
        &self.context
    }

    /// Runs a transaction without keeping what it does.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn preview(
        &self,
        verified: &VerifiedTx,
        attestation: Option<&Attestation>,
    ) -> Result<TxOutcome, InvariantViolation> {
        run(&self.overlay, &self.context, verified, attestation)
    }

    /// Keeps what a previewed transaction does.
    ///
    /// # Errors
    /// [`InvariantViolation`] when fees pass the supply.
    pub fn accept(&mut self, outcome: TxOutcome) -> Result<TxResult, InvariantViolation> {
        let (result, changes) = outcome.into_result();
        self.fees = self.fees.plus(result.fee)?;
        self.overlay.absorb(changes);
        Ok(result)
    }

    /// Ends the block: fees to the proposer's account and the treasury, what validators gain and lose, the books.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn finish(
        mut self,
        results: Vec<TxResult>,
        input: &BlockInput,
    ) -> Result<BlockOutcome, InvariantViolation> {
        let state = self.overlay.below().state();
        let collector = fee_collector(state, input.proposer);
        let to_treasury = self.fees.share(self.context.params.treasury_fee_bps);
        self.overlay
            .credit(&collector, self.fees.minus(to_treasury)?)?;
        self.overlay.credit(&Address::treasury(), to_treasury)?;
        let (validator_updates, events) = end_block(&mut self.overlay, &self.context, input)?;
        self.events.extend(events);
        books::settle(&mut self.overlay)?;
        let (changes, base) = (self.overlay.changes(), self.overlay.below());
        let (state, delta) = state.updated(changes, base, self.context.height)?;
        Ok(BlockOutcome {
            results,
            events: self.events,
            validator_updates,
            delta,
            state,
        })
    }
}

/// The account of a block's proposer; the treasury for an unknown consensus key.
pub fn fee_collector(view: &impl View, proposer: Option<ConsensusAddress>) -> Address {
    proposer
        .and_then(|key| view.key_owner(&key))
        .unwrap_or_else(Address::treasury)
}

/// Executes a whole block on the state before it. Every entry has one result, whatever it is.
///
/// # Errors
/// [`InvariantViolation`].
pub fn execute(
    state: &State,
    entries: &[Entry],
    input: &BlockInput,
    signatures: &dyn Signatures,
) -> Result<BlockOutcome, InvariantViolation> {
    let (outcome, _) = run_block(state, entries, input, signatures)?;
    Ok(outcome)
}

/// Executes a proposal and says whether it may be accepted: every transaction passes authentication,
/// the attestation entry keeps its rule, the size holds. `sizes` are the entries' bytes, `max_bytes`
/// the genesis' `block.max_bytes`.
///
/// # Errors
/// [`InvariantViolation`].
pub fn judge(
    state: &State,
    entries: &[Entry],
    sizes: impl IntoIterator<Item = usize>,
    max_bytes: usize,
    input: &BlockInput,
    signatures: &dyn Signatures,
) -> Result<Judgement, InvariantViolation> {
    let size = sizes
        .into_iter()
        .fold(0_usize, |sum, n| sum.saturating_add(protobuf_size(n)));
    if size > max_bytes {
        return Ok(Judgement::Rejected(Refusal::new(
            Code::TooLarge,
            format!("the block's transactions have {size} bytes, more than {max_bytes}"),
        )));
    }
    // Millions of these fit into a block: one is reason enough, before any is executed.
    let unreadable = entries.iter().find_map(|entry| match entry {
        Entry::Invalid(refusal) => Some(refusal),
        _ => None,
    });
    if let Some(refusal) = unreadable {
        return Ok(Judgement::Rejected(refusal.clone()));
    }
    let (outcome, fault) = run_block(state, entries, input, signatures)?;
    Ok(match fault {
        Some(refusal) => Judgement::Rejected(refusal),
        None => Judgement::Accepted(Box::new(outcome)),
    })
}

/// The outcome, and the first reason for which no honest validator accepts such a proposal.
fn run_block(
    state: &State,
    entries: &[Entry],
    input: &BlockInput,
    signatures: &dyn Signatures,
) -> Result<(BlockOutcome, Option<Refusal>), InvariantViolation> {
    let mut executor = Executor::begin(state, signatures)?;
    let rule = assign_attestations(executor.base(), executor.context(), entries)?;
    let (assigned, mut fault) = match rule {
        RuleVerdict::Kept(assigned) => (assigned, None),
        RuleVerdict::InvariantViolation(refusal) => (vec![None; entries.len()], Some(refusal)),
    };
    let rule_is_kept = fault.is_none();
    let mut results = Vec::with_capacity(entries.len());
    for (index, (entry, attestation)) in entries.iter().zip(&assigned).enumerate() {
        let outcome = match entry {
            Entry::Attestations(_) if index == 0 && rule_is_kept => {
                results.push(attestations_result());
                continue;
            }
            Entry::Attestations(_) => TxOutcome::unauthenticated(Refusal::new(
                Code::UnexpectedAttestations,
                "the ATTESTATIONS entry breaks its rule",
            )),
            Entry::Invalid(refusal) => TxOutcome::unauthenticated(refusal.clone()),
            Entry::Transaction(verified) => executor.preview(verified, attestation.as_ref())?,
        };
        if let Verdict::Unauthenticated(refusal) = &outcome.verdict
            && fault.is_none()
        {
            fault = Some(refusal.clone());
        }
        results.push(executor.accept(outcome)?);
    }
    Ok((executor.finish(results, input)?, fault))
}

/// The result of an attestation entry that keeps its rule.
fn attestations_result() -> TxResult {
    TxResult {
        code: 0,
        codespace: String::new(),
        log: String::new(),
        fee: Uait::ZERO,
        events: Vec::new(),
    }
}
