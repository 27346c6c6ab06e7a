//! Owns what light clients follow a chain by: `getCommit`, a block's header and who signed it, and `getValidatorSet`, who
//! had to. Both are CometBFT's, passed on as they are: a light client trusts none of it before it has checked it.

use std::sync::Arc;

use ait_abci::Reader;
use ait_api::{
    blocks::{SignedHeaderAnswer, ValidatorSet},
    proof::SignedBlock,
    routes::{GET_COMMIT, GET_VALIDATOR_SET},
};
use ait_app::quantity::MAX;
use ait_node::comet::Comet;
use axum::{Json, extract::State};

use super::{endpoint::Endpoint, extract::PathOf};
use crate::{
    error::{ApiError, RestCode},
    last_block::last_block,
    signed_blocks::{SignedBlocks, signer},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(GET_COMMIT.path, get_commit),
        Endpoint::get(GET_VALIDATOR_SET.path, get_validator_set),
    ]
}

async fn get_commit(
    State(reader): State<Reader>,
    State(comet): State<Comet>,
    State(blocks): State<Arc<SignedBlocks>>,
    PathOf(height): PathOf<String>,
) -> Result<Json<SignedHeaderAnswer>, ApiError> {
    let height = parse_height(&height)?;
    let last = last_block(&reader)?.block.height;
    let block = block(height, last, &blocks, &comet).await?;
    Ok(Json(SignedHeaderAnswer {
        signed_header: block.signed_header.clone(),
    }))
}

async fn get_validator_set(
    State(reader): State<Reader>,
    State(comet): State<Comet>,
    State(blocks): State<Arc<SignedBlocks>>,
    PathOf(height): PathOf<String>,
) -> Result<Json<ValidatorSet>, ApiError> {
    let height = parse_height(&height)?;
    let last = last_block(&reader)?.block.height;
    let validators = if height == last.saturating_add(1) {
        // Decided by the last block; there is no header yet.
        let set = comet.validators_at(height).await?;
        set.into_iter().map(signer).collect()
    } else {
        let block = block(height, last, &blocks, &comet).await?;
        block.validators.clone()
    };
    Ok(Json(ValidatorSet { height, validators }))
}

async fn block(
    height: u64,
    last: u64,
    blocks: &SignedBlocks,
    comet: &Comet,
) -> Result<Arc<SignedBlock>, ApiError> {
    let unknown = || {
        let message = format!("this node does not have block {height}; its last one is {last}");
        ApiError::new(RestCode::NotFound, message)
    };
    // CometBFT stores a block before it is executed.
    if height > last {
        return Err(unknown());
    }
    blocks.at(height, comet).await?.ok_or_else(unknown)
}

fn parse_height(text: &str) -> Result<u64, ApiError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    match text.parse() {
        Ok(height) if digits && (1..=MAX).contains(&height) => Ok(height),
        _ => {
            let message = format!("height is {text:?}; it is a number, 1..=2^53-1");
            let error = ApiError::new(RestCode::InvalidRequest, message);
            Err(error.detail("field", "height").detail("limit", MAX))
        }
    }
}
