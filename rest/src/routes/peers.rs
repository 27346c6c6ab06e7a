//! Owns P2P as users see it: CometBFT's peers, and the WebSocket of live events.

use ait_api::{
    node::Peers,
    routes::{LIVE_EVENTS, PEERS},
};
use ait_node::{comet::Comet, peers::view};
use axum::{Json, extract::State};

use super::endpoint::Endpoint;
use crate::{error::ApiError, live};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(PEERS.path, get_peers),
        Endpoint::get(LIVE_EVENTS.path, live::connect),
    ]
}

async fn get_peers(State(comet): State<Comet>) -> Result<Json<Peers>, ApiError> {
    let net_info = comet.net_info().await?;
    let peers = net_info.peers.into_iter().map(view).collect();
    Ok(Json(Peers { peers }))
}
