//! Owns the validators: `getValidators`, the set that CometBFT was last told of and, of those with the
//! stake to be elected, [`MAX_WAITING`] with the most; by power descending, then address.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use ait_abci::Snapshot;
use ait_app::{
    address::Address,
    crypto::PublicKey,
    state::{Key, overlay::View, records::Validator},
};
use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{Endpoint, extract::QueryOf};
use crate::{
    comet::Comet,
    context::Context,
    error::ApiError,
    proofs::{ProveQuery, prove},
};

/// At most this many without power are listed: anybody with enough coins can stake from any number of
/// accounts.
const MAX_WAITING: usize = 100;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get("/rpc/getValidators", get_validators)]
}

async fn get_validators(
    State(context): State<Arc<Context>>,
    QueryOf(query): QueryOf<ProveQuery>,
) -> Result<Json<Value>, ApiError> {
    let snapshot = context.snapshot()?;
    let priorities = priorities(&context.comet).await;
    let listed = listed(&snapshot)?;
    let validators = listed
        .iter()
        .map(|validator| view(&snapshot, validator, &priorities))
        .collect::<Result<Vec<_>, _>>()?;
    let mut answer = json!({
        "height": snapshot.state.height(),
        "mode": snapshot.state.mode_in_force()?,
        "validators": validators,
    });
    if query.prove {
        let proofs = listed
            .iter()
            .map(|validator| prove(&snapshot, &Key::Validator(validator.record.address)))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(fields) = answer.as_object_mut() {
            fields.insert("proofs".into(), proofs.into());
        }
    }
    Ok(Json(answer))
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
    power: u64,
    record: Validator,
}

fn listed(snapshot: &Snapshot) -> Result<Vec<Listed>, ApiError> {
    let state = &snapshot.state;
    let record_of = |address: &Address| {
        state
            .validator(address)?
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
    let min_stake = state.params().min_stake;
    let mut waiting: Vec<(&Address, u64)> = state
        .stakes()
        .filter(|(address, stake)| *stake >= min_stake && !listed.contains_key(address))
        .collect();
    waiting.sort_by_key(|(address, stake)| (Reverse(*stake), **address));
    for (address, _) in waiting.into_iter().take(MAX_WAITING) {
        let record = record_of(address)?;
        let line = Listed {
            pubkey: record.stake_pubkey.unwrap_or(record.pubkey),
            power: 0,
            record,
        };
        listed.insert(*address, line);
    }
    let mut listed: Vec<Listed> = listed.into_values().collect();
    // Stable: those of one power stay in the order of their addresses.
    listed.sort_by_key(|validator| Reverse(validator.power));
    Ok(listed)
}

fn view(
    snapshot: &Snapshot,
    validator: &Listed,
    priorities: &BTreeMap<PublicKey, i64>,
) -> Result<Value, ApiError> {
    let record = &validator.record;
    let miner = snapshot.state.miner(&record.address)?;
    Ok(json!({
        "address": record.address,
        "pubkey": validator.pubkey,
        "power": validator.power,
        "stake": record.stake,
        "score": miner.score,
        "jailed_until": record.jailed_until,
        "missed_blocks": record.missed_blocks,
        "proposer_priority": priorities.get(&validator.pubkey),
    }))
}
