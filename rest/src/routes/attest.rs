//! Owns `attest`: on a devnet, the mock coordinator's own route under this address.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{Endpoint, extract::Body};
use crate::{
    context::Context,
    error::{ApiError, Reason},
};

/// The longest answer that is passed on.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::post("/rpc/attest", attest)]
}

async fn attest(
    State(context): State<Arc<Context>>,
    Body(request): Body,
) -> Result<Response, ApiError> {
    if !context.devnet {
        return Err(ApiError::new(
            Reason::NotFound,
            "this route is there on a devnet only",
        ));
    }
    let url = context
        .mock_coordinator
        .clone()
        .ok_or_else(|| ApiError::new(Reason::NotConfigured, "this node has no mock coordinator"))?;
    let request = context
        .http
        .post(url)
        .header(header::CONTENT_TYPE, "application/json")
        .body(request);
    let (status, answer) = exchange(request).await?;
    Ok((status, Json(answer)).into_response())
}

async fn exchange(request: reqwest::RequestBuilder) -> Result<(StatusCode, Value), ApiError> {
    let unavailable = |why: String| ApiError::new(Reason::CoordinatorUnavailable, why);
    let gone = |error: reqwest::Error| {
        unavailable(format!("the mock coordinator does not answer: {error}"))
    };
    let mut response = request.send().await.map_err(gone)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(gone)? {
        body.extend_from_slice(&part);
        if body.len() > MAX_ANSWER_BYTES {
            return Err(unavailable("the mock coordinator answers too much".into()));
        }
    }
    let answer = serde_json::from_slice(&body);
    let answer =
        answer.map_err(|_| unavailable("the mock coordinator does not answer JSON".into()))?;
    Ok((status, answer))
}
