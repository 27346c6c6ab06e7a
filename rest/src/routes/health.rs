//! Owns `health`: whether this node can serve users now.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde_json::json;

use super::Endpoint;
use crate::context::Context;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get("/health", health)]
}

async fn health(State(context): State<Arc<Context>>) -> impl IntoResponse {
    let snapshot = context.node.snapshot();
    let status = match (context.comet.status().await, &snapshot) {
        (Err(_), _) => "no_comet",
        (Ok(status), _) if status.sync_info.catching_up => "starting",
        (Ok(_), None) => "starting",
        (Ok(_), Some(snapshot)) if age(snapshot.head.time) > context.max_block_age => "stale",
        (Ok(_), Some(_)) => "ok",
    };
    let http_status = if status == "ok" {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let answer = json!({
        "status": status,
        "chain_id": context.node.chain_id(),
        "height": snapshot.map_or(0, |snapshot| snapshot.head.height),
    });
    (http_status, Json(answer))
}

/// How long ago a time was, Unix seconds; zero for one to come.
fn age(time: i64) -> Duration {
    let then = UNIX_EPOCH + Duration::from_secs(u64::try_from(time).unwrap_or(0));
    SystemTime::now().duration_since(then).unwrap_or_default()
}
