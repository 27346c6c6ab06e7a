//! Owns the files of a CometBFT home that this program writes: keys, `config.toml`, and where each
//! stands, and the mending of those that crashes left (`recovery`). CometBFT fills in what our `config.toml` doesn't say.

pub mod config;
pub mod keys;
pub mod program;
pub mod recovery;
pub mod settings;
pub mod state_sync;
pub mod version;

use std::path::{Path, PathBuf};

use self::config::{AbciAddress, MAX_SOCKET_PATH_BYTES};
use crate::exit::Usage;

/// The name of the application's socket.
const SOCKET: &str = "app.sock";

/// The folders and files of a node's home: CometBFT's, and the application's store and socket.
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

    /// CometBFT's settings.
    pub fn config_file(&self) -> PathBuf {
        self.config().join("config.toml")
    }

    /// The application's store.
    pub fn store(&self) -> PathBuf {
        self.0.join("chain.db")
    }

    /// The application's socket.
    ///
    /// # Errors
    /// Those of [`socket_in`].
    pub fn socket(&self) -> Result<AbciAddress, Usage> {
        socket_in(&self.0)
    }
}

/// Where the application listens if nothing is named: at a socket in this folder, by its absolute path.
///
/// # Errors
/// When no system takes a path as long as that, or it is no UTF-8: then an address must be named.
pub fn socket_in(folder: &Path) -> Result<AbciAddress, Usage> {
    let path = std::path::absolute(folder.join(SOCKET))
        .map_err(|error| Usage(format!("the working folder can't be found: {error}")))?;
    let text = path.display();
    match path.to_str() {
        Some(valid) if valid.len() <= MAX_SOCKET_PATH_BYTES => Ok(AbciAddress::Unix(path)),
        Some(long) => Err(Usage(format!(
            "the application's socket would be {text}, a path of {} bytes, and that of a unix socket has at most \
             {MAX_SOCKET_PATH_BYTES}: {ADVICE}",
            long.len()
        ))),
        None => Err(Usage(format!(
            "the application's socket would be {text}, a path that is no UTF-8: {ADVICE}"
        ))),
    }
}

const ADVICE: &str =
    "name another place in ABCI_BIND (--abci-bind), such as unix:///run/ait/app.sock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_path_that_is_too_long_says_which_setting_names_another() {
        let fits = format!("/{}", "x".repeat(MAX_SOCKET_PATH_BYTES - 10));
        let socket = Home::new(&fits).socket().unwrap();
        assert_eq!(socket.to_string(), format!("unix://{fits}/{SOCKET}"));
        let said = Home::new(format!("{fits}x"))
            .socket()
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("ABCI_BIND") && said.contains("at most 107"),
            "{said}"
        );
    }
}
