//! Owns a node of its own that is asked what a recorded one was asked: an application on a store in a temporary folder,
//! which is gone with it.

use std::{path::Path, sync::Arc};

use ait_abci::{Application, Fatal, SnapshotFiles, import, transport::Application as _};
use ait_app::{identifiers::ChainId, state::AppHash};
use ait_store::{Engine, Store};
use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tendermint_proto::v0_38::abci::{
    ResponseException, request::Value as Request, response::Value as Answer,
};

/// Memory for records that were read from disk.
const STATE_CACHE_BYTES: usize = 64 * 1024 * 1024;

/// An application at work.
pub struct Execution {
    application: Application,
    store: Arc<dyn Store>,
    chain_id: ChainId,
    /// The last block that FinalizeBlock executed.
    finalized: u64,
    /// The block of the snapshot that it began with; 0 without one. The recorded node may know earlier ones.
    begun: u64,
    folder: TempDir,
}

impl Execution {
    /// One without a block.
    ///
    /// # Errors
    /// This machine's disk.
    pub fn fresh(chain_id: &ChainId) -> Result<Self> {
        Self::begin(chain_id, |_| Ok(()))
    }

    /// One with the state of a snapshot.
    ///
    /// # Errors
    /// What of the snapshot is wrong, and this machine's disk.
    pub fn of_snapshot(
        files: &SnapshotFiles,
        chain_id: &ChainId,
        app_hash: Option<AppHash>,
    ) -> Result<Self> {
        Self::begin(chain_id, |store| {
            let imported = import(files, store.clone(), chain_id, app_hash);
            let named = || format!("the snapshot in {}", files.path().display());
            imported.map(drop).with_context(named)
        })
    }

    fn begin(chain_id: &ChainId, fill: impl FnOnce(&Arc<dyn Store>) -> Result<()>) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("ait-audit-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        let path = folder.path().join("chain.db");
        let store = ait_store::open(&path, chain_id.as_str(), Engine::Fjall)?;
        let store: Arc<dyn Store> = Arc::from(store);
        fill(&store)?;
        let application = open(&store, chain_id)?;
        Ok(Self {
            begun: application.last_block().map_or(0, |(height, _)| height),
            application,
            store,
            chain_id: chain_id.clone(),
            finalized: 0,
            folder,
        })
    }

    /// The same store with a new application, as after a start of the process: what was not committed is gone.
    ///
    /// # Errors
    /// This machine's disk.
    pub fn restart(&mut self) -> Result<()> {
        self.application = open(&self.store, &self.chain_id)?;
        self.finalized = 0;
        // Neither knows blocks before the last from now on.
        if self.height() != self.begun {
            self.begun = 0;
        }
        Ok(())
    }

    /// `KEEP_BLOCKS` of the recorded node.
    pub fn keep_blocks(&self, blocks: u64) {
        self.application.consensus().keep_blocks(blocks);
    }

    /// What answering a request gives; what no node can go on from is ABCI's exception.
    ///
    /// # Errors
    /// This machine's disk.
    pub fn ask(&mut self, request: Request) -> Result<Answer> {
        let finalized = match &request {
            Request::FinalizeBlock(request) => u64::try_from(request.height).ok(),
            _ => None,
        };
        let answer = match self.application.answer(request) {
            Ok(answer) => answer,
            Err(fatal @ (Fatal::Store(_) | Fatal::Open(_) | Fatal::Record(_))) => {
                bail!("it can't be executed on this machine: {fatal}");
            }
            Err(fatal) => Answer::Exception(ResponseException {
                error: fatal.to_string(),
            }),
        };
        self.finalized = finalized.unwrap_or(self.finalized);
        Ok(answer)
    }

    /// The last block; 0 for none.
    pub fn height(&self) -> u64 {
        let last = self.application.last_block();
        last.map_or(0, |(height, _)| height)
    }

    /// Whether it can say of that height what the recorded node could: what either has in memory. Of others a node
    /// tells what its STATE_HISTORY has kept.
    pub fn knows(&self, height: i64) -> bool {
        match u64::try_from(height) {
            Ok(0) => self.height() > self.begun || self.begun == 0,
            Ok(height) => self.application.reader().at(height).is_some(),
            Err(_) => true,
        }
    }

    /// The block that a call is about which names none: the one that is made, else the last.
    pub fn working_height(&self) -> u64 {
        self.height().max(self.finalized)
    }

    /// The app hash after the last block; empty before the first.
    pub fn app_hash(&self) -> Vec<u8> {
        let last = self.application.last_block();
        last.map_or_else(Vec::new, |(_, hash)| hash.0.to_vec())
    }

    /// Its store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The chain.
    pub fn chain_id(&self) -> &ChainId {
        &self.chain_id
    }

    /// A folder that is gone with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn open(store: &Arc<dyn Store>, chain_id: &ChainId) -> Result<Application> {
    // What stops a node is an answer here.
    let on_fatal = Arc::new(|why: String| eprintln!("ait: {why}"));
    let application =
        Application::open(store.clone(), chain_id.clone(), STATE_CACHE_BYTES, on_fatal);
    Ok(application?)
}
