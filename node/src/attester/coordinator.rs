//! Owns one request to one coordinator: its limits in time and size, and the strict reading of its answer.
//! Verifies no signature: the node does.

use std::time::Duration;

use ait_app::{
    Refusal,
    address::Address,
    json,
    receipts::{attestation::Attestation, terms::AttestationRequest},
};
use ait_client::http::{self, Trust};
use reqwest::{Client, Response, StatusCode, Url};
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

use crate::config::{ConfigError, attest_url};

/// Requests under way to one coordinator.
const MAX_REQUESTS: usize = 8;

/// What one request may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time to connect.
    pub connect: Duration,
    /// Time in all.
    pub total: Duration,
    /// Bytes of the answer's body: an attestation has less than 1 KiB.
    pub answer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            total: Duration::from_secs(5),
            answer_bytes: 16 * 1024,
        }
    }
}

/// Why a coordinator gave no attestation.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It cannot know yet (status 409).
    #[error("it cannot know yet")]
    NotYet,
    /// Another status than 200; redirects are not followed.
    #[error("it answered with status {0}")]
    Status(u16),
    /// No connection, or no answer in time.
    #[error("it does not answer: {0}")]
    Unreachable(reqwest::Error),
    /// The answer has more bytes than one may have.
    #[error("its answer has more than {0} bytes")]
    TooLarge(usize),
    /// The answer is no attestation.
    #[error("its answer is no attestation: {0}")]
    Malformed(Refusal),
}

impl AskError {
    /// Its name in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            AskError::NotYet => "not_yet",
            AskError::Status(_) => "status",
            AskError::Unreachable(_) => "unreachable",
            AskError::TooLarge(_) => "too_large",
            AskError::Malformed(_) => "malformed",
        }
    }
}

/// A coordinator at its configured address.
pub struct Coordinator {
    http: Client,
    url: Url,
    limits: Limits,
    places: Semaphore,
}

impl Coordinator {
    /// The coordinator `address` at the base URL `url`.
    ///
    /// # Errors
    /// [`ConfigError`] when the URL can't be used.
    pub fn new(
        address: Address,
        url: &str,
        trust: &Trust,
        limits: Limits,
    ) -> Result<Self, ConfigError> {
        let setting = format!("COORDINATOR_URLS for {address}");
        let url = attest_url(&setting, url)?;
        // A client for each, so that none can use up another's connections.
        let http = http::builder(&url, trust)
            .connect_timeout(limits.connect)
            .timeout(limits.total)
            .pool_max_idle_per_host(MAX_REQUESTS)
            .build()
            .map_err(|error| ConfigError {
                setting,
                value: url.to_string(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            http,
            url,
            limits,
            places: Semaphore::new(MAX_REQUESTS),
        })
    }

    /// Waits until one more request may go to it.
    pub async fn place(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.places.acquire().await
    }

    /// Asks once (PROTOCOL section 4, `POST {coordinator}/attest/receipt`).
    ///
    /// # Errors
    /// [`AskError`]; each may pass with time.
    pub async fn ask(&self, request: &AttestationRequest) -> Result<Attestation, AskError> {
        let send = self.http.post(self.url.clone()).json(request).send();
        let response = send.await.map_err(AskError::Unreachable)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::CONFLICT => return Err(AskError::NotYet),
            other => return Err(AskError::Status(other.as_u16())),
        }
        let body = self.read(response).await?;
        json::read(&body, "attestation").map_err(AskError::Malformed)
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, AskError> {
        let limit = self.limits.answer_bytes;
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(AskError::Unreachable)? {
            if body.len().saturating_add(part.len()) > limit {
                return Err(AskError::TooLarge(limit));
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests;
