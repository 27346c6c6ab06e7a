//! Owns why a node must stop, and the one place that ends it for those who asked outside of ABCI.

use std::{fmt::Display, sync::Arc};

use ait_app::InvariantViolation;
use ait_store::StoreError;

use crate::{OpenError, halt::Halt};

/// Ends the process with one message, since going on would be wrong. Tests record it instead.
pub type OnFatal = Arc<dyn Fn(String) + Send + Sync>;

/// Why the node must stop rather than answer. CometBFT is told by ABCI's exception, and stops too.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The state machine found an invariant violation.
    #[error(transparent)]
    Violation(#[from] InvariantViolation),
    /// The disk.
    #[error("the block could not be stored: {0}")]
    Store(#[from] StoreError),
    /// No chain may begin with this genesis.
    #[error("the genesis is refused: {0}")]
    Genesis(String),
    /// CometBFT asks for what can't come next.
    #[error("CometBFT is out of step: {0}")]
    OutOfStep(String),
    /// The next block is not this node's to make.
    #[error(transparent)]
    Halt(#[from] Halt),
    /// The pool's journal can't be begun.
    #[error("the pool's journal cannot be kept (POOL_JOURNAL=0 does without): {0}")]
    Journal(String),
    /// What was stored can't be read again.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What shall be stored can't be written down.
    #[error("a record does not serialise: {0}")]
    Record(#[from] serde_json::Error),
}

/// The answer of a node that found an invariant violation and stops: there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node stops, since it found an invariant violation; its log says which")]
pub struct Stopping;

/// Ends the node when a question from outside of ABCI meets an invariant violation.
#[derive(Clone)]
pub(crate) struct Stopper(OnFatal);

impl Stopper {
    pub(crate) fn new(on_fatal: OnFatal) -> Self {
        Self(on_fatal)
    }

    /// Says why, and ends the node.
    pub(crate) fn stop(&self, why: &dyn Display) -> Stopping {
        tracing::error!(component = "abci", event = "fatal", "{why}");
        (self.0)(why.to_string());
        Stopping
    }
}
