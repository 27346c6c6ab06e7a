//! Owns what a transaction would cost and do: `estimateFee`, `simulate`.

use std::sync::Arc;

use ait_app::{
    address::Address,
    json::{Fields, Json as StrictJson},
    simulate::simulate,
    tx::Payload,
};
use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{Endpoint, extract::Body};
use crate::{context::Context, error::ApiError, submit::off_thread};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/rpc/estimateFee", estimate_fee),
        Endpoint::post("/rpc/simulate", simulate_tx),
    ]
}

async fn estimate_fee(
    State(context): State<Arc<Context>>,
    Body(text): Body,
) -> Result<Json<Value>, ApiError> {
    let snapshot = context.snapshot()?;
    let json = StrictJson::parse(&text)?;
    let fields = Fields::open(&json, "", &["type", "payload"], &[])?;
    let payload = fields.json("payload")?;
    // A claim names its sender; for the fee of any other kind the sender makes no difference.
    let sender = match payload {
        StrictJson::Object(fields) => match fields.get("miner_addr") {
            Some(StrictJson::String(miner)) => miner.parse().ok(),
            _ => None,
        },
        _ => None,
    };
    let sender = sender.unwrap_or_else(Address::treasury);
    let payload = Payload::parse(fields.string("type")?, payload, sender)?;
    let bytes = payload.to_json().canonical()?.len();
    let fee = snapshot.state.params().required_fee(bytes);
    Ok(Json(json!({"fee": fee})))
}

async fn simulate_tx(
    State(context): State<Arc<Context>>,
    Body(text): Body,
) -> Result<Json<Value>, ApiError> {
    let snapshot = context.snapshot()?;
    let simulation = off_thread(move || simulate(&snapshot.state, &text)).await??;
    let result = simulation.result;
    Ok(Json(json!({
        "code": result.code,
        "codespace": result.codespace,
        "log": result.log,
        "fee": result.fee,
        "required_fee": simulation.required_fee,
        "balances": simulation.balances,
        "escrows": simulation.escrows,
        "events": result.events,
    })))
}
