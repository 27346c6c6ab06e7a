//! Owns the committed states that readers hold, the newest last. Only Commit, InitChain and
//! a restored snapshot publish.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use ait_app::state::merkle::MAX_BUCKET;

use crate::records::CommittedState;

/// Heights whose states stay readable, the last one included: PROTOCOL section 7 asks for 100.
const HISTORY: usize = 101;

/// The newest states, which keep the whole shape of their trees: blocks build on them, and light clients ask
/// for the last ones. The older ones' trees are made coarser, to as many buckets.
const FINE: usize = 4;
const COARSE_BUCKETS: usize = 2_048;

/// The states of the last blocks.
#[derive(Default)]
pub(crate) struct Committed {
    history: RwLock<VecDeque<Arc<CommittedState>>>,
}

impl Committed {
    /// Begins with what the store held, or with nothing.
    pub(crate) fn new(stored: Option<CommittedState>) -> Self {
        Self {
            history: RwLock::new(stored.map(Arc::new).into_iter().collect()),
        }
    }

    /// The state that the next block builds on: the last block's, a snapshot's, or the genesis.
    pub(crate) fn base(&self) -> Option<Arc<CommittedState>> {
        self.history().back().cloned()
    }

    /// The state after the last block that this node executed; `None` before the first.
    pub(crate) fn newest(&self) -> Option<Arc<CommittedState>> {
        self.base().filter(|state| state.is_of_a_block())
    }

    /// The state after an earlier block, if it is still here.
    pub(crate) fn at(&self, height: u64) -> Option<Arc<CommittedState>> {
        let history = self.history();
        let newest = history.back()?.block.height;
        let back = usize::try_from(newest.checked_sub(height)?).ok()?;
        let index = history.len().checked_sub(back.checked_add(1)?)?;
        let committed = history.get(index)?;
        committed.is_of_a_block().then(|| committed.clone())
    }

    /// Readers find this state from now on; the oldest goes.
    pub(crate) fn publish(&self, newest: Arc<CommittedState>) {
        let mut history = self.history.write().unwrap_or_else(PoisonError::into_inner);
        // A chain that begins anew has no blocks, whatever was published of its beginning.
        history.retain(|earlier| earlier.is_of_a_block());
        history.push_back(newest);
        while history.len() > HISTORY {
            history.pop_front();
        }
        let oldest_fine = history.len().checked_sub(FINE.saturating_add(1));
        if let Some(old) = oldest_fine.and_then(|index| history.get_mut(index)) {
            *old = Arc::new(coarsened(old));
        }
    }

    /// Readers find nothing from now on.
    pub(crate) fn clear(&self) {
        let mut history = self.history.write().unwrap_or_else(PoisonError::into_inner);
        history.clear();
    }

    fn history(&self) -> RwLockReadGuard<'_, VecDeque<Arc<CommittedState>>> {
        self.history.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn coarsened(committed: &CommittedState) -> CommittedState {
    let leaves = committed.state.len() / COARSE_BUCKETS;
    CommittedState {
        state: committed.state.coarsened(leaves.max(MAX_BUCKET)),
        block: committed.block.clone(),
    }
}
