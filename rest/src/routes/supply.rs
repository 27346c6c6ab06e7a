//! Owns the books: `getSupply`.

use ait_api::{proof::Proved, routes::GET_SUPPLY};
use ait_app::{
    bank::record::Supply,
    state::{Key, View},
};
use axum::Json;

use super::endpoint::Endpoint;
use crate::{error::ApiError, proofs::Reading};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(GET_SUPPLY.path, get_supply)]
}

async fn get_supply(reading: Reading) -> Result<Json<Proved<Supply>>, ApiError> {
    let committed = &reading.committed;
    let answer = committed.state.supply()?;
    let proof = reading.proof(&Key::Supply)?;
    Ok(Json(Proved { answer, proof }))
}
