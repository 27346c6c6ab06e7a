//! Owns what a transaction would cost and do: `estimateFee`, `simulate`.

use std::sync::Arc;

use ait_abci::Mempool;
use ait_api::{
    fees::{FeeEstimate, SimulationAnswer},
    routes::{ESTIMATE_FEE, SIMULATE},
};
use ait_app::{
    address::Address,
    json,
    simulate::{required_fee, simulate},
    tx::Payload,
};
use ait_node::off_thread;
use axum::{Json, extract::State};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{endpoint::Endpoint, extract::Body};
use crate::{error::ApiError, last_block::LastBlock, prices::Prices};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(ESTIMATE_FEE.path, estimate_fee),
        Endpoint::post(SIMULATE.path, simulate_tx),
    ]
}

/// What a fee is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question<'a> {
    #[serde(borrow)]
    payload: &'a RawValue,
    #[serde(default, deserialize_with = "present")]
    sender: Option<Address>,
    r#type: String,
}

/// A field that may be left out, but not be null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Address>, D::Error> {
    Address::deserialize(deserializer).map(Some)
}

async fn estimate_fee(
    LastBlock(committed): LastBlock,
    State(mempool): State<Mempool>,
    State(prices): State<Arc<Prices>>,
    Body(text): Body,
) -> Result<Json<FeeEstimate>, ApiError> {
    let question: Question<'_> = json::read(&text, "")?;
    let payload = Payload::read(&question.r#type, question.payload.get())?;
    let fee = required_fee(&committed.state, &payload, question.sender.as_ref())?;
    let payload_bytes = json::canonical(&payload)?.len();
    // Waits for the mempool, which a commit holds.
    let stats = off_thread(move || mempool.stats()).await?;
    let recommended = prices.to_enter(stats, fee, payload_bytes);
    Ok(Json(FeeEstimate { fee, recommended }))
}

async fn simulate_tx(
    LastBlock(committed): LastBlock,
    Body(text): Body,
) -> Result<Json<SimulationAnswer>, ApiError> {
    let simulation = off_thread(move || simulate(&committed.state, &text)).await??;
    let result = simulation.result;
    Ok(Json(SimulationAnswer {
        code: result.code,
        codespace: result.codespace,
        log: result.log,
        fee: result.fee,
        required_fee: simulation.required_fee,
        balances: simulation.balances,
        escrows: simulation.escrows,
        events: result.events,
    }))
}
