//! Owns the snapshots that an execution takes itself, of the heights that the recorded node offered or gave: when a
//! node takes one depends on its clock, and what is in one does not.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use ait_abci::{
    SNAPSHOT_FORMAT, SnapshotFiles, offer_of,
    recording::{Item, MAX_REQUEST_BYTES, Recording},
    take,
};
use anyhow::{Context, Result};
use prost::{Message, bytes::Bytes};
use tendermint_proto::v0_38::abci::{
    RequestLoadSnapshotChunk, Response, ResponseListSnapshots, ResponseLoadSnapshotChunk,
    request::Value as Request, response::Value as Answer,
};

use super::execution::Execution;

/// Snapshots that stay: as many as a node can offer.
const KEPT: usize = 10;

/// The own snapshots.
#[derive(Default)]
pub struct OwnSnapshots {
    wanted: BTreeSet<u64>,
    taken: BTreeMap<u64, SnapshotFiles>,
}

impl OwnSnapshots {
    /// Those of which the recording tells.
    ///
    /// # Errors
    /// What of a file is not understood.
    pub fn wanted_by(files: &[PathBuf]) -> Result<Self> {
        let mut wanted = BTreeSet::new();
        for path in files {
            let mut recording = Recording::open(path)?;
            find(&mut recording, &mut wanted).with_context(|| path.display().to_string())?;
        }
        Ok(Self {
            wanted,
            taken: BTreeMap::new(),
        })
    }

    /// Takes one of the last block, if it is wanted.
    ///
    /// # Errors
    /// This machine's disk.
    pub fn take_if_wanted(&mut self, execution: &Execution) -> Result<()> {
        let height = execution.height();
        if !self.wanted.contains(&height) || self.taken.contains_key(&height) {
            return Ok(());
        }
        let folder = execution.folder().join("snapshots");
        let store = execution.store().clone();
        let taken = take(store, execution.chain_id(), &folder, KEPT)?;
        self.taken.insert(height, taken);
        while self.taken.len() > KEPT {
            self.taken.pop_first();
        }
        Ok(())
    }

    /// What ListSnapshots would answer, as far as the own ones go; `None` where the answer has none of them.
    pub fn list(&self, recorded: &Bytes) -> Option<Answer> {
        let mut list = listed(recorded)?;
        let mut is_own = false;
        for offered in &mut list.snapshots {
            if let Some(files) = self.taken.get(&offered.height) {
                *offered = offer_of(files.manifest());
                is_own = true;
            }
        }
        is_own.then_some(Answer::ListSnapshots(list))
    }

    /// What LoadSnapshotChunk would answer; `None` where there is no own one, or the node had none any more.
    ///
    /// # Errors
    /// This machine's disk.
    pub fn load(
        &self,
        request: &RequestLoadSnapshotChunk,
        recorded: &Bytes,
    ) -> Result<Option<Answer>> {
        let empty = Response {
            value: Some(Answer::LoadSnapshotChunk(Default::default())),
        };
        let files = self.taken.get(&request.height);
        let files = files.filter(|_| request.format == SNAPSHOT_FORMAT);
        let Some(files) = files.filter(|_| *recorded != empty.encode_to_vec()) else {
            return Ok(None);
        };
        let chunk = files.chunk(request.chunk).unwrap_or_default().into();
        let answer = ResponseLoadSnapshotChunk { chunk };
        Ok(Some(Answer::LoadSnapshotChunk(answer)))
    }
}

fn find(recording: &mut Recording, wanted: &mut BTreeSet<u64>) -> Result<()> {
    let mut lists = BTreeSet::new();
    while let Some(item) = recording.next_item()? {
        match item {
            Item::Call(call, request) => match *request {
                Request::ListSnapshots(_) => {
                    lists.insert(call.number);
                }
                Request::LoadSnapshotChunk(request) => {
                    wanted.insert(request.height);
                }
                _ => {}
            },
            Item::Answer(number, response) if lists.remove(&number) => {
                let listed = listed(&response).unwrap_or_default();
                wanted.extend(listed.snapshots.iter().map(|snapshot| snapshot.height));
            }
            _ => {}
        }
    }
    Ok(())
}

fn listed(response: &Bytes) -> Option<ResponseListSnapshots> {
    let response = Some(response).filter(|response| response.len() <= MAX_REQUEST_BYTES)?;
    match Response::decode(response.clone()).ok()?.value? {
        Answer::ListSnapshots(list) => Some(list),
        _ => None,
    }
}
