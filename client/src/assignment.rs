//! Owns how a miner asks the mock coordinator for a job (`docs/coordinators.md`, "Assignment in the mock
//! coordinator"): the request, what it signs, and the answer. No part of the protocol: the chain knows
//! `ESCROW_ASSIGN` alone.

use ait_app::{
    address::Address,
    crypto::{PublicKey, SecretKey, Signature, sha256},
    identifiers::{ChainId, JobId},
    quantity::Height,
};
use serde::{Deserialize, Serialize};

/// `POST /assign`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignRequest {
    /// Whose escrow.
    pub client: Address,
    /// For which job.
    pub job_id: JobId,
    /// Who wants it.
    pub miner: Address,
    /// The miner's key, where the chain does not know it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub miner_pubkey: Option<PublicKey>,
    /// The opening of the escrow.
    pub opened_height: Height,
    /// The miner's, over [`AssignRequest::sign_bytes`].
    pub sig: Signature,
}

/// The answer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assigned {
    /// Who has the job.
    pub miner: Address,
    /// The transaction that binds the miner; none where the chain shows it already.
    pub tx_hash: Option<String>,
}

impl AssignRequest {
    /// Asks in the name of the key's account.
    pub fn sign(
        chain_id: &ChainId,
        coordinator: &Address,
        (client, job_id, opened_height): (Address, JobId, Height),
        key: &SecretKey,
    ) -> Self {
        let pubkey = key.public_key();
        let mut request = Self {
            client,
            job_id,
            miner: Address::of(&pubkey),
            miner_pubkey: Some(pubkey),
            opened_height,
            sig: Signature::from_bytes([0; 64]),
        };
        request.sig = key.sign(&request.sign_bytes(chain_id, coordinator));
        request
    }

    /// The 32 bytes that the miner signs: sha256 of
    /// `AIT-ASSIGN|chain_id|coordinator|client|job_id|opened_height|miner`.
    pub fn sign_bytes(&self, chain_id: &ChainId, coordinator: &Address) -> [u8; 32] {
        let (client, job, height) = (&self.client, &self.job_id, self.opened_height);
        let miner = &self.miner;
        sha256(
            format!("AIT-ASSIGN|{chain_id}|{coordinator}|{client}|{job}|{height}|{miner}")
                .as_bytes(),
        )
    }
}
