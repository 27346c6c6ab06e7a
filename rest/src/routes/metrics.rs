//! Owns `metrics`: everything the node counts, in Prometheus' text format.

use std::sync::Arc;

use ait_api::routes::METRICS;
use axum::{extract::State, http::header, response::IntoResponse};
use prometheus::{Encoder, TextEncoder};

use super::endpoint::Endpoint;
use crate::{context::Context, error::ApiError};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(METRICS.path, metrics)]
}

async fn metrics(State(context): State<Arc<Context>>) -> Result<impl IntoResponse, ApiError> {
    if let Some(snapshot) = context.node.snapshot() {
        context.metrics.show_state(&snapshot)?;
    }
    let encoder = TextEncoder::new();
    let mut text = Vec::new();
    encoder
        .encode(&context.node.registry().gather(), &mut text)
        .map_err(ApiError::internal)?;
    let content_type = encoder.format_type().to_owned();
    Ok(([(header::CONTENT_TYPE, content_type)], text))
}
