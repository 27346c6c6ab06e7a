//! Owns what every reading request begins with: the state after the last block.

use std::sync::Arc;

use ait_abci::{CommittedState, Reader};
use axum::{
    extract::{FromRef, FromRequestParts},
    http::request,
};

use crate::error::{ApiError, RestCode};

/// The state after the last block, which a request reads from first to last.
pub struct LastBlock(pub Arc<CommittedState>);

impl<S: Send + Sync> FromRequestParts<S> for LastBlock
where
    Reader: FromRef<S>,
{
    type Rejection = ApiError;
    async fn from_request_parts(_: &mut request::Parts, state: &S) -> Result<Self, ApiError> {
        last_block(&Reader::from_ref(state)).map(Self)
    }
}

/// The state after the last block.
///
/// # Errors
/// 503 before the first.
pub fn last_block(reader: &Reader) -> Result<Arc<CommittedState>, ApiError> {
    reader.newest().ok_or_else(|| {
        ApiError::new(RestCode::Starting, "no block is committed yet").retry_after(1)
    })
}
