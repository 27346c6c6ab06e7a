//! Owns the setting of a node that records what CometBFT asks of it.

use std::{path::PathBuf, sync::Arc};

use ait_abci::{Application, recording::Recorder};
use anyhow::{Context, Result};
use clap::Args;

/// Where calls are recorded.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// A folder in which every request of CometBFT and every answer is recorded, a new file for each start, for
    /// `ait audit abci`; it grows with every block
    #[arg(long, env = "AIT_ABCI_RECORD", value_name = "DIR")]
    abci_record: Option<PathBuf>,
}

impl RecordArgs {
    /// Begins the recording of a node that was just opened, if there is to be one.
    ///
    /// # Errors
    /// When the folder or its next file can't be made.
    pub fn begin(
        &self,
        application: &Application,
        keep_blocks: u64,
        snapshot_interval: u64,
    ) -> Result<Option<Arc<Recorder>>> {
        let Some(folder) = &self.abci_record else {
            return Ok(None);
        };
        let recorder = Recorder::begin(folder, application, keep_blocks, snapshot_interval);
        let recorder = recorder.context("the recording of AIT_ABCI_RECORD can't be begun")?;
        tracing::info!(
            component = "node",
            event = "recording",
            path = %recorder.path().display()
        );
        Ok(Some(Arc::new(recorder)))
    }
}
