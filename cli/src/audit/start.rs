//! Owns how a replay begins: with the state of a genesis, or of a snapshot, in a store of its own that is gone with it.

use std::{path::Path, sync::Arc};

use ait_abci::{Application, SnapshotFiles, import};
use ait_app::{identifiers::ChainId, state::AppHash};
use ait_store::{Engine, Store};
use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tendermint_proto::v0_38::abci::ValidatorUpdate;

use super::{
    compare::Expected,
    hashes::{header_hash, merkle_root},
    replay::Start,
    request,
    source::Source,
    validators::ValidatorSet,
};

/// Memory for records that were read from disk.
const STATE_CACHE_BYTES: usize = 64 * 1024 * 1024;
/// Blocks that stay in the store: nobody reads them.
const KEPT_BLOCKS: u64 = 1;

/// What a replay begins with: known before a block is asked for.
pub enum Given {
    /// The text of a genesis that was checked, and its chain.
    Genesis(ChainId, String),
    /// A snapshot, and the app hash that it must have.
    Snapshot(SnapshotFiles, Option<AppHash>),
}

impl Given {
    /// The chain.
    pub fn chain_id(&self) -> &ChainId {
        match self {
            Self::Genesis(chain_id, _) => chain_id,
            Self::Snapshot(files, _) => files.manifest().chain_id(),
        }
    }

    /// The first block that is executed, and the first that must be fetched.
    ///
    /// # Errors
    /// What of the genesis is not understood.
    pub fn first_blocks(&self) -> Result<(u64, u64)> {
        match self {
            Self::Genesis(_, text) => {
                let height = request::init_chain(text)?.initial_height;
                let height = u64::try_from(height).unwrap_or(1).max(1);
                Ok((height, height))
            }
            Self::Snapshot(files, _) => {
                let height = files.manifest().height().get();
                Ok((height.saturating_add(1), height))
            }
        }
    }

    /// The state before the first block, in a store in `folder`.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn start(&self, source: &Source, folder: &TempDir) -> Result<Start> {
        let chain_id = self.chain_id();
        let path = folder.path().join("chain.db");
        let store: Arc<dyn Store> =
            Arc::from(ait_store::open(&path, chain_id.as_str(), Engine::Fjall)?);
        match self {
            Self::Genesis(_, text) => from_genesis(open(store, chain_id)?, text),
            Self::Snapshot(files, app_hash) => {
                import(files, store.clone(), chain_id, *app_hash)
                    .with_context(|| shown(files.path()))?;
                from_snapshot(open(store, chain_id)?, files, source).await
            }
        }
    }
}

fn open(store: Arc<dyn Store>, chain_id: &ChainId) -> Result<Application> {
    // Blocks alone are executed, and what stops a node fails there.
    let on_fatal = Arc::new(|why: String| eprintln!("ait: {why}"));
    let application = Application::open(store, chain_id.clone(), STATE_CACHE_BYTES, on_fatal)?;
    application.consensus().keep_blocks(KEPT_BLOCKS);
    Ok(application)
}

fn from_genesis(application: Application, text: &str) -> Result<Start> {
    let request = request::init_chain(text)?;
    let response = application.consensus().init_chain(&request)?;
    let validators = set_of(&response.validators)?;
    let nothing: [&[u8]; 0] = [];
    Ok(Start {
        expected: Expected {
            version: application.info().app_version,
            chain_id: request.chain_id,
            height: u64::try_from(request.initial_height).unwrap_or(1).max(1),
            last_hash: Vec::new(),
            app_hash: response.app_hash.to_vec(),
            results_hash: Some(merkle_root(&nothing)),
            validators: validators.hash(),
            next_validators: validators.hash(),
        },
        application,
        before: None,
        current: validators.clone(),
        next: validators,
    })
}

/// The snapshot has the validators of the block after the next: those of the two blocks before are the node's, checked
/// by the header of the snapshot's block, which the next names.
async fn from_snapshot(
    application: Application,
    files: &SnapshotFiles,
    source: &Source,
) -> Result<Start> {
    let manifest = files.manifest();
    let height = manifest.height().get();
    let header = source.block(height).await?.block.header;
    let before = validators(source, height, &header.validators_hash).await?;
    let following = height.saturating_add(1);
    let current = validators(source, following, &header.next_validators_hash).await?;
    let next = set_of(&application.consensus().sent_validators())?;
    Ok(Start {
        expected: Expected {
            chain_id: manifest.chain_id().to_string(),
            height: following,
            version: application.info().app_version,
            last_hash: header_hash(&header).to_vec(),
            app_hash: manifest.app_hash().0.to_vec(),
            results_hash: None,
            validators: current.hash(),
            next_validators: next.hash(),
        },
        application,
        before: Some(before),
        current,
        next,
    })
}

async fn validators(source: &Source, height: u64, hash: &[u8]) -> Result<ValidatorSet> {
    let set = ValidatorSet::of_answer(&source.validators(height).await?)?;
    if set.hash() != hash {
        bail!(
            "block {height}: the node's validators have hash {}, and the header says {}",
            hex::encode_upper(set.hash()),
            hex::encode_upper(hash)
        );
    }
    Ok(set)
}

fn set_of(updates: &[ValidatorUpdate]) -> Result<ValidatorSet> {
    Ok(ValidatorSet::default().updated(updates)?)
}

fn shown(path: &Path) -> String {
    format!("the snapshot in {}", path.display())
}
