//! Owns the validators: `getValidators`, the set that CometBFT was last told of and, of those with the
//! stake to be elected and of the jailed, [`MAX_WAITING`] with the most; by power descending, then
//! address.

use std::{cmp::Reverse, collections::BTreeMap};

use ait_abci::CommittedState;
use ait_api::{
    routes::GET_VALIDATORS,
    validators::{Validator as Line, Validators},
};
use ait_app::{
    address::Address,
    crypto::PublicKey,
    quantity::{Count, Height, Power, Uait},
    staking::record::{Consensus, Jail, Validator},
    state::{Key, View},
};
use ait_node::comet::Comet;
use axum::{Json, extract::State};

use super::{endpoint::Endpoint, miners::miner_today};
use crate::{error::ApiError, proofs::Reading};

/// At most this many without power are listed: anybody with enough coins can stake from any number of
/// accounts.
const MAX_WAITING: usize = 100;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(GET_VALIDATORS.path, get_validators)]
}

async fn get_validators(
    reading: Reading,
    State(comet): State<Comet>,
) -> Result<Json<Validators>, ApiError> {
    let committed = &reading.committed;
    let priorities = priorities(&comet).await;
    let consensus = committed.state.consensus()?;
    let listed = listed(committed)?;
    let validators = listed
        .iter()
        .map(|validator| view(committed, &consensus, validator, &priorities))
        .collect::<Result<Vec<_>, _>>()?;
    let keys = listed
        .iter()
        .map(|line| Key::Validator(line.record.address));
    Ok(Json(Validators {
        height: committed.state.height(),
        mode: consensus.mode,
        validators,
        proofs: reading.proofs(keys)?,
        signed_block: reading.signed_block(),
    }))
}

/// The proposer priorities of CometBFT's set; none where it does not answer.
async fn priorities(comet: &Comet) -> BTreeMap<PublicKey, i64> {
    match comet.validators().await {
        Ok(validators) => validators
            .iter()
            .filter_map(|validator| Some((validator.pubkey()?, validator.proposer_priority)))
            .collect(),
        Err(error) => {
            tracing::debug!(component = "rest", event = "no_priorities", reason = %error);
            BTreeMap::new()
        }
    }
}

/// A line of the answer.
struct Listed {
    /// With which it validates, or would.
    pubkey: PublicKey,
    /// Voting power that CometBFT was last told of; 0 outside the set.
    power: Power,
    record: Validator,
}

fn listed(committed: &CommittedState) -> Result<Vec<Listed>, ApiError> {
    let state = &committed.state;
    let record_of = |address: &Address| {
        state
            .get::<Validator>(address)?
            .ok_or_else(|| ApiError::internal(format!("the validator {address} has no record")))
    };
    let mut listed: BTreeMap<Address, Listed> = BTreeMap::new();
    for (pubkey, validator) in state.sent_validators() {
        let line = Listed {
            pubkey: *pubkey,
            power: validator.power,
            record: record_of(&validator.address)?,
        };
        listed.insert(validator.address, line);
    }
    // Both come with the most stake first: no more of them are looked at than are shown.
    let min_stake = state.params().min_stake;
    let electable = state.stakers().take_while(|(_, stake)| *stake >= min_stake);
    let outside = |(address, _): &(Address, Uait)| !listed.contains_key(address);
    let electable = electable.filter(outside).take(MAX_WAITING);
    let jailed = state.jailed().filter(outside).take(MAX_WAITING);
    let mut waiting: Vec<(Address, Uait)> = electable.chain(jailed).collect();
    waiting.sort_by_key(|(address, stake)| (Reverse(*stake), *address));
    for (address, _) in waiting.into_iter().take(MAX_WAITING) {
        let record = record_of(&address)?;
        let line = Listed {
            pubkey: record.stake_pubkey.unwrap_or(record.pubkey),
            power: Power::ZERO,
            record,
        };
        listed.insert(address, line);
    }
    let mut listed: Vec<Listed> = listed.into_values().collect();
    // Stable: those of one power stay in the order of their addresses.
    listed.sort_by_key(|validator| Reverse(validator.power));
    Ok(listed)
}

fn view(
    committed: &CommittedState,
    consensus: &Consensus,
    validator: &Listed,
    priorities: &BTreeMap<PublicKey, i64>,
) -> Result<Line, ApiError> {
    let record = &validator.record;
    let miner = miner_today(committed, &record.address)?;
    // A change of mode begins every window anew, which the record notes when it is counted next.
    let missed_blocks = if record.window == consensus.mode_changes {
        record.missed_blocks
    } else {
        Count::ZERO
    };
    let jailed_until = match record.jail {
        None => Height::ZERO,
        Some(Jail::Until(height)) => height,
        Some(Jail::Tombstoned) => Height::MAX,
    };
    Ok(Line {
        address: record.address,
        pubkey: validator.pubkey,
        power: validator.power,
        stake: record.stake,
        score: miner.map(|miner| miner.score).unwrap_or_default(),
        jailed_until,
        missed_blocks,
        proven: record.proven,
        proposer_priority: priorities.get(&validator.pubkey).copied(),
    })
}
