//! Owns the books: `getSupply`.

use ait_api::{proof::Proved, routes::GET_SUPPLY};
use ait_app::{
    bank::record::Supply,
    state::{Key, View},
};
use axum::Json;

use super::{endpoint::Endpoint, extract::QueryOf};
use crate::{error::ApiError, last_block::LastBlock, proofs::ProveQuery};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(GET_SUPPLY.path, get_supply)]
}

async fn get_supply(
    LastBlock(committed): LastBlock,
    QueryOf(query): QueryOf<ProveQuery>,
) -> Result<Json<Proved<Supply>>, ApiError> {
    let answer = committed.state.supply()?;
    let proof = query.proof(&committed, &Key::Supply)?;
    Ok(Json(Proved { answer, proof }))
}
