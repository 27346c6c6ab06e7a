//! Owns sending transactions and looking them up: `sendTx`, `submitReceipt`, `getTx`.

use std::sync::Arc;

use ait_api::{
    routes::{GET_TX, SEND_TX, SUBMIT_RECEIPT},
    tx::{Sent, TxView},
};
use ait_app::{Refusal, tx::TxHash};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    endpoint::Endpoint,
    extract::{Body, PathOf, QueryOf, WithinLimit},
};
use crate::{
    context::Context,
    error::{ApiError, RestCode},
    submit::{Found, Replacing, Waited, look, submit, wait_for_commit, wire_bytes},
    views,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(SEND_TX.path, send_tx),
        Endpoint::post(SUBMIT_RECEIPT.path, submit_receipt),
        Endpoint::get(GET_TX.path, get_tx),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SendQuery {
    wait: Option<Wait>,
    replace: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wait {
    Commit,
}

async fn send_tx(
    _: WithinLimit,
    State(context): State<Arc<Context>>,
    QueryOf(query): QueryOf<SendQuery>,
    Body(text): Body,
) -> Result<Response, ApiError> {
    let wire = wire_bytes(&context, &text)?;
    send(&context, query, wire).await
}

async fn submit_receipt(
    _: WithinLimit,
    State(context): State<Arc<Context>>,
    QueryOf(query): QueryOf<SendQuery>,
    Body(text): Body,
) -> Result<Response, ApiError> {
    let wire = wire_bytes(&context, &text)?;
    if views::transaction(&wire).get("type") != Some(&Value::from("RECEIPT_CLAIM")) {
        return Err(Refusal::field("field type must be RECEIPT_CLAIM on this route").into());
    }
    send(&context, query, wire).await
}

async fn send(
    context: &Arc<Context>,
    query: SendQuery,
    wire: Vec<u8>,
) -> Result<Response, ApiError> {
    // Before it is sent, so that its block is not missed.
    let blocks = query.wait.map(|Wait::Commit| context.node.subscribe());
    let hash = submit(context, wire, Replacing::of(query.replace))
        .await?
        .hash;
    let Some(blocks) = blocks else {
        let tx_hash = hash.to_string();
        return Ok(Json(Sent { tx_hash }).into_response());
    };
    Ok(match wait_for_commit(context, hash, blocks).await? {
        Waited::Ended(view) => Json(view).into_response(),
        Waited::Pending(view) => (StatusCode::ACCEPTED, Json(view)).into_response(),
    })
}

async fn get_tx(
    State(context): State<Arc<Context>>,
    PathOf(hash): PathOf<String>,
) -> Result<Json<TxView>, ApiError> {
    let hash = TxHash::parse(&hash).ok_or_else(|| {
        ApiError::new(RestCode::InvalidRequest, "txHash must be 64 hex characters")
    })?;
    match look(&context, hash).await? {
        Found::Committed(view) | Found::Pending(view) | Found::Dropped(view) => Ok(Json(view)),
        Found::Nothing => Err(ApiError::new(
            RestCode::NotFound,
            format!("this node knows no transaction {hash}"),
        )),
    }
}
