//! Owns headers with who signed them: what proofs are trusted by. They are CometBFT's, and never change: each is asked
//! for once, however many want it.

use std::sync::Arc;

use ait_api::proof::{SignedBlock, Signer};
use ait_node::comet::{Comet, CometError, ValidatorEntry};
use quick_cache::sync::Cache;

use crate::error::ApiError;

/// Blocks that are remembered. With the most validators that CometBFT takes, 10,000, one has some 5 MiB.
const REMEMBERED: usize = 16;

/// The signed blocks that were asked for last.
pub struct SignedBlocks(Cache<u64, Arc<SignedBlock>>);

impl SignedBlocks {
    /// None yet.
    pub fn new() -> Self {
        Self(Cache::new(REMEMBERED))
    }

    /// The block of a height; `None` where CometBFT does not have it, or not any more.
    ///
    /// # Errors
    /// 503 when CometBFT does not answer.
    pub async fn at(
        &self,
        height: u64,
        comet: &Comet,
    ) -> Result<Option<Arc<SignedBlock>>, ApiError> {
        let make = async { fetch(height, comet).await.map(Arc::new) };
        match self.0.get_or_insert_async(&height, make).await {
            Ok(block) => Ok(Some(block)),
            Err(NoBlock::NotThere) => Ok(None),
            Err(NoBlock::Comet(error)) => Err(error.into()),
        }
    }
}

/// Why there is no block. It may be there the next time: only blocks are remembered.
enum NoBlock {
    NotThere,
    Comet(CometError),
}

impl From<CometError> for NoBlock {
    fn from(error: CometError) -> Self {
        match error {
            CometError::Refused { .. } => Self::NotThere,
            error => Self::Comet(error),
        }
    }
}

async fn fetch(height: u64, comet: &Comet) -> Result<SignedBlock, NoBlock> {
    let signed_header = comet.signed_header(height).await?.signed_header;
    if signed_header.is_null() {
        return Err(NoBlock::NotThere);
    }
    let validators = comet.validators_at(height).await?;
    Ok(SignedBlock {
        signed_header,
        validators: validators.into_iter().map(signer).collect(),
    })
}

/// A validator of CometBFT's set, as proofs have it.
pub fn signer(validator: ValidatorEntry) -> Signer {
    Signer {
        pub_key: validator.pub_key.value,
        power: validator.voting_power.to_string(),
    }
}
