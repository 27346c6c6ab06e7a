//! Owns the files of a CometBFT home that this program writes: keys, `config.toml`, and where each
//! stands. CometBFT fills in what our `config.toml` doesn't say.

pub mod config;
pub mod keys;
pub mod state_sync;
pub mod version;

use std::path::{Path, PathBuf};

/// The folders and files of a CometBFT home.
#[derive(Debug, Clone)]
pub struct Home(PathBuf);

impl Home {
    /// The home in that folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Settings, keys and genesis.
    pub fn config(&self) -> PathBuf {
        self.0.join("config")
    }

    /// Blocks, state, and what the validator signed last.
    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// The genesis file.
    pub fn genesis(&self) -> PathBuf {
        self.config().join("genesis.json")
    }
}
