//! Owns miners' records: `getMiner`. An account that never claimed has a clean one.

use std::sync::Arc;

use ait_app::{
    address::Address,
    state::{Key, overlay::View},
};
use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{
    Endpoint,
    extract::{PathOf, QueryOf, parse},
};
use crate::{
    context::Context,
    error::ApiError,
    proofs::{self, ProveQuery},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get("/rpc/getMiner/{address}", get_miner)]
}

async fn get_miner(
    State(context): State<Arc<Context>>,
    PathOf(address): PathOf<String>,
    QueryOf(query): QueryOf<ProveQuery>,
) -> Result<Json<Value>, ApiError> {
    let address: Address = parse(&address)?;
    let snapshot = context.snapshot()?;
    let miner = snapshot.state.miner(&address)?;
    let proof = query.proof(&snapshot, &Key::Miner(address))?;
    let next_block = snapshot.state.height().saturating_add(1);
    // The record keeps the end of the latest ban for ever; a past one bars nothing.
    let banned_until = if miner.is_banned_in(next_block) {
        miner.banned_until
    } else {
        0
    };
    let answer = json!({
        "address": miner.address,
        "score": miner.score,
        "epoch_units": miner.epoch_units,
        "units_total": miner.units_total,
        "receipts": miner.receipts,
        "offences": miner.offences,
        "banned_until": banned_until,
    });
    Ok(Json(proofs::add(answer, proof)))
}
