//! Owns why REST cannot be served.

use std::{io, net::SocketAddr};

use ait_node::ConfigError;

/// Why REST cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address cannot be listened on.
    #[error("{setting} {address}: REST cannot listen there: {source}")]
    Bind {
        /// The setting that names it.
        setting: &'static str,
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The metrics are in the node's registry already.
    #[error("REST's metrics cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
}
