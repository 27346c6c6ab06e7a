//! Owns what CometBFT asks of a node that joins by state sync: OfferSnapshot and ApplySnapshotChunk. The app
//! hash comes from CometBFT's light client; all else comes from strangers.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use ait_app::{identifiers::ChainId, state::AppHash};
use sha2::{Digest as _, Sha256};
use tendermint_proto::v0_38::abci::{
    RequestApplySnapshotChunk, RequestOfferSnapshot, ResponseApplySnapshotChunk,
    ResponseOfferSnapshot, Snapshot, response_apply_snapshot_chunk::Result as Applied,
    response_offer_snapshot::Result as Offered,
};

use super::{
    SnapshotError,
    format::{FORMAT, Manifest},
    restoring::Restoring,
};
use crate::{
    committed::Committed, fatal::Fatal, mempool::Mempool, records::Origin, stored::Stored,
};

/// Restores a snapshot that CometBFT found.
pub(crate) struct StateSync {
    pub(crate) chain_id: Arc<ChainId>,
    pub(crate) committed: Arc<Committed>,
    pub(crate) stored: Arc<Stored>,
    pub(crate) mempool: Mempool,
    pub(crate) current: Mutex<Option<Current>>,
}

/// The snapshot that is being restored.
pub(crate) struct Current {
    restoring: Restoring,
    begun: Instant,
}

impl StateSync {
    /// OfferSnapshot: takes it where its manifest has the app hash that CometBFT trusts.
    ///
    /// # Errors
    /// [`Fatal`].
    pub(crate) fn offer(
        &self,
        request: &RequestOfferSnapshot,
    ) -> Result<ResponseOfferSnapshot, Fatal> {
        let Some(snapshot) = &request.snapshot else {
            return Ok(offered(Offered::Reject));
        };
        let height = snapshot.height;
        let refuse = |why: &SnapshotError| {
            tracing::warn!(
                component = "abci",
                event = "snapshot_refused",
                height,
                "{why}"
            );
        };
        if let Err(error) = self.check_empty() {
            refuse(&error);
            return Ok(offered(Offered::Abort));
        }
        let manifest = match read_offer(snapshot, &self.chain_id, &request.app_hash) {
            Ok(manifest) => manifest,
            Err(error) => {
                refuse(&error);
                return Ok(offered(match error {
                    SnapshotError::Format { .. } => Offered::RejectFormat,
                    _ => Offered::RejectSender,
                }));
            }
        };
        let (chunks, records) = (manifest.chunks(), manifest.records());
        let mut current = self.current();
        *current = None;
        self.mempool.withdraw();
        let restoring = Restoring::begin(manifest, &self.stored)?;
        let begun = Instant::now();
        *current = Some(Current { restoring, begun });
        tracing::info!(
            component = "abci",
            event = "snapshot_accepted",
            height,
            chunks,
            records
        );
        Ok(offered(Offered::Accept))
    }

    /// ApplySnapshotChunk. One that is wrong is asked for again, of others than who gave it; where it proves the
    /// manifest wrong, another snapshot is.
    ///
    /// # Errors
    /// [`Fatal`].
    pub(crate) fn apply(
        &self,
        request: &RequestApplySnapshotChunk,
    ) -> Result<ResponseApplySnapshotChunk, Fatal> {
        let mut current = self.current();
        let Some(Current { restoring, .. }) = current.as_mut() else {
            return Ok(applied(Applied::RejectSnapshot));
        };
        let (index, sender) = (request.index, &request.sender);
        match restoring.apply(index, &request.chunk, &self.stored) {
            Ok(()) => {}
            Err(SnapshotError::Chunk { why, .. }) => {
                tracing::warn!(
                    component = "abci",
                    event = "chunk_refused",
                    index,
                    %sender,
                    "{why}"
                );
                return Ok(ResponseApplySnapshotChunk {
                    refetch_chunks: vec![index],
                    reject_senders: vec![sender.clone()],
                    ..applied(Applied::Retry)
                });
            }
            Err(error @ SnapshotError::Manifest(_)) => {
                tracing::warn!(component = "abci", event = "snapshot_refused", "{error}");
                *current = None;
                return Ok(applied(Applied::RejectSnapshot));
            }
            Err(error) => return Err(fatal(error)),
        }
        if restoring.is_whole()
            && let Some(Current { restoring, begun }) = current.take()
        {
            let committed = restoring
                .finish(&self.chain_id, &self.stored)
                .map_err(fatal)?;
            let height = committed.block.height;
            self.committed.publish(Arc::new(committed));
            self.mempool.restore()?;
            let seconds = begun.elapsed().as_secs_f64();
            tracing::info!(
                component = "abci",
                event = "snapshot_restored",
                height,
                seconds
            );
        }
        Ok(applied(Applied::Accept))
    }

    /// Whether there is nothing here that a snapshot would be instead of. One that was restored before may
    /// go: a crash can come before CometBFT knows of it.
    fn check_empty(&self) -> Result<(), SnapshotError> {
        match self.committed.base() {
            Some(base) if base.block.origin == Origin::Block => Err(SnapshotError::NotEmpty {
                height: base.block.height,
            }),
            _ => Ok(()),
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The manifest of a snapshot that is what it says, and the state that is trusted.
fn read_offer(
    snapshot: &Snapshot,
    chain_id: &ChainId,
    app_hash: &[u8],
) -> Result<Manifest, SnapshotError> {
    let found = snapshot.format;
    if found != FORMAT {
        return Err(SnapshotError::Format { found });
    }
    let manifest = Manifest::decode(&snapshot.metadata)?;
    let is_as_said = snapshot.hash == Sha256::digest(&snapshot.metadata).as_slice()
        && snapshot.height == manifest.height().get()
        && snapshot.chunks == manifest.chunks();
    if !is_as_said {
        let why = "is not of the height, chunks and hash that were offered with it";
        return Err(SnapshotError::Manifest(why.to_owned()));
    }
    check(&manifest, chain_id, Some(app_hash))?;
    Ok(manifest)
}

/// Whether a manifest is of this chain, and of the state that has this app hash.
pub(super) fn check(
    manifest: &Manifest,
    chain_id: &ChainId,
    app_hash: Option<&[u8]>,
) -> Result<(), SnapshotError> {
    if manifest.chain_id() != chain_id {
        return Err(SnapshotError::OtherChain {
            found: manifest.chain_id().to_string(),
            expected: chain_id.to_string(),
        });
    }
    let AppHash(found) = manifest.app_hash();
    match app_hash {
        Some(expected) if found != expected => Err(SnapshotError::AppHash {
            found: hex::encode_upper(found),
            expected: hex::encode_upper(expected),
        }),
        _ => Ok(()),
    }
}

fn fatal(error: SnapshotError) -> Fatal {
    match error {
        SnapshotError::Fatal(fatal) => fatal,
        SnapshotError::Violation(violation) => Fatal::Violation(violation),
        other => Fatal::OutOfStep(format!("the snapshot can't be restored: {other}")),
    }
}

fn offered(result: Offered) -> ResponseOfferSnapshot {
    ResponseOfferSnapshot {
        result: result.into(),
    }
}

fn applied(result: Applied) -> ResponseApplySnapshotChunk {
    ResponseApplySnapshotChunk {
        result: result.into(),
        ..ResponseApplySnapshotChunk::default()
    }
}
