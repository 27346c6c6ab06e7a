//! Owns how the socket's address is written: as in CometBFT's `proxy_app`.

use std::{fmt, path::PathBuf, str::FromStr};

/// The longest path that a unix socket can have on Linux, less its end mark.
const MAX_UNIX_PATH: usize = 107;

/// Where the application listens for CometBFT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `unix:///path/to/socket`
    Unix(PathBuf),
    /// `tcp://host:port`
    Tcp(String),
}

/// The text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Neither scheme.
    #[error("{0:?} is neither unix:///path nor tcp://host:port")]
    Scheme(String),
    /// The path of the socket is longer than the operating system takes.
    #[error(
        "the socket path {0:?} has {1} bytes, more than {MAX_UNIX_PATH}; use a shorter one or tcp://"
    )]
    PathTooLong(String, usize),
}

impl FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix("unix://")
            && !path.is_empty()
        {
            if path.len() > MAX_UNIX_PATH {
                return Err(AddressError::PathTooLong(path.to_owned(), path.len()));
            }
            return Ok(Address::Unix(path.into()));
        }
        match text.strip_prefix("tcp://") {
            Some(address) if address.contains(':') => Ok(Address::Tcp(address.to_owned())),
            _ => Err(AddressError::Scheme(text.to_owned())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unix(path) => write!(f, "unix://{}", path.display()),
            Address::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}
