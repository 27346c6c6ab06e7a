//! Owns why a node has no answer to what it was asked, and the threads on which it looks for one.

use ait_store::StoreError;
use tokio::task::{JoinError, spawn_blocking};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// The node stops, as it was told to.
    #[error("the node stops")]
    Stopped,
    /// The node found an invariant violation.
    #[error(transparent)]
    Stopping(#[from] ait_abci::Stopping),
    /// The disk can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Looking for it panicked.
    #[error("a task of the node failed: {0}")]
    Task(#[from] JoinError),
}

/// Runs what checks signatures, reads the disk or waits for the mempool, which a commit holds: nothing for
/// the threads that serve all sockets.
///
/// # Errors
/// [`Unanswered::Task`].
pub async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unanswered> {
    Ok(spawn_blocking(work).await?)
}
