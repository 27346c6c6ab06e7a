//! Owns `attest`: on a devnet, the mock coordinator's own route under this address.

use std::sync::Arc;

use ait_api::{
    error::{PassedOn, RestCode},
    routes::ATTEST,
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{endpoint::Endpoint, extract::Body};
use crate::{error::ApiError, mock::MockCoordinator};

/// The longest answer that is passed on.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::post(ATTEST.path, attest)]
}

async fn attest(
    State(mock): State<Arc<MockCoordinator>>,
    Body(request): Body,
) -> Result<Response, ApiError> {
    let (url, http) = match &*mock {
        MockCoordinator::At { url, http } => (url, http),
        MockCoordinator::Off => {
            let message = "this route is there on a devnet only";
            return Err(ApiError::new(RestCode::NotFound, message));
        }
        MockCoordinator::Missing => {
            let message = "this node has no mock coordinator";
            return Err(ApiError::new(RestCode::NotConfigured, message));
        }
    };
    let request = http
        .post(url.clone())
        .header(header::CONTENT_TYPE, "application/json")
        .body(request);
    let (status, answer) = exchange(request).await?;
    Ok((status, Json(answer)).into_response())
}

async fn exchange(request: reqwest::RequestBuilder) -> Result<(StatusCode, Value), ApiError> {
    let unavailable = |why: String| ApiError::new(RestCode::CoordinatorUnavailable, why);
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
    let unreadable = || unavailable("the mock coordinator does not answer JSON".into());
    if status == StatusCode::OK {
        let answer: Value = serde_json::from_slice(&body).map_err(|_| unreadable())?;
        return Ok((status, answer));
    }
    if !PassedOn::STATUSES.contains(&status.as_u16()) {
        return Err(unavailable(format!(
            "the mock coordinator answers HTTP {status}"
        )));
    }
    let refusal: PassedOn = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    Ok((status, json!(refusal)))
}
