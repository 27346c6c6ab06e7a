//! Owns the books: `getSupply`.

use std::sync::Arc;

use ait_app::state::{Key, View};
use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{Endpoint, extract::QueryOf};
use crate::{
    context::Context,
    error::ApiError,
    proofs::{self, ProveQuery},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get("/rpc/getSupply", get_supply)]
}

async fn get_supply(
    State(context): State<Arc<Context>>,
    QueryOf(query): QueryOf<ProveQuery>,
) -> Result<Json<Value>, ApiError> {
    let snapshot = context.snapshot()?;
    let supply = snapshot.state.supply()?;
    let proof = query.proof(&snapshot, &Key::Supply)?;
    Ok(Json(proofs::add(json!(supply), proof)))
}
