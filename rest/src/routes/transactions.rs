//! Owns sending transactions and looking them up: `sendTx`, `submitReceipt`, `getTx`.

use ait_abci::Reader;
use ait_api::{
    routes::{GET_TX, SEND_TX, SUBMIT_RECEIPT},
    tx::{Sent, TxView},
};
use ait_app::{Refusal, tx::TxHash};
use ait_node::{Found, Replacing, Submitter};
use axum::{
    Json,
    extract::{FromRef, State},
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
    error::{ApiError, RestCode},
    parts::{CommitWait, Parts},
    tx_proofs::TxProver,
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
    State(sender): State<Sender>,
    QueryOf(query): QueryOf<SendQuery>,
    Body(text): Body,
) -> Result<Response, ApiError> {
    let wire = sender.submitter.wire_bytes(&text)?;
    sender.send(query, wire).await
}

async fn submit_receipt(
    _: WithinLimit,
    State(sender): State<Sender>,
    QueryOf(query): QueryOf<SendQuery>,
    Body(text): Body,
) -> Result<Response, ApiError> {
    let wire = sender.submitter.wire_bytes(&text)?;
    if views::transaction(&wire).get("type") != Some(&Value::from("RECEIPT_CLAIM")) {
        return Err(Refusal::field("field type must be RECEIPT_CLAIM on this route").into());
    }
    sender.send(query, wire).await
}

/// What sends a transaction, and waits for its block where that is asked for.
struct Sender {
    reader: Reader,
    submitter: Submitter,
    patience: CommitWait,
}

impl FromRef<Parts> for Sender {
    fn from_ref(parts: &Parts) -> Self {
        Self {
            reader: parts.reader.clone(),
            submitter: parts.submitter.clone(),
            patience: parts.commit_wait,
        }
    }
}

impl Sender {
    async fn send(&self, query: SendQuery, wire: Vec<u8>) -> Result<Response, ApiError> {
        // Before it is sent, so that its block is not missed.
        let blocks = query.wait.map(|Wait::Commit| self.reader.subscribe());
        let replacing = replacing(query.replace);
        let hash = self.submitter.submit(wire, replacing).await?.hash;
        let Some(blocks) = blocks else {
            let tx_hash = hash.to_string();
            return Ok(Json(Sent { tx_hash }).into_response());
        };
        let CommitWait(patience) = self.patience;
        let found = self.submitter.wait(hash, blocks, patience).await?;
        let status = match found {
            Found::Pending(_) => StatusCode::ACCEPTED,
            Found::Committed(_) | Found::Dropped(_) | Found::Nowhere => StatusCode::OK,
        };
        let view = views::found(&hash, &found).ok_or_else(|| unknown(&hash))?;
        Ok((status, Json(view)).into_response())
    }
}

/// As `?replace=` says; allowed where it says nothing.
pub(super) fn replacing(query: Option<bool>) -> Replacing {
    match query {
        Some(false) => Replacing::Refused,
        Some(true) | None => Replacing::Allowed,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TxQuery {
    #[serde(default)]
    prove: bool,
}

async fn get_tx(
    State(submitter): State<Submitter>,
    State(prover): State<TxProver>,
    PathOf(hash): PathOf<String>,
    QueryOf(query): QueryOf<TxQuery>,
) -> Result<Json<TxView>, ApiError> {
    let hash = TxHash::parse(&hash).ok_or_else(|| {
        ApiError::new(RestCode::InvalidRequest, "txHash must be 64 hex characters")
    })?;
    let found = submitter.find(hash).await?;
    let mut view = views::found(&hash, &found).ok_or_else(|| unknown(&hash))?;
    if let Found::Committed(record) = &found
        && query.prove
    {
        view.proof = Some(prover.prove(record).await?);
    }
    Ok(Json(view))
}

fn unknown(hash: &TxHash) -> ApiError {
    let message = format!("this node knows no transaction {hash}");
    ApiError::new(RestCode::NotFound, message)
}
