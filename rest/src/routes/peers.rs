//! Owns P2P as users see it: CometBFT's peers, and the WebSocket of live events.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::Endpoint;
use crate::{context::Context, error::ApiError, live, peers::view};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/p2p/peers", get_peers),
        Endpoint::get("/p2p/ws", live::connect),
    ]
}

async fn get_peers(State(context): State<Arc<Context>>) -> Result<Json<Value>, ApiError> {
    let net_info = context.comet.net_info().await?;
    let peers: Vec<Value> = net_info.peers.iter().map(view).collect();
    Ok(Json(json!({"peers": peers})))
}
