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
pub struct Liveness(Mutex<Verdict>);

impl Default for Liveness {
    fn default() -> Self {
        Self(Mutex::new(Verdict {
            status: HealthStatus::Starting,
            reason: None,
        }))
    }
}

impl Liveness {
    /// What was seen last.
    pub fn verdict(&self) -> Verdict {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows what is seen, and logs what it means where that is news.
    pub(super) fn show(&self, verdict: Verdict, age: Option<Duration>) {
        let before = {
            let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *shown, verdict)
        };
        if before == verdict {
            return;
        }
        let last_block_age_seconds = age.map(|age| age.as_secs());
        match verdict.reason {
            Some(reason) => tracing::warn!(
                component = "rest",
                event = "stalled",
                reason = reason.name(),
                last_block_age_seconds,
            ),
            None if before.status == HealthStatus::Stalled => tracing::info!(
                component = "rest",
                event = "resumed",
                status = verdict.status.name(),
                last_block_age_seconds,
            ),
            None => {}
        }
    }
}
