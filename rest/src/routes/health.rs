//! Owns `health`: whether this node can serve users now.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde_json::json;

use super::Endpoint;
use crate::context::Context;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get("/health", health)]
}

async fn health(State(context): State<Arc<Context>>) -> impl IntoResponse {
    let head = context.node.snapshot().map(|snapshot| snapshot.head.height);
    let status = match context.comet.status().await {
        Err(_) => "no_comet",
        Ok(status) if status.sync_info.catching_up => "starting",
        Ok(_) if head.is_none() => "starting",
        Ok(_) => "ok",
    };
    let http_status = if status == "ok" {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let answer = json!({
        "status": status,
        "chain_id": context.node.chain_id(),
        "height": head.unwrap_or(0),
    });
    (http_status, Json(answer))
}
