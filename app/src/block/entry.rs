//! Owns what stands in a block: its entries' bytes, judged without state, and the rule of the
//! attestation entry (SPEC section 4), judged on the state before the block alone.

use std::sync::Arc;

use super::MAX_BLOCK_BYTES;
use crate::{
    code::Code,
    error::{Broken, Refusal},
    identifiers::ChainId,
    json::{self, Fields, Json},
    receipts::Attestation,
    state::{State, overlay::View},
    tx::{Payload, VerifiedTx},
};

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
