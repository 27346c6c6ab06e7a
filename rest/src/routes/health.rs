//! Owns `health`: whether this node can serve users now, from memory.

use std::sync::Arc;

use ait_abci::Reader;
use ait_api::{
    node::{Health, HealthStatus, PlannedUpgrade},
    routes::HEALTH,
};
use ait_app::upgrades::{known::Upgrade, record::Protocol};
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
    let newest = reader.newest();
    let protocol = newest.as_ref().map(|newest| newest.state.protocol());
    let answer = Health {
        status: verdict.status,
        reason: verdict.reason,
        chain_id: reader.chain_id().clone(),
        height: reader.height(),
        last_block_age_seconds: last_block_age(&reader).map(|age| age.as_secs()),
        protocol_version: protocol.map(|protocol| protocol.version.number()),
        planned_upgrade: protocol.and_then(planned_upgrade),
        devnet,
        faucet: wallets.faucet.is_some() && admin.is_ok(),
    };
    (http_status, Json(answer))
}

fn planned_upgrade(protocol: &Protocol) -> Option<PlannedUpgrade> {
    let plan = protocol.planned.as_ref()?;
    Some(PlannedUpgrade {
        height: plan.height.get(),
        name: plan.name.to_string(),
        known: Upgrade::named(plan.name.as_str()).is_some(),
    })
}
