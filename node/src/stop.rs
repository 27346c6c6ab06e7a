//! Owns the one signal by which everything of a node ends.

use std::sync::Arc;

use tokio::sync::watch;

/// Whether the node stops. Every clone is of the same signal.
#[derive(Clone)]
pub struct Stop {
    sender: Arc<watch::Sender<bool>>,
}

impl Stop {
    /// Of a node that runs.
    pub(crate) fn new() -> Self {
        Self {
            sender: Arc::new(watch::Sender::new(false)),
        }
    }

    /// From now on the node stops.
    pub fn begin(&self) {
        self.sender.send_replace(true);
    }

    /// Whether it does.
    pub fn has_begun(&self) -> bool {
        *self.sender.borrow()
    }

    /// Resolves when the node stops.
    pub async fn begun(&self) {
        // The sender lives as long as this.
        let _ = self.sender.subscribe().wait_for(|stops| *stops).await;
    }
}
