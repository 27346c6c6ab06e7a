//! What CometBFT asks of two nodes when one restores a snapshot of the other.

use std::{path::Path, sync::Arc};

use ait_abci::{Application, transport::Application as _};
use ait_store::Store;
use bytes::Bytes;
use tendermint_proto::v0_38::abci::{
    RequestApplySnapshotChunk, RequestListSnapshots, RequestLoadSnapshotChunk,
    RequestOfferSnapshot, ResponseApplySnapshotChunk, Snapshot, request::Value as Request,
    response::Value as Response, response_apply_snapshot_chunk::Result as Applied,
    response_offer_snapshot::Result as Offered,
};

use super::{Comet, transfer};

/// A chain that has snapshots, with more records than a chunk takes.
pub struct Chain {
    pub comet: Comet,
    pub nonce: u64,
}

impl Chain {
    pub fn begin(store: Arc<dyn Store>, accounts: usize) -> Self {
        let names: Vec<String> = (1..accounts)
            .map(|number| format!("rich {number}"))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).chain(["alice"]).collect();
        Self {
            comet: Comet::begin_on(store, &names),
            nonce: 0,
        }
    }

    /// A block in which alice pays bob so many times.
    pub fn block(&mut self, transfers: u64) -> Vec<Bytes> {
        let wires = (0..transfers).map(|_| {
            self.nonce += 1;
            transfer("alice", self.nonce, 1_000).to_wire().into()
        });
        let txs: Vec<Bytes> = wires.collect();
        let results = self.comet.decide(txs.clone());
        assert!(results.iter().all(|(_, result)| result.code == 0));
        txs
    }

    /// Takes a snapshot of the last block.
    pub fn snapshot(&self, folder: &Path) -> Snapshot {
        let snapshots = self.comet.node.snapshots();
        snapshots.keep_in(folder, 2).unwrap();
        let height = snapshots.take(&|| true).unwrap();
        assert_eq!(height, Some(self.comet.height.unsigned_abs()));
        list(&self.comet.node).remove(0)
    }

    pub fn app_hash(&self) -> Bytes {
        app_hash(&self.comet.node)
    }
}

/// What Info says.
pub fn app_hash(node: &Application) -> Bytes {
    node.info().last_block_app_hash
}

fn ask(node: &Application, request: Request) -> Response {
    node.answer(request).unwrap()
}

pub fn list(node: &Application) -> Vec<Snapshot> {
    match ask(node, Request::ListSnapshots(RequestListSnapshots {})) {
        Response::ListSnapshots(answer) => answer.snapshots,
        other => panic!("{other:?}"),
    }
}

pub fn load(node: &Application, snapshot: &Snapshot, chunk: u32) -> Bytes {
    let request = RequestLoadSnapshotChunk {
        height: snapshot.height,
        format: snapshot.format,
        chunk,
    };
    match ask(node, Request::LoadSnapshotChunk(request)) {
        Response::LoadSnapshotChunk(answer) => answer.chunk,
        other => panic!("{other:?}"),
    }
}

pub fn chunks(node: &Application, snapshot: &Snapshot) -> Vec<Bytes> {
    let chunks = (0..snapshot.chunks).map(|index| load(node, snapshot, index));
    chunks.collect()
}

pub fn offer(node: &Application, snapshot: &Snapshot, app_hash: &Bytes) -> Offered {
    let request = RequestOfferSnapshot {
        snapshot: Some(snapshot.clone()),
        app_hash: app_hash.clone(),
    };
    match ask(node, Request::OfferSnapshot(request)) {
        Response::OfferSnapshot(answer) => answer.result.try_into().unwrap(),
        other => panic!("{other:?}"),
    }
}

pub fn apply(
    node: &Application,
    index: u32,
    chunk: &Bytes,
    sender: &str,
) -> ResponseApplySnapshotChunk {
    let request = RequestApplySnapshotChunk {
        index,
        chunk: chunk.clone(),
        sender: sender.to_owned(),
    };
    match ask(node, Request::ApplySnapshotChunk(request)) {
        Response::ApplySnapshotChunk(answer) => answer,
        other => panic!("{other:?}"),
    }
}

pub fn is_accepted(answer: &ResponseApplySnapshotChunk) -> bool {
    answer.result == Applied::Accept as i32
        && answer.refetch_chunks.is_empty()
        && answer.reject_senders.is_empty()
}

/// Restores all of it.
pub fn restore(node: &Application, snapshot: &Snapshot, app_hash: &Bytes, chunks: &[Bytes]) {
    assert_eq!(offer(node, snapshot, app_hash), Offered::Accept);
    for (index, chunk) in (0..).zip(chunks) {
        assert!(is_accepted(&apply(node, index, chunk, "peer")));
    }
}
