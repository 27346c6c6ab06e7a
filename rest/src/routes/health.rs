//! Owns `health`: whether this node can serve users now, from memory.

use std::sync::Arc;

use ait_api::{
    node::{Health, HealthStatus},
    routes::HEALTH,
};
use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};

use super::{endpoint::Endpoint, extract::Admin};
use crate::{context::Context, error::ApiError, liveness::last_block_age};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(HEALTH.path, health)]
}

async fn health(
    State(context): State<Arc<Context>>,
    admin: Result<Admin, ApiError>,
) -> impl IntoResponse {
    let verdict = context.liveness.verdict();
    let snapshot = context.node.snapshot();
    let http_status = if verdict.status == HealthStatus::Ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let answer = Health {
        status: verdict.status,
        reason: verdict.reason,
        chain_id: context.node.chain_id().clone(),
        height: snapshot.map_or(0, |snapshot| snapshot.head.height),
        last_block_age_seconds: last_block_age(&context.node).map(|age| age.as_secs()),
        devnet: context.devnet,
        faucet: context.faucet.is_some() && admin.is_ok(),
    };
    (http_status, Json(answer))
}
