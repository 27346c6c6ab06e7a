//! Owns how the socket's address is written: as in CometBFT's `proxy_app`.

use std::{fmt, path::PathBuf, str::FromStr};

/// The longest path that a unix socket can have on Linux, less its end mark (unix(7)).
const MAX_UNIX_PATH: usize = 107;

/// Where the application listens for CometBFT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `unix:///path/to/socket`
    Unix(PathBuf),
    /// `tcp://host:port`, without its scheme. Port 0 stands for any free one.
    Tcp(String),
}

/// The text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Neither scheme.
    #[error("{0:?} is neither unix:///path nor tcp://host:port")]
    Scheme(String),
    /// The host is missing, or the port is none.
    #[error("{0:?} is not tcp://host:port with a port of 0 to 65535")]
    HostAndPort(String),
    /// The path of the socket is longer than the operating system takes.
    #[error(
        "the socket path {0:?} has {1} bytes, more than {MAX_UNIX_PATH}; use a shorter one or tcp://"
    )]
    PathTooLong(String, usize),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix("unix://").filter(|path| !path.is_empty()) {
            if path.len() > MAX_UNIX_PATH {
                return Err(AddressError::PathTooLong(path.to_owned(), path.len()));
            }
            return Ok(Address::Unix(path.into()));
        }
        let host_and_port = text
            .strip_prefix("tcp://")
            .ok_or_else(|| AddressError::Scheme(text.to_owned()))?;
        match host_and_port.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                Ok(Address::Tcp(host_and_port.to_owned()))
            }
            _ => Err(AddressError::HostAndPort(text.to_owned())),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_printed_as_it_is_read() {
        for text in [
            "unix:///run/ait.sock",
            "tcp://127.0.0.1:26658",
            "tcp://[::1]:0",
            "tcp://node:1",
        ] {
            assert_eq!(
                text.parse::<Address>().map(|address| address.to_string()),
                Ok(text.into())
            );
        }
    }

    #[test]
    fn what_is_no_address_is_refused_by_name() {
        for text in [
            "",
            "unix://",
            "/run/ait.sock",
            "127.0.0.1:26658",
            "http://node:1",
            "tcp:/node:1",
        ] {
            assert_eq!(
                text.parse::<Address>(),
                Err(AddressError::Scheme(text.into()))
            );
        }
        for text in [
            "tcp://",
            "tcp://:",
            "tcp://:1",
            "tcp://node",
            "tcp://node:",
            "tcp://node:65536",
        ] {
            assert_eq!(
                text.parse::<Address>(),
                Err(AddressError::HostAndPort(text.into()))
            );
        }
        let long = format!("/{}", "x".repeat(107));
        let refused = format!("unix://{long}").parse::<Address>();
        assert_eq!(refused, Err(AddressError::PathTooLong(long, 108)));
    }
}
