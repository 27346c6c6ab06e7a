//! Owns the mock coordinator of a devnet, which this node asks for whoever asks it.

use std::time::Duration;

use ait_client::http;
use ait_node::{ConfigError, config::attest_url};
use reqwest::{Client, Url};

use crate::config::Config;

/// How long it may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Whether there is one.
pub enum MockCoordinator {
    /// Not on a network that is no devnet.
    Off,
    /// This devnet's node was told of none.
    Missing,
    /// At this route, asked by this client.
    At {
        /// Its route.
        url: Url,
        /// Who asks.
        http: Client,
    },
}

impl MockCoordinator {
    /// As it is configured.
    ///
    /// # Errors
    /// [`ConfigError`] when its URL can't be used.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let Some(url) = &config.mock_coordinator_url else {
            return Ok(if config.devnet {
                Self::Missing
            } else {
                Self::Off
            });
        };
        let setting = "the mock coordinator's URL";
        let url = attest_url(setting, url)?;
        if !config.devnet {
            return Ok(Self::Off);
        }
        let http = http::builder(&url, &config.trust).timeout(TIMEOUT).build();
        let http = http.map_err(|error| ConfigError {
            setting: setting.to_owned(),
            value: url.to_string(),
            reason: error.to_string(),
        })?;
        Ok(Self::At { url, http })
    }
}
