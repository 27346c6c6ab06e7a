//! Owns asking coordinators: for attestations (PROTOCOL section 4.2), and what the mock coordinator serves besides
//! (`docs/coordinators.md`): jobs, and assignment to them.

use ait_app::{
    identifiers::{ChainId, JobId},
    receipts::attestation::{Attestation, Quote},
};
use serde::{Deserialize, Serialize};

use crate::{
    assignment::{AssignRequest, Assigned},
    error::ClientError,
    http::Trust,
    node::Client,
    receipt::SignedReceipt,
};

/// The longest answer of a coordinator that is read: an attestation has less than 1 KiB.
const MOST_ANSWER_BYTES: usize = 64 * 1024;

/// `GET /jobs/{job_id}` of the mock coordinator: what it knows of a job.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct JobInfo {
    /// Whether there is such a job.
    pub exists: bool,
    /// The most it may cost.
    pub quote: Quote,
}

/// A coordinator, by its URL.
#[derive(Debug, Clone)]
pub struct Coordinator(Client);

impl Coordinator {
    /// The coordinator at `url`.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn new(url: &str, trust: &Trust) -> Result<Self, ClientError> {
        let http = Client::new(url, trust)?.with_answers_up_to(MOST_ANSWER_BYTES);
        Ok(Self(http))
    }

    /// Asks for its attestation, good or negative.
    ///
    /// # Errors
    /// [`ClientError`]; see [`is_too_early`].
    pub async fn attest(
        &self,
        receipt: &SignedReceipt,
        chain_id: &ChainId,
    ) -> Result<Attestation, ClientError> {
        let request = receipt.request(chain_id);
        self.0.post_json("/attest/receipt", &request).await
    }

    /// Asks for a job.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn assign(&self, request: &AssignRequest) -> Result<Assigned, ClientError> {
        self.0.post_json("/assign", request).await
    }

    /// What it knows of a job.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn job(&self, job_id: &JobId) -> Result<JobInfo, ClientError> {
        self.0.get(&format!("/jobs/{job_id}")).await
    }
}

/// Whether a coordinator cannot know yet, and may be asked again.
pub fn is_too_early(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused { status: 409, .. })
}
