//! Owns one node: an application on its disk, and what CometBFT beside it remembers. It makes the calls that
//! CometBFT makes, in its order, and dies between any two of them. `life` is how its process starts and ends.
//! Decides nothing of the chain.

mod life;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use ait_abci::{Application, Fatal, transport::Application as _};
use ait_app::{identifiers::ChainId, tx::TxHash};
use ait_store::StoreError;
use bytes::Bytes;
use tendermint_proto::v0_38::abci::{
    CheckTxType, RequestCheckTx, RequestPrepareProposal, RequestProcessProposal,
    ResponseFinalizeBlock, request::Value as Request, response::Value as Response,
    response_process_proposal::ProposalStatus,
};

use crate::{
    disk::{Disk, Lie, Trap},
    log::Log,
    sabotage::Sabotage,
};

/// Between which calls a process dies while it applies a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// Before FinalizeBlock.
    BeforeFinalize,
    /// Between FinalizeBlock and Commit.
    AfterFinalize,
    /// In Commit, in one of its writing calls.
    InCommit(Trap),
    /// After Commit, before CometBFT knows of it.
    AfterCommit,
    /// CometBFT alone, after FinalizeBlock, so often.
    CometAfterFinalize(u64),
}

/// Why a node makes no more calls.
#[derive(Debug)]
pub enum Stop {
    /// The simulation ended it.
    Crashed,
    /// What no node may do.
    Wrong(String),
}

impl From<String> for Stop {
    fn from(what: String) -> Self {
        Self::Wrong(what)
    }
}

/// How a node is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    pub chain_id: ChainId,
    /// Bytes of memory for records.
    pub cache_bytes: usize,
    /// Blocks to keep; 0 for all.
    pub keep_blocks: u64,
    /// Where its snapshots are.
    pub snapshots: PathBuf,
}

/// A transaction in CometBFT's mempool, which it gives to each peer once.
#[derive(Debug, Clone)]
pub struct Held {
    pub tx: Bytes,
    /// A bit for each node that got it from here.
    pub given_to: u8,
}

/// One node.
pub struct Node {
    pub number: usize,
    pub disk: Arc<Disk>,
    pub settings: Settings,
    /// The process; none while it is down.
    app: Option<Application>,
    /// What it said as it stopped by itself.
    last_words: Arc<Mutex<Option<String>>>,
    /// The height of the last block whose Commit was answered, or of the restored snapshot; 0 for none.
    pub acknowledged: u64,
    /// Whether the next block may be on its disk although nobody was told.
    is_in_doubt: bool,
    /// The last block that CometBFT applied here, or the one before the first.
    pub applied: u64,
    /// CometBFT's mempool, in order of arrival.
    pub mempool: Vec<Held>,
    /// The oldest block that CometBFT still has here.
    pub oldest: u64,
    /// It stays as it is until the chain has this height.
    pub away_until: u64,
    /// It restored a snapshot, and knows no limit of a block's bytes.
    pub knows_no_limit: bool,
    /// Transactions that its last graceful stop saved.
    pub saved: Vec<TxHash>,
    sabotage: Option<Sabotage>,
    proposals: u64,
}

impl Node {
    /// One that was never started.
    pub fn new(number: usize, settings: Settings, sabotage: Option<Sabotage>) -> Self {
        let disk = Arc::new(Disk::default());
        if let Some(Sabotage::Disk(lie)) = sabotage {
            disk.begin_to_lie(lie);
        }
        Self {
            number,
            disk,
            settings,
            app: None,
            last_words: Arc::default(),
            acknowledged: 0,
            is_in_doubt: false,
            applied: 0,
            mempool: Vec::new(),
            oldest: 0,
            away_until: 0,
            knows_no_limit: false,
            saved: Vec::new(),
            sabotage,
            proposals: 0,
        }
    }

    /// Whether its process runs.
    pub fn is_up(&self) -> bool {
        self.app.is_some()
    }

    /// The application.
    ///
    /// # Errors
    /// [`Stop::Crashed`] while it is down.
    pub fn app(&self) -> Result<&Application, Stop> {
        self.app.as_ref().ok_or(Stop::Crashed)
    }

    /// Applies the next block: FinalizeBlock and Commit, and dies meanwhile where it shall. Gives what
    /// FinalizeBlock answered each time.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn apply(&mut self, log: &mut Log, crash: Option<Crash>) -> Result<(), Stop> {
        let height = self.applied.saturating_add(1);
        if crash == Some(Crash::BeforeFinalize) {
            return Err(self.dies());
        }
        let again = match crash {
            Some(Crash::CometAfterFinalize(times)) => times,
            _ => 0,
        };
        for time in 0..=again {
            if time > 0 {
                self.mempool.clear();
                self.app()?.info();
            }
            let request = log.request(height)?;
            let answer = self.app()?.consensus().finalize_block(request);
            let answer = self.altered(answer.map_err(wrong)?);
            log.check(height, answer)?;
        }
        if crash == Some(Crash::AfterFinalize) {
            return Err(self.dies());
        }
        self.commit(height, crash)?;
        if crash == Some(Crash::AfterCommit) {
            return Err(self.dies());
        }
        self.applied = height;
        let txs = log.txs(height);
        self.mempool.retain(|held| !txs.contains(&held.tx));
        self.recheck()
    }

    fn commit(&mut self, height: u64, crash: Option<Crash>) -> Result<(), Stop> {
        let trap = match crash {
            Some(Crash::InCommit(trap)) => Some(trap),
            _ => None,
        };
        if let Some(trap) = trap {
            self.disk.set_trap(trap);
        }
        let committed = self.app()?.consensus().commit();
        let has_failed = self.disk.clear_trap();
        // What the block refused: the node knows why until it stops, and no longer.
        let mempool = self.app()?.mempool();
        let is_left = |hash: &&TxHash| mempool.dropped(hash).is_none();
        self.saved = self.saved.iter().filter(is_left).copied().collect();
        let answer = match committed {
            Err(Fatal::Store(_)) if has_failed => {
                self.is_in_doubt = true;
                return Err(self.dies());
            }
            committed => committed.map_err(wrong)?,
        };
        self.acknowledged = height;
        let retained = u64::try_from(answer.retain_height).unwrap_or(0);
        if retained > height {
            let why = format!("block {height} lets CometBFT prune up to {retained}");
            return Err(Stop::Wrong(why));
        }
        self.oldest = self.oldest.max(retained);
        Ok(())
    }

    fn recheck(&mut self) -> Result<(), Stop> {
        let mut kept = Vec::new();
        for held in std::mem::take(&mut self.mempool) {
            if self.check_tx(&held.tx, CheckTxType::Recheck)? {
                kept.push(held);
            }
        }
        self.mempool = kept;
        Ok(())
    }

    /// CheckTx of a transaction that somebody sent; says whether CometBFT keeps it now.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn receive(&mut self, tx: &Bytes) -> Result<bool, Stop> {
        let is_kept = self.check_tx(tx, CheckTxType::New)?;
        if is_kept && !self.mempool.iter().any(|held| held.tx == *tx) {
            self.mempool.push(Held {
                tx: tx.clone(),
                given_to: 0,
            });
        }
        Ok(is_kept)
    }

    fn check_tx(&self, tx: &Bytes, r#type: CheckTxType) -> Result<bool, Stop> {
        let request = RequestCheckTx {
            tx: tx.clone(),
            r#type: r#type.into(),
        };
        let answer = self.app()?.check_tx(&request).map_err(wrong)?;
        self.check_last_words()?;
        Ok(answer.code == 0)
    }

    /// PrepareProposal.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn propose(&self, request: &RequestPrepareProposal) -> Result<Vec<Bytes>, Stop> {
        let answer = self.app()?.consensus().prepare_proposal(request);
        Ok(answer.map_err(wrong)?.txs)
    }

    /// ProcessProposal: whether it accepts.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn judge(&mut self, request: &RequestProcessProposal) -> Result<bool, Stop> {
        let answer = self.app()?.consensus().process_proposal(request);
        let accepted = answer.map_err(wrong)?.status == i32::from(ProposalStatus::Accept);
        self.proposals = self.proposals.saturating_add(1);
        let lies = self.sabotage == Some(Sabotage::WrongVerdict);
        Ok(accepted && !(lies && self.proposals.is_multiple_of(4)))
    }

    /// Any other request, as it comes over the socket.
    ///
    /// # Errors
    /// [`Stop::Crashed`] where its disk failed.
    pub fn ask(&mut self, request: Request) -> Result<Response, Stop> {
        match self.app()?.answer(request) {
            Ok(answer) => Ok(answer),
            Err(Fatal::Store(_)) if self.disk.clear_trap() => Err(self.dies()),
            Err(fatal) => Err(wrong(fatal)),
        }
    }

    fn dies(&mut self) -> Stop {
        self.kill();
        Stop::Crashed
    }

    fn check_last_words(&self) -> Result<(), Stop> {
        let words = self.last_words.lock();
        match words.unwrap_or_else(PoisonError::into_inner).take() {
            Some(why) => Err(Stop::Wrong(format!("it stopped by itself: {why}"))),
            None => Ok(()),
        }
    }

    fn altered(&self, mut answer: ResponseFinalizeBlock) -> ResponseFinalizeBlock {
        match self.sabotage {
            Some(Sabotage::OtherCode | Sabotage::OtherCodeEverywhere) => {
                if let Some(first) = answer.tx_results.first_mut() {
                    first.code = first.code.saturating_add(1);
                }
            }
            Some(Sabotage::MissingEvent) if !answer.events.is_empty() => {
                answer.events.remove(0);
            }
            Some(Sabotage::OtherAppHash) => {
                answer.app_hash = answer.app_hash.iter().map(|byte| !byte).collect();
            }
            _ => {}
        }
        answer
    }
}

impl Sabotage {
    /// The part of it that a node plays.
    pub fn of(self, number: usize, nodes: usize) -> Option<Self> {
        let is_its = match self {
            Self::Disk(Lie::ForgetsTheLastBlock | Lie::FlipsABit) => number == 0,
            Self::OtherCodeEverywhere => true,
            Self::OtherRecord => false,
            _ => number.saturating_add(1) == nodes,
        };
        is_its.then_some(self)
    }
}

fn wrong(fatal: Fatal) -> Stop {
    Stop::Wrong(format!("it stopped: {fatal}"))
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Wrong(format!("its store: {error}"))
    }
}
