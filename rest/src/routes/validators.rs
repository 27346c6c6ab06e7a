//! Owns the validators: `getValidators`, the set that CometBFT was last told of, by power descending.

use std::sync::Arc;

use ait_abci::Snapshot;
use ait_app::{
    crypto::PublicKey,
    state::{Key, SentValidator, overlay::View},
};
use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{Endpoint, extract::QueryOf};
use crate::{
    context::Context,
    error::ApiError,
    proofs::{ProveQuery, prove},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get("/rpc/getValidators", get_validators)]
}

async fn get_validators(
    State(context): State<Arc<Context>>,
    QueryOf(query): QueryOf<ProveQuery>,
) -> Result<Json<Value>, ApiError> {
    let snapshot = context.snapshot()?;
    let mut set: Vec<(&PublicKey, &SentValidator)> =
        snapshot.state.sent_validators().iter().collect();
    set.sort_by_key(|(_, validator)| (std::cmp::Reverse(validator.power), validator.address));
    let validators = set
        .iter()
        .map(|(pubkey, validator)| view(&snapshot, pubkey, validator))
        .collect::<Result<Vec<_>, _>>()?;
    let mut answer = json!({"height": snapshot.state.height(), "validators": validators});
    if query.prove {
        let proofs = set
            .iter()
            .map(|(_, validator)| prove(&snapshot, &Key::Validator(validator.address)))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(fields) = answer.as_object_mut() {
            fields.insert("proofs".into(), proofs.into());
        }
    }
    Ok(Json(answer))
}

fn view(
    snapshot: &Snapshot,
    pubkey: &PublicKey,
    validator: &SentValidator,
) -> Result<Value, ApiError> {
    let address = validator.address;
    let record = snapshot.state.validator(&address)?;
    let record = record
        .ok_or_else(|| ApiError::internal(format!("the validator {address} has no record")))?;
    let miner = snapshot.state.miner(&address)?;
    Ok(json!({
        "address": address,
        "pubkey": pubkey,
        "power": validator.power,
        "stake": record.stake,
        "score": miner.score,
        "jailed_until": record.jailed_until,
        "missed_blocks": record.missed_blocks,
    }))
}
