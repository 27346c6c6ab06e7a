//! Owns whether this node may make the next block: not where the chain's rules are beyond this program's, and
//! not behind the height that its operator named.

use std::sync::{
    PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use ait_app::{
    state::State,
    upgrades::{known::Due, record::ProtocolVersion},
};

/// Why a node makes no more blocks. Everything up to here is committed; nothing is lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// The chain was upgraded already.
    #[error(
        "the chain is at version {found} of the protocol, and this node executes versions up to {newest}: start a \
         newer ait on the same home"
    )]
    Version {
        /// The chain's.
        found: ProtocolVersion,
        /// This node's newest.
        newest: ProtocolVersion,
    },
    /// The next block begins with an upgrade.
    #[error(
        "the upgrade {name:?} begins with block {height}, and this node does not have it (it executes versions of \
         the protocol up to {newest}): start an ait that has it on the same home; all blocks before are committed"
    )]
    Upgrade {
        /// The upgrade's name.
        name: String,
        /// Its block.
        height: u64,
        /// This node's newest.
        newest: ProtocolVersion,
    },
    /// The operator's height was reached.
    #[error(
        "block {height} is committed, after which this node was to halt (--halt-height): start it without that \
         when it shall go on"
    )]
    Height {
        /// That height.
        height: u64,
    },
}

/// How far this node goes.
pub(crate) struct Limits {
    newest: RwLock<ProtocolVersion>,
    /// The last block that it makes; 0 for no last one.
    halt_height: AtomicU64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            newest: RwLock::new(ProtocolVersion::NEWEST),
            halt_height: AtomicU64::new(0),
        }
    }
}

impl Limits {
    pub(crate) fn follow_up_to(&self, newest: ProtocolVersion) {
        let mut held = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        *held = newest.min(ProtocolVersion::NEWEST);
    }

    pub(crate) fn halt_after(&self, height: u64) {
        self.halt_height.store(height, Ordering::Relaxed);
    }

    /// The newest version of the protocol that this node executes.
    pub(crate) fn newest(&self) -> ProtocolVersion {
        *self.newest.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the block after a state may be made.
    ///
    /// # Errors
    /// [`Halt`].
    pub(crate) fn check(&self, state: &State) -> Result<(), Halt> {
        let (newest, protocol, height) = (self.newest(), state.protocol(), state.height());
        let found = protocol.version;
        if found > newest {
            return Err(Halt::Version { found, newest });
        }
        if let Due::Unknown(plan) = protocol.due(height.next(), newest) {
            return Err(Halt::Upgrade {
                name: plan.name.to_string(),
                height: plan.height.get(),
                newest,
            });
        }
        let halt_height = self.halt_height.load(Ordering::Relaxed);
        if halt_height > 0 && height.get() >= halt_height {
            let height = height.get();
            return Err(Halt::Height { height });
        }
        Ok(())
    }
}
