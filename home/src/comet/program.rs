//! Owns finding the CometBFT that a node runs with.

use std::{path::PathBuf, process::Command};

use anyhow::{Result, anyhow};

use super::version::{ACCEPTED, Version};
use crate::surroundings::passed_on;

/// `$COMETBFT`, else the one on `PATH`; one that speaks this project's protocols.
///
/// # Errors
/// When it does not start, or is another; names what is needed and how to get it.
pub fn find() -> Result<PathBuf> {
    let path =
        std::env::var_os("COMETBFT").map_or_else(|| PathBuf::from("cometbft"), PathBuf::from);
    let advice = "scripts/install_cometbft.sh gets one and prints its path: name that in COMETBFT. \
                  scripts/devnet_up.sh does both";
    let output = Command::new(&path)
        .args(["version", "--verbose"])
        .env_clear()
        .envs(passed_on())
        .output()
        .map_err(|error| {
            anyhow!(
                "{ACCEPTED} is needed, but {} does not start ({error}). {advice}",
                path.display()
            )
        })?;
    let printed = String::from_utf8_lossy(&output.stdout);
    Version::accepted(&printed).map_err(|error| {
        anyhow!(
            "{ACCEPTED} is needed, and {} is not that: {error}. {advice}",
            path.display()
        )
    })?;
    Ok(path)
}
