//! Owns transactions as their senders make them on a chain: the next nonce, the required fee, the usual
//! coordinator.

use serde_json::Value;

use super::{CHAIN_ID, Chain};
use crate::{
    actors::{Actor, admin, coordinator},
    draft::{self, Draft},
    work::Work,
};

impl Chain {
    /// A transaction with the account's next nonce and the required fee.
    pub fn draft(&self, actor: &Actor, kind: &str, payload: Value) -> Draft {
        let draft = Draft::new(CHAIN_ID, actor, kind, payload);
        let nonce = self.nonce(actor.address()) + 1;
        let fee = self.required_fee(&draft);
        draft.nonce(nonce).fee(fee)
    }

    /// `base_fee + ceil(fee_per_kib * canonical_payload_bytes / 1024)` uait.
    pub fn required_fee(&self, draft: &Draft) -> u64 {
        let param = |name: &str| self.param(name).as_u64().unwrap();
        param("base_fee") + (param("fee_per_kib") * draft.payload_bytes()).div_ceil(1024)
    }

    /// A `TRANSFER`.
    pub fn transfer(&self, from: &Actor, to: &Actor, amount: u64) -> Draft {
        let payload = draft::transfer(to.address(), amount);
        self.draft(from, "TRANSFER", payload)
    }

    /// An `ESCROW_OPEN` in the name of the usual coordinator.
    pub fn open(&self, client: &Actor, job: &str, amount: u64, ttl_blocks: u64) -> Draft {
        let payload = draft::escrow_open(job, coordinator().address(), amount, ttl_blocks);
        self.draft(client, "ESCROW_OPEN", payload)
    }

    /// An `ESCROW_RELEASE`.
    pub fn release(&self, sender: &Actor, client: &Actor, job: &str) -> Draft {
        let payload = draft::escrow_release(client.address(), job);
        self.draft(sender, "ESCROW_RELEASE", payload)
    }

    /// A `PARAM_UPDATE` by the admin.
    pub fn set_param(&self, name: &str, value: impl Into<Value>) -> Draft {
        let payload = draft::param_update(name, value.into());
        self.draft(&admin(), "PARAM_UPDATE", payload)
    }

    /// Work of the size of the vectors' for a client's job.
    pub fn work(&self, client: &Actor, job: &str, miner: &Actor, receipt: &str) -> Work {
        Work {
            chain_id: CHAIN_ID.into(),
            receipt_id: receipt.into(),
            job_id: job.into(),
            client: client.address().to_string(),
            miner: miner.address().to_string(),
            compute_units: 2_500,
            price: 50_000,
            output_hash: format!("sha256:{}", "5e".repeat(32)),
        }
    }

    /// The block that opened an escrow.
    pub fn opened_height(&self, client: &Actor, job: &str) -> u64 {
        self.escrow(client, job)["opened_height"].as_u64().unwrap()
    }

    /// A claim that carries the usual coordinator's good attestation.
    pub fn claim(&self, miner: &Actor, work: &Work) -> Draft {
        let escrow = self.record(&format!("/escrow/{}/{}", work.client, work.job_id));
        let opened = escrow.map_or(0, |escrow| escrow["opened_height"].as_u64().unwrap());
        let attestation = work.attested_by(&coordinator(), opened);
        self.claim_with(miner, work, Some(&attestation))
    }

    /// A claim with this attestation or none.
    pub fn claim_with(&self, miner: &Actor, work: &Work, attestation: Option<&Value>) -> Draft {
        let payload = work.claim(&work.signed_by(miner), attestation);
        self.draft(miner, "RECEIPT_CLAIM", payload)
    }
}
