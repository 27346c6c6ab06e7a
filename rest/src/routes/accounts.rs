//! Owns accounts: `getBalance`.

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
    vec![Endpoint::get("/rpc/getBalance/{address}", get_balance)]
}

async fn get_balance(
    State(context): State<Arc<Context>>,
    PathOf(address): PathOf<String>,
    QueryOf(query): QueryOf<ProveQuery>,
) -> Result<Json<Value>, ApiError> {
    let address: Address = parse(&address)?;
    let snapshot = context.snapshot()?;
    let account = snapshot.state.account(&address)?;
    let proof = query.proof(&snapshot, &Key::Account(address))?;
    let answer = json!({"balance": account.balance, "nonce": account.nonce});
    Ok(Json(proofs::add(answer, proof)))
}
