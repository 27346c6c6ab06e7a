//! Owns paid receipts: `getReceipt`. One that was never paid is answered with 404 and, if asked for, the proof
//! of it.

use std::sync::Arc;

use ait_app::{
    identifiers::ReceiptId,
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
    error::{ApiError, Reason},
    proofs::{self, ProveQuery},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get("/rpc/getReceipt/{receipt_id}", get_receipt)]
}

async fn get_receipt(
    State(context): State<Arc<Context>>,
    PathOf(receipt_id): PathOf<String>,
    QueryOf(query): QueryOf<ProveQuery>,
) -> Result<Json<Value>, ApiError> {
    let id: ReceiptId = parse(&receipt_id)?;
    let snapshot = context.snapshot()?;
    let receipt = snapshot.state.receipt(&id)?;
    let proof = query.proof(&snapshot, &Key::Receipt(id.clone()))?;
    let Some(receipt) = receipt else {
        let message = format!("no receipt {id} was ever paid");
        return Err(ApiError::new(Reason::NotFound, message).with_proof(proof));
    };
    Ok(Json(proofs::add(json!(receipt), proof)))
}
