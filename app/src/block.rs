//! Owns how a block turns one state into the next (SPEC section 3, "order of block H"), and the rule
//! of its attestation entry (section 4). Proposing, judging and finalising all run this one code on
//! the same base state, the one after block H-1.

use std::sync::Arc;

use crate::{
    address::Address,
    code::Code,
    error::{Broken, Refusal},
    events::Event,
    identifiers::ChainId,
    json::{self, Fields, Json},
    params::Params,
    receipts::Attestation,
    state::{
        ConsensusAddress, State,
        overlay::{Changes, Overlay, View},
        records::Escrow,
    },
    supply,
    tx::{Outcome, Payload, TxResult, VerifiedTx, escrow_release::refund, run},
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

/// One entry of a block, as far as it can be judged without state: a pure function of its bytes and
/// the chain id.
#[derive(Debug, Clone)]
pub enum Entry {
    /// The proposer's `ATTESTATIONS`.
    Attestations(Vec<Attestation>),
    /// A well-formed transaction with a right signature.
    Transaction(Arc<VerifiedTx>),
    /// Anything else.
    Invalid(Refusal),
}

impl Entry {
    /// Reads an entry's bytes.
    pub fn read(bytes: &[u8], chain_id: &ChainId) -> Self {
        // Canonical order puts this field first in such an entry, and in no transaction.
        if bytes.starts_with(b"{\"attestations\":") {
            return match read_attestations(bytes) {
                Ok(attestations) => Entry::Attestations(attestations),
                Err(refusal) => Entry::Invalid(refusal),
            };
        }
        match VerifiedTx::verify(bytes, chain_id) {
            Ok(verified) => Entry::Transaction(Arc::new(verified)),
            Err(refusal) => Entry::Invalid(refusal),
        }
    }

    /// The claim in it that brings no attestation of its own.
    fn claim_without_attestation(&self) -> Option<&VerifiedTx> {
        match self {
            Entry::Transaction(verified) => match &verified.tx.payload {
                Payload::ReceiptClaim(claim) if claim.attestation.is_none() => Some(verified),
                _ => None,
            },
            _ => None,
        }
    }
}

fn read_attestations(bytes: &[u8]) -> Result<Vec<Attestation>, Refusal> {
    if bytes.len() > MAX_BLOCK_BYTES {
        return Err(Refusal::new(
            Code::TooLarge,
            "the entry is larger than a block",
        ));
    }
    let json = Json::parse(bytes)?;
    let fields = Fields::open(&json, "", &["attestations", "type"], &[])?;
    if fields.string("type")? != "ATTESTATIONS" {
        return Err(fields.refuse("type", "must be ATTESTATIONS"));
    }
    let Json::Array(list) = fields.json("attestations")? else {
        return Err(fields.refuse("attestations", "must be a list"));
    };
    let attestations = list
        .iter()
        .map(|json| Attestation::from_json(json, "attestations"))
        .collect::<Result<Vec<_>, _>>()?;
    if json.canonical()? != bytes {
        return Err(Refusal::new(
            Code::NotCanonical,
            "the entry is not canonical",
        ));
    }
    Ok(attestations)
}

/// The wire bytes of an attestation entry.
///
/// # Errors
/// [`Broken`] when attestations don't serialise.
pub fn attestations_wire(attestations: &[Attestation]) -> Result<Vec<u8>, Broken> {
    #[derive(serde::Serialize)]
    struct Wire<'a> {
        attestations: &'a [Attestation],
        r#type: &'static str,
    }
    json::canonical(&Wire {
        attestations,
        r#type: "ATTESTATIONS",
    })
}

/// Whether an attestation, good or negative, is rightly signed for a claim by the registered
/// coordinator of the escrow that is open for it in `state`.
///
/// # Errors
/// [`Broken`] when the escrow is unreadable.
pub fn attestation_fits(
    state: &State,
    claim: &VerifiedTx,
    attestation: &Attestation,
) -> Result<bool, Broken> {
    let Payload::ReceiptClaim(payload) = &claim.tx.payload else {
        return Ok(false);
    };
    let terms = &payload.terms;
    let Some(escrow) = state.escrow(&terms.client, &terms.job_id)? else {
        return Ok(false);
    };
    let key = state.params().coordinators.get(&escrow.coordinator);
    Ok(escrow.is_open_in(state.height())
        && attestation.coordinator == escrow.coordinator
        && key.is_some_and(|key| {
            attestation.is_signed_by(key, state.chain_id(), terms, escrow.opened_height)
        }))
}

/// The attestation that stands in front of the block for each of its entries.
type Assigned = Vec<Option<Attestation>>;

/// Applies the entry's rule (SPEC section 4) to a block on the state before it: exactly one
/// attestation for each claim that has none, in block order, rightly signed; no entry where none
/// is needed.
///
/// # Errors
/// The inner refusal says how the block breaks the rule; a proposal with one is rejected.
pub fn assign_attestations(
    state: &State,
    entries: &[Entry],
) -> Result<Result<Assigned, Refusal>, Broken> {
    let broken_rule = |why: &str| Refusal::new(Code::UnexpectedAttestations, why);
    let (given, rest) = match entries.split_first() {
        Some((Entry::Attestations(list), rest)) => (Some(list), rest),
        _ => (None, entries),
    };
    if rest
        .iter()
        .any(|entry| matches!(entry, Entry::Attestations(_)))
    {
        return Ok(Err(broken_rule(
            "an ATTESTATIONS entry may stand at index 0 alone",
        )));
    }
    let mut list = given.into_iter().flatten();
    let mut assigned = Vec::with_capacity(entries.len());
    if given.is_some() {
        assigned.push(None);
    }
    let mut needed = false;
    for entry in rest {
        let Some(claim) = entry.claim_without_attestation() else {
            assigned.push(None);
            continue;
        };
        needed = true;
        let Some(attestation) = list.next() else {
            return Ok(Err(broken_rule("a claim of the block has no attestation")));
        };
        if !attestation_fits(state, claim, attestation)? {
            return Ok(Err(broken_rule(
                "an attestation of the block is not rightly signed for its claim",
            )));
        }
        assigned.push(Some(attestation.clone()));
    }
    if list.next().is_some() || (given.is_some() && !needed) {
        return Ok(Err(broken_rule(
            "the block has attestations that no claim needs",
        )));
    }
    Ok(Ok(assigned))
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
    /// Begins the block after `state`: due escrows go back to their clients first.
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

    /// Ends the block: fees to the proposer's account, the validators' updates, the books.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn finish(
        mut self,
        results: Vec<TxResult>,
        proposer: Option<ConsensusAddress>,
    ) -> Result<BlockOutcome, Broken> {
        let collector = fee_collector(self.overlay.below(), proposer)?;
        self.overlay.credit(&collector, self.fees)?;
        let validator_updates = validators::apply_authorities(&mut self.overlay, &self.params)?;
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
    proposer: Option<ConsensusAddress>,
) -> Result<BlockOutcome, Broken> {
    let (outcome, _) = run_block(state, entries, proposer)?;
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
    proposer: Option<ConsensusAddress>,
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
    let (outcome, fault) = run_block(state, entries, proposer)?;
    Ok(match fault {
        Some(refusal) => Err(refusal),
        None => Ok(outcome),
    })
}

/// The outcome, and the first reason for which no honest validator accepts such a proposal.
fn run_block(
    state: &State,
    entries: &[Entry],
    proposer: Option<ConsensusAddress>,
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
    Ok((executor.finish(results, proposer)?, fault))
}
