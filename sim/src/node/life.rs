//! Owns how a process of a node starts and ends, and what it must find again.

use std::sync::{Arc, PoisonError};

use ait_abci::{Application, OpenError};
use ait_app::tx::TxHash;
use ait_store::Store as _;
use tendermint_proto::v0_38::abci::RequestInitChain;

use super::{Node, Stop, wrong};
use crate::{disk::Trap, log::Log, sabotage::Sabotage};

impl Node {
    /// The process ends at once; CometBFT's mempool is gone.
    pub fn kill(&mut self) {
        self.app = None;
        self.mempool.clear();
    }

    /// The process ends as an operator ends it, and saves its pool.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn stop(&mut self) -> Result<(), Stop> {
        let mempool = self.app()?.mempool();
        let saved = mempool.save();
        saved.map_err(|error| format!("the pool can't be saved: {error}"))?;
        let saved = self.disk.saved_pool()?;
        self.saved = saved.iter().map(|wire| TxHash::of(wire)).collect();
        self.kill();
        Ok(())
    }

    /// Its disk is lost, and what CometBFT had too.
    pub fn lose_everything(&mut self, before_first: u64) {
        self.kill();
        self.disk.replace();
        self.acknowledged = 0;
        self.is_in_doubt = false;
        self.applied = before_first;
        self.oldest = 0;
        self.knows_no_limit = false;
        self.saved.clear();
    }

    /// Starts the process on what the disk has. With a trap, one of its writing calls may fail.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn start(&mut self, trap: Option<Trap>) -> Result<(), Stop> {
        let reopened = self.disk.reopen();
        reopened.map_err(|error| format!("the disk: {error}"))?;
        if let Some(trap) = trap {
            self.disk.set_trap(trap);
        }
        let last_words = self.last_words.clone();
        let opened = Application::open(
            self.disk.clone(),
            self.settings.chain_id.clone(),
            self.settings.cache_bytes,
            Arc::new(move |why| {
                *last_words.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            }),
        );
        let failed = self.disk.clear_trap();
        let app = match opened {
            Ok(app) => app,
            Err(OpenError::Store(_)) if failed => return Err(Stop::Crashed),
            Err(error) => return Err(Stop::Wrong(format!("it does not start: {error}"))),
        };
        app.consensus().keep_blocks(self.settings.keep_blocks);
        self.app = Some(app);
        if failed {
            self.kill();
            return Err(Stop::Crashed);
        }
        self.offers_again()
    }

    /// The node keeps and offers snapshots from now on.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn keeps_snapshots(&self) -> Result<(), Stop> {
        let snapshots = self.app()?.snapshots();
        let kept = snapshots.keep_in(&self.settings.snapshots, 2);
        Ok(kept.map_err(|error| format!("its snapshots: {error}"))?)
    }

    /// What the last graceful stop saved is not lost before it was offered: each is pending, or was refused or
    /// committed.
    fn offers_again(&mut self) -> Result<(), Stop> {
        let saved = std::mem::take(&mut self.saved);
        let app = self.app()?;
        if app.reader().newest().is_none() {
            return Ok(());
        }
        for hash in &saved {
            let (mempool, reader) = (app.mempool(), app.reader());
            let is_known = mempool.pending(hash).is_some()
                || mempool.dropped(hash).is_some()
                || reader.transaction(hash).is_ok_and(|found| found.is_some());
            if !is_known {
                let pool = self.disk.saved_pool()?;
                let saved = pool.iter().map(|wire| String::from_utf8_lossy(wire));
                let saved: Vec<_> = saved.collect();
                let hash = hex::encode(hash.0);
                let why = format!("it lost {hash}, which its stop saved, of {saved:#?}");
                return Err(Stop::Wrong(why));
            }
        }
        self.saved = saved;
        Ok(())
    }

    /// CometBFT's handshake: Info, and InitChain where there is no block. Blocks that the application lacks are
    /// applied afterwards, by [`Node::apply`].
    ///
    /// # Errors
    /// [`Stop::Wrong`] where it is at another height than it acknowledged, or its state is not that block's.
    pub fn shake_hands(&mut self, genesis: &RequestInitChain, log: &Log) -> Result<(), Stop> {
        let app = self.app()?;
        let info = app.info();
        let height = u64::try_from(info.last_block_height).unwrap_or(0);
        let doubtful = self.is_in_doubt.then(|| log.after(self.acknowledged));
        if height != self.acknowledged && Some(height) != doubtful {
            let acknowledged = self.acknowledged;
            let why = format!("it is at block {height}, and had acknowledged {acknowledged}");
            return Err(Stop::Wrong(why));
        }
        if height == 0 {
            let answer = app.consensus().init_chain(genesis).map_err(wrong)?;
            log.check_genesis(&answer)?;
        } else {
            log.check_app_hash(height, &info.last_block_app_hash)?;
        }
        self.acknowledged = height;
        self.is_in_doubt = false;
        let skipped = u64::from(self.sabotage == Some(Sabotage::SkippedReplay));
        self.applied = height.max(log.before_first()).saturating_add(skipped);
        Ok(())
    }

    /// It restored the state of this block, and CometBFT may know it or not yet.
    pub fn has_restored(&mut self, height: u64) {
        self.acknowledged = height;
        self.applied = height;
        self.oldest = height.saturating_add(1);
        self.knows_no_limit = true;
    }

    /// Whether it has no block, as far as anybody knows.
    pub fn is_empty(&self) -> bool {
        self.acknowledged == 0 && !self.is_in_doubt
    }

    /// Whether its disk has a restored state of which CometBFT knows nothing: an operator begins anew then.
    ///
    /// # Errors
    /// [`Stop::Crashed`] while it is down.
    pub fn has_unknown_state(&self) -> Result<bool, Stop> {
        let height = self.app()?.info().last_block_height;
        Ok(height != 0 && self.is_empty())
    }
}
