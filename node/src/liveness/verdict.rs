//! Owns what was seen last of the chain's going on, for whoever asks, and what the log is told of it.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ait_api::node::{HealthStatus, StallReason};

/// What was seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the node can serve.
    pub status: HealthStatus,
    /// Why not, of a stalled one.
    pub reason: Option<StallReason>,
}

/// The verdict, for whoever asks.
pub struct Liveness {
    verdict: Mutex<Verdict>,
    max_block_age: Duration,
}

impl Liveness {
    /// Of a node that has just begun.
    pub(crate) fn new(max_block_age: Duration) -> Self {
        Self {
            verdict: Mutex::new(Verdict {
                status: HealthStatus::Starting,
                reason: None,
            }),
            max_block_age,
        }
    }

    /// From which age of the last block on the chain counts as standing still, as it was configured.
    pub(super) fn max_block_age(&self) -> Duration {
        self.max_block_age
    }

    /// What was seen last.
    pub fn verdict(&self) -> Verdict {
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows what is seen, and logs what it means where that is news.
    pub(super) fn show(&self, verdict: Verdict, age: Option<Duration>) {
        let before = {
            let mut shown = self.verdict.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *shown, verdict)
        };
        if before == verdict {
            return;
        }
        let last_block_age_seconds = age.map(|age| age.as_secs());
        match verdict.reason {
            Some(reason) => tracing::warn!(
                component = "node",
                event = "stalled",
                reason = reason.name(),
                last_block_age_seconds,
            ),
            None if before.status == HealthStatus::Stalled => tracing::info!(
                component = "node",
                event = "resumed",
                status = verdict.status.name(),
                last_block_age_seconds,
            ),
            None => {}
        }
    }
}
