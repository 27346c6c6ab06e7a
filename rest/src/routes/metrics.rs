//! Owns `metrics`: everything the node counts, in Prometheus' text format.

use std::sync::Arc;

use ait_abci::Reader;
use ait_api::routes::METRICS;
use axum::{extract::State, http::header, response::IntoResponse};
use prometheus::{Encoder, Registry, TextEncoder};

use super::endpoint::Endpoint;
use crate::{error::ApiError, metrics::Metrics};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(METRICS.path, metrics)]
}

async fn metrics(
    State(reader): State<Reader>,
    State(metrics): State<Arc<Metrics>>,
    State(registry): State<Registry>,
) -> Result<impl IntoResponse, ApiError> {
    if let Some(committed) = reader.newest() {
        metrics.show_state(&committed)?;
    }
    let encoder = TextEncoder::new();
    let mut text = Vec::new();
    encoder
        .encode(&registry.gather(), &mut text)
        .map_err(ApiError::internal)?;
    let content_type = encoder.format_type().to_owned();
    Ok(([(header::CONTENT_TYPE, content_type)], text))
}
