//! Owns the books: `getSupply`.

use std::sync::Arc;

use ait_api::{proof::Proved, routes::GET_SUPPLY};
use ait_app::{
    bank::record::Supply,
    state::{Key, View},
};
use axum::{Json, extract::State};

use super::{endpoint::Endpoint, extract::QueryOf};
use crate::{context::Context, error::ApiError, proofs::ProveQuery};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(GET_SUPPLY.path, get_supply)]
}

async fn get_supply(
    State(context): State<Arc<Context>>,
    QueryOf(query): QueryOf<ProveQuery>,
) -> Result<Json<Proved<Supply>>, ApiError> {
    let snapshot = context.snapshot()?;
    let answer = snapshot.state.supply()?;
    let proof = query.proof(&snapshot, &Key::Supply)?;
    Ok(Json(Proved { answer, proof }))
}
