//! Owns how a block turns one state into the next (SPEC section 3, "order of block H"). Proposing,
//! judging and finalising all run this one code on the same base state, the one after block H-1.

mod entry;

use std::sync::Arc;

pub use entry::{Entry, assign_attestations, attestation_fits, attestations_wire};

use crate::{
    address::Address,
    code::Code,
    error::{Broken, Refusal},
    events::Event,
    params::Params,
    receipts::Attestation,
    state::{
        ConsensusAddress, State,
        overlay::{Changes, Overlay, View},
        records::Escrow,
    },
    supply,
    tx::{Outcome, TxResult, VerifiedTx, escrow_release::refund, run, unstake},
    validators::{self, ValidatorUpdate},
};

/// The most bytes of a block's transactions, by protobuf size (SPEC section 3).
pub const MAX_BLOCK_BYTES: usize = 4 * 1024 * 1024;

/// At most this many escrows expire in a block; the rest wait for the next.
pub const MAX_EXPIRIES: usize = 1_000;

/// What an entry of `n` bytes adds to a block's protobuf size: tag, length and the bytes.
pub fn protobuf_size(n: usize) -> usize {
    let mut length_bytes: usize = 1;
    let mut rest = n >> 7;
    while rest > 0 {
        length_bytes = length_bytes.saturating_add(1);
        rest >>= 7;
    }
    n.saturating_add(length_bytes).saturating_add(1)
}

/// What CometBFT says of a block besides its transactions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockInput {
    /// Who proposed it.
    pub proposer: Option<ConsensusAddress>,
    /// Who signed the block before it and who didn't (ABCI, `CommitInfo`).
    pub last_commit: Vec<CommitVote>,
    /// Whose equivocation it proves (ABCI, `Misbehavior`).
    pub misbehaviour: Vec<ConsensusAddress>,
}

/// A validator's part in the commit of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitVote {
    /// Its key.
    pub validator: ConsensusAddress,
    /// Whether it signed, be it for nil.
    pub signed: bool,
}

/// A block in the making: executes transactions one after the other on the state before it.
pub struct Executor<'a> {
    params: Arc<Params>,
    height: u64,
    overlay: Overlay<'a, State>,
    events: Vec<Event>,
    fees: u64,
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
    /// The records it changed.
    pub changes: Changes,
    /// The state after it.
    pub state: State,
}

impl<'a> Executor<'a> {
    /// Begins the block after `state`: due escrows go back to their clients first, then what has
    /// unbonded to its stakers.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn begin(state: &'a State) -> Result<Self, Broken> {
        let height = state.height().saturating_add(1);
        let mut overlay = Overlay::new(state);
        let mut events = Vec::new();
        for key in state.due_escrows(height).take(MAX_EXPIRIES) {
            let bytes = state
                .bytes(key)
                .ok_or_else(|| Broken::new("a due escrow has no record"))?;
            let escrow: Escrow = serde_json::from_slice(&bytes)
                .map_err(|error| Broken::new(format!("an escrow is unreadable: {error}")))?;
            events.push(refund(&mut overlay, escrow, "expired")?);
        }
        events.extend(unstake::pay_due(&mut overlay, height)?);
        Ok(Self {
            params: state.params().clone(),
            height,
            overlay,
            events,
            fees: 0,
        })
    }

    /// Runs a transaction without keeping what it does.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn preview(
        &self,
        verified: &VerifiedTx,
        attestation: Option<&Attestation>,
    ) -> Result<Outcome, Broken> {
        let chain_id = self.overlay.below().chain_id();
        run(
            &self.overlay,
            chain_id,
            self.height,
            &self.params,
            verified,
            attestation,
        )
    }

    /// Keeps what a previewed transaction does.
    ///
    /// # Errors
    /// [`Broken`] when fees pass the supply.
    pub fn accept(&mut self, outcome: Outcome) -> Result<TxResult, Broken> {
        self.fees = crate::amount::add(self.fees, outcome.result.fee)?;
        self.overlay.absorb(outcome.changes);
        Ok(outcome.result)
    }

    /// Ends the block: fees to the proposer's account, evidence, downtime and elections, the books.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn finish(
        mut self,
        results: Vec<TxResult>,
        input: &BlockInput,
    ) -> Result<BlockOutcome, Broken> {
        let collector = fee_collector(self.overlay.below(), input.proposer)?;
        self.overlay.credit(&collector, self.fees)?;
        let (validator_updates, events) =
            validators::end_block(&mut self.overlay, &self.params, self.height, input)?;
        self.events.extend(events);
        supply::settle(&mut self.overlay)?;
        let before = self.overlay.below();
        let changes = self.overlay.into_changes();
        let state = before.updated(changes.clone(), self.height)?;
        Ok(BlockOutcome {
            results,
            events: self.events,
            validator_updates,
            changes,
            state,
        })
    }
}

/// The account of a block's proposer; the treasury for an unknown consensus key.
///
/// # Errors
/// [`Broken`].
pub fn fee_collector(state: &State, proposer: Option<ConsensusAddress>) -> Result<Address, Broken> {
    let owner = match proposer {
        Some(key) => state.key_owner(&key)?,
        None => None,
    };
    Ok(owner.unwrap_or_else(Address::treasury))
}

/// Executes a whole block on the state before it. Every entry has one result, whatever it is.
///
/// # Errors
/// [`Broken`].
pub fn execute(
    state: &State,
    entries: &[Entry],
    input: &BlockInput,
) -> Result<BlockOutcome, Broken> {
    let (outcome, _) = run_block(state, entries, input)?;
    Ok(outcome)
}

/// Executes a proposal and says whether it may be accepted: every transaction passes authentication,
/// the attestation entry keeps its rule, the size holds. `sizes` are the entries' bytes.
///
/// # Errors
/// The inner refusal is why the proposal is rejected.
pub fn judge(
    state: &State,
    entries: &[Entry],
    sizes: impl IntoIterator<Item = usize>,
    input: &BlockInput,
) -> Result<Result<BlockOutcome, Refusal>, Broken> {
    let size = sizes
        .into_iter()
        .fold(0_usize, |sum, n| sum.saturating_add(protobuf_size(n)));
    if size > MAX_BLOCK_BYTES {
        return Ok(Err(Refusal::new(
            Code::TooLarge,
            format!("the block's transactions have {size} bytes, more than {MAX_BLOCK_BYTES}"),
        )));
    }
    // Millions of these fit into a block: one is reason enough, before any is executed.
    let unreadable = entries.iter().find_map(|entry| match entry {
        Entry::Invalid(refusal) => Some(refusal),
        _ => None,
    });
    if let Some(refusal) = unreadable {
        return Ok(Err(refusal.clone()));
    }
    let (outcome, fault) = run_block(state, entries, input)?;
    Ok(match fault {
        Some(refusal) => Err(refusal),
        None => Ok(outcome),
    })
}

/// The outcome, and the first reason for which no honest validator accepts such a proposal.
fn run_block(
    state: &State,
    entries: &[Entry],
    input: &BlockInput,
) -> Result<(BlockOutcome, Option<Refusal>), Broken> {
    let mut fault = None;
    let assigned = match assign_attestations(state, entries)? {
        Ok(assigned) => assigned,
        Err(refusal) => {
            fault = Some(refusal);
            vec![None; entries.len()]
        }
    };
    let mut executor = Executor::begin(state)?;
    let mut results = Vec::with_capacity(entries.len());
    for (index, (entry, attestation)) in entries.iter().zip(&assigned).enumerate() {
        let outcome = match entry {
            Entry::Attestations(_) if index == 0 && fault.is_none() => {
                results.push(TxResult::success(0, Vec::new()));
                continue;
            }
            Entry::Attestations(_) => Outcome::unauthenticated(Refusal::new(
                Code::UnexpectedAttestations,
                "the ATTESTATIONS entry breaks its rule",
            )),
            Entry::Invalid(refusal) => Outcome::unauthenticated(refusal.clone()),
            Entry::Transaction(verified) => executor.preview(verified, attestation.as_ref())?,
        };
        if !outcome.authenticated && fault.is_none() {
            fault.clone_from(&outcome.refusal);
        }
        results.push(executor.accept(outcome)?);
    }
    Ok((executor.finish(results, input)?, fault))
}
