//! Owns the proof that a transaction stands in its block, and of the code that it ended with: paths to the hashes that
//! headers have of a block's entries and of their results.

use std::sync::Arc;

use ait_abci::{Reader, TxRecord, hashed_result};
use ait_api::proof::{BUNDLE_FORMAT, Neighbour, TxProofBundle};
use ait_node::{comet::Comet, off_thread};
use axum::extract::FromRef;
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    error::{ApiError, RestCode},
    merkle,
    parts::Parts,
    proofs::not_yet,
    shelf::Shelf,
    signed_blocks::SignedBlocks,
};

/// Proves transactions.
pub struct TxProver {
    reader: Reader,
    comet: Comet,
    blocks: Arc<SignedBlocks>,
    shelf: Arc<Shelf>,
}

impl FromRef<Parts> for TxProver {
    fn from_ref(parts: &Parts) -> Self {
        Self {
            reader: parts.reader.clone(),
            comet: parts.comet.clone(),
            blocks: parts.signed_blocks.clone(),
            shelf: parts.shelf.clone(),
        }
    }
}

/// What is proved of a block's entry, before there is a header to prove it by.
struct Place {
    tx_path: Vec<merkle::Neighbour>,
    result: Vec<u8>,
    result_path: Vec<merkle::Neighbour>,
    /// The root over all entries.
    data_hash: [u8; 32],
}

impl TxProver {
    /// That an entry stands in its block.
    ///
    /// # Errors
    /// 404 before the next block, and where not all of the block is here any more; 503 when CometBFT does not answer, and
    /// where as many blocks are being read as may be.
    pub async fn prove(&self, record: &TxRecord) -> Result<TxProofBundle, ApiError> {
        let height = record.height;
        let next = height.saturating_add(1);
        if next > self.reader.height() {
            return Err(not_yet(next));
        }
        let gone = || {
            let message = format!("this node does not have all of block {height} any more");
            ApiError::new(RestCode::NotFound, message)
        };
        let place = self.place(height, record.index).await?.ok_or_else(gone)?;
        let own = self.blocks.at(height, &self.comet).await?;
        let header = own.ok_or_else(gone)?.signed_header["header"].clone();
        // Of a block whose first entries were pruned, or that came by a snapshot, there are others.
        let hex = header["data_hash"].as_str().unwrap_or_default();
        if !hex.eq_ignore_ascii_case(&hex::encode(place.data_hash)) {
            return Err(gone());
        }
        let signed = self.blocks.at(next, &self.comet).await?;
        let signed = signed.ok_or_else(|| not_yet(next))?;
        Ok(TxProofBundle {
            format: BUNDLE_FORMAT,
            height,
            tx: STANDARD.encode(&record.wire),
            tx_path: shown(&place.tx_path),
            result: STANDARD.encode(&place.result),
            result_path: shown(&place.result_path),
            header,
            signed_header: signed.signed_header.clone(),
            validators: signed.validators.clone(),
        })
    }

    /// Reads the whole block, in turn: it may have megabytes.
    async fn place(&self, height: u64, index: u32) -> Result<Option<Place>, ApiError> {
        let _turn = self.shelf.turn().await?;
        let reader = self.reader.clone();
        off_thread(move || {
            let codes = reader.codes_of(height).map_err(ApiError::internal)?;
            let hashes: Vec<[u8; 32]> = codes.iter().map(|(hash, _)| hash.0).collect();
            let results: Vec<Vec<u8>> =
                codes.iter().map(|(_, code)| hashed_result(*code)).collect();
            let at = usize::try_from(index).unwrap_or(usize::MAX);
            Ok(results.get(at).cloned().map(|result| Place {
                tx_path: merkle::path(&hashes, at),
                result,
                result_path: merkle::path(&results, at),
                data_hash: merkle::root(&hashes),
            }))
        })
        .await?
    }
}

fn shown(path: &[merkle::Neighbour]) -> Vec<Neighbour> {
    let step = |step: &merkle::Neighbour| match step {
        merkle::Neighbour::Left(hash) => Neighbour::Left(hex::encode(hash)),
        merkle::Neighbour::Right(hash) => Neighbour::Right(hex::encode(hash)),
    };
    path.iter().map(step).collect()
}
