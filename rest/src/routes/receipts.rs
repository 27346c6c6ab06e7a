//! Owns receipts that were paid or refused: `getReceipt`. One that is neither is answered with 404 and,
//! if asked for, the proof of it.

use ait_api::{proof::Proved, routes::GET_RECEIPT};
use ait_app::{
    address::Address,
    identifiers::ReceiptId,
    receipts::record::Receipt,
    state::{Key, View},
};
use axum::Json;

use super::{
    endpoint::Endpoint,
    extract::{PathOf, parse},
};
use crate::{
    error::{ApiError, RestCode},
    proofs::Reading,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(GET_RECEIPT.path, get_receipt)]
}

async fn get_receipt(
    reading: Reading,
    PathOf((miner, receipt_id)): PathOf<(String, String)>,
) -> Result<Json<Proved<Receipt>>, ApiError> {
    let committed = &reading.committed;
    let miner: Address = parse(&miner)?;
    let id: ReceiptId = parse(&receipt_id)?;
    let receipt = committed.state.get::<Receipt>(&(miner, id.clone()))?;
    let proof = reading.proof(&Key::Receipt(miner, id.clone()))?;
    let Some(receipt) = receipt else {
        let message = format!("no receipt {id} of {miner} was ever paid or refused");
        return Err(ApiError::new(RestCode::NotFound, message).with_proof(proof));
    };
    Ok(Json(Proved {
        answer: receipt,
        proof,
    }))
}
