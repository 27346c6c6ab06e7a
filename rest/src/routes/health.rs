//! Owns `health`: whether this node can serve users now, from memory.

use std::sync::Arc;

use ait_abci::Reader;
use ait_api::{
    node::{Health, HealthStatus},
    routes::HEALTH,
};
use ait_node::liveness::{Liveness, last_block_age};
use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};

use super::{endpoint::Endpoint, extract::Admin};
use crate::{error::ApiError, parts::IsDevnet, wallet::Wallets};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(HEALTH.path, health)]
}

async fn health(
    State(reader): State<Reader>,
    State(liveness): State<Arc<Liveness>>,
    State(wallets): State<Arc<Wallets>>,
    State(IsDevnet(devnet)): State<IsDevnet>,
    admin: Result<Admin, ApiError>,
) -> impl IntoResponse {
    let verdict = liveness.verdict();
    let http_status = if verdict.status == HealthStatus::Ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let answer = Health {
        status: verdict.status,
        reason: verdict.reason,
        chain_id: reader.chain_id().clone(),
        height: reader.height(),
        last_block_age_seconds: last_block_age(&reader).map(|age| age.as_secs()),
        devnet,
        faucet: wallets.faucet.is_some() && admin.is_ok(),
    };
    (http_status, Json(answer))
}
