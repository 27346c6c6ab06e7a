//! Owns P2P as users see it: CometBFT's peers, and the WebSocket of live events.

use std::sync::Arc;

use ait_api::{
    node::Peers,
    routes::{LIVE_EVENTS, PEERS},
};
use axum::{Json, extract::State};

use super::endpoint::Endpoint;
use crate::{context::Context, error::ApiError, live, peers::view};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(PEERS.path, get_peers),
        Endpoint::get(LIVE_EVENTS.path, live::connect),
    ]
}

async fn get_peers(State(context): State<Arc<Context>>) -> Result<Json<Peers>, ApiError> {
    let net_info = context.comet.net_info().await?;
    let peers = net_info.peers.into_iter().map(view).collect();
    Ok(Json(Peers { peers }))
}
