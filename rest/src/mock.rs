//! Owns where the mock coordinator of a devnet is asked.

use std::time::Duration;

use ait_client::http::{self, Trust};
use reqwest::{Client, Url};

use crate::config::{ConfigError, attest_url};

/// How long it may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A mock coordinator at its address.
pub struct MockCoordinator {
    /// Its route.
    pub url: Url,
    /// Who asks.
    pub http: Client,
}

impl MockCoordinator {
    /// The one at a base URL.
    ///
    /// # Errors
    /// [`ConfigError`] when that can't be used.
    pub fn new(url: &str, trust: &Trust) -> Result<Self, ConfigError> {
        let setting = "the mock coordinator's URL";
        let url = attest_url(setting, url)?;
        let http = http::builder(&url, trust).timeout(TIMEOUT).build();
        let http = http.map_err(|error| ConfigError {
            setting: setting.to_owned(),
            value: url.to_string(),
            reason: error.to_string(),
        })?;
        Ok(Self { url, http })
    }
}
