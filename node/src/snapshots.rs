//! Owns when a node takes snapshots of its state for nodes that join.

use std::sync::Arc;

use ait_abci::{CommittedBlock, Reader, Snapshots};
use tokio::sync::broadcast::error::RecvError;

use crate::{Stop, off_thread};

/// Takes one after each block whose height is a multiple of `interval`, until the node stops. Blocks go on
/// meanwhile; one that comes too early for the next is left out.
pub(crate) async fn run(snapshots: Arc<Snapshots>, reader: Reader, interval: u64, stop: Stop) {
    let mut blocks = reader.subscribe();
    loop {
        let block = tokio::select! {
            () = stop.begun() => return,
            block = blocks.recv() => block,
        };
        match block {
            Ok(block) if is_due(&block, interval) => {}
            Ok(_) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        }
        let (snapshots, stop) = (snapshots.clone(), stop.clone());
        let taken = off_thread(move || snapshots.take(&|| !stop.has_begun())).await;
        if let Ok(Err(error)) = taken {
            tracing::error!(component = "node", event = "snapshot_failed", %error);
        }
    }
}

fn is_due(block: &CommittedBlock, interval: u64) -> bool {
    block.info.height.is_multiple_of(interval)
}
