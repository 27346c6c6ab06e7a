//! Owns transactions as their senders make them on a chain: the next nonce, the required fee, the usual
//! coordinator.

use ait_app::address::Address;
use serde_json::{Value, json};

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

    /// `base_fee + ceil(fee_per_kib * canonical_payload_bytes / 1024)` uait, and `record_fee` for what
    /// makes a record.
    pub fn required_fee(&self, draft: &Draft) -> u64 {
        let param = |name: &str| self.param(name).as_u64().unwrap();
        let by_size =
            param("base_fee") + (param("fee_per_kib") * draft.payload_bytes()).div_ceil(1024);
        let sender = &draft.sender;
        let lacks = |key: String| self.record(&key).is_none();
        let makes_record = match draft.kind.as_str() {
            "ESCROW_OPEN" => {
                let job = draft.payload["job_id"].as_str().unwrap_or_default();
                lacks(format!("/escrow/{sender}/{job}"))
            }
            "RECEIPT_REPORT" => true,
            "COORDINATOR_BOND" => lacks(format!("/coordinator/{sender}")),
            "STAKE" => lacks(format!("/validator/{sender}")),
            _ => false,
        };
        by_size + if makes_record { param("record_fee") } else { 0 }
    }

    /// The same, its fee the required one for what it says by now.
    pub fn priced(&self, draft: Draft) -> Draft {
        let fee = self.required_fee(&draft);
        draft.fee(fee)
    }

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

    /// An `ESCROW_ASSIGN` by the usual coordinator.
    pub fn assign(&self, client: &Actor, job: &str, miner: &Actor) -> Draft {
        let payload = draft::escrow_assign(client.address(), job, miner.address());
        self.draft(&coordinator(), "ESCROW_ASSIGN", payload)
    }

    /// An `ESCROW_TOPUP` of coins alone.
    pub fn top_up(&self, sender: &Actor, client: &Actor, job: &str, amount: u64) -> Draft {
        let payload = draft::escrow_topup(client.address(), job, amount);
        self.draft(sender, "ESCROW_TOPUP", payload)
    }

    /// An `ESCROW_CANCEL`.
    pub fn cancel(&self, client: &Actor, job: &str) -> Draft {
        self.draft(client, "ESCROW_CANCEL", json!({"job_id": job}))
    }

    /// A `COORDINATOR_BOND`.
    pub fn bond(&self, actor: &Actor, amount: u64) -> Draft {
        self.draft(actor, "COORDINATOR_BOND", json!({"amount": amount}))
    }

    /// A `COORDINATOR_UNBOND`.
    pub fn unbond(&self, actor: &Actor, amount: u64) -> Draft {
        self.draft(actor, "COORDINATOR_UNBOND", json!({"amount": amount}))
    }

    /// A `PARAM_UPDATE` by the admin of the tests' genesis.
    pub fn set_param(&self, name: &str, value: impl Into<Value>) -> Draft {
        self.param_update(&admin(), name, value)
    }

    /// A `PARAM_UPDATE`.
    pub fn param_update(&self, sender: &Actor, name: &str, value: impl Into<Value>) -> Draft {
        let payload = draft::param_update(name, value.into());
        self.draft(sender, "PARAM_UPDATE", payload)
    }

    /// An `ADMIN_ACCEPT`.
    pub fn accept_admin(&self, sender: &Actor) -> Draft {
        self.draft(sender, "ADMIN_ACCEPT", json!({}))
    }

    /// A `TREASURY_SPEND`.
    pub fn spend_treasury(&self, sender: &Actor, to: Address, amount: u64) -> Draft {
        let payload = draft::transfer(to, amount);
        self.draft(sender, "TREASURY_SPEND", payload)
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
            opened_height: self
                .record(&format!("/escrow/{}/{job}", client.address()))
                .map_or(0, |escrow| escrow["opened_height"].as_u64().unwrap()),
        }
    }

    /// The block that opened an escrow.
    pub fn opened_height(&self, client: &Actor, job: &str) -> u64 {
        self.escrow(client, job)["opened_height"].as_u64().unwrap()
    }

    /// A claim that carries the usual coordinator's good attestation.
    pub fn claim(&self, miner: &Actor, work: &Work) -> Draft {
        let attestation = work.attested_by(&coordinator(), work.opened_height);
        self.claim_with(miner, work, Some(&attestation))
    }

    /// A claim with this attestation or none.
    pub fn claim_with(&self, miner: &Actor, work: &Work, attestation: Option<&Value>) -> Draft {
        let payload = work.claim(&work.signed_by(miner), attestation);
        self.draft(miner, "RECEIPT_CLAIM", payload)
    }

    /// The same, naming the opening that the work is for.
    pub fn claim_naming(&self, miner: &Actor, work: &Work, attestation: Option<&Value>) -> Draft {
        let claim = self.claim_with(miner, work, attestation);
        self.priced(claim.with("opened_height", work.opened_height))
    }

    /// A claim that carries good attestations of several coordinators, in this order.
    pub fn claim_by(&self, miner: &Actor, work: &Work, coordinators: &[&Actor]) -> Draft {
        let answers: Vec<Value> = coordinators
            .iter()
            .map(|coordinator| work.attested_by(coordinator, work.opened_height))
            .collect();
        self.claim_with_several(miner, work, &answers)
    }

    /// A claim with these attestations in the list that thresholds above 1 take.
    pub fn claim_with_several(&self, miner: &Actor, work: &Work, answers: &[Value]) -> Draft {
        let claim = self.claim_with(miner, work, None);
        self.priced(claim.with("attestations", answers))
    }

    /// A `RECEIPT_REPORT` of a miner's receipt, with the miner's own signature.
    pub fn report(&self, sender: &Actor, miner: &Actor, work: &Work, answers: &[Value]) -> Draft {
        let payload = work.report(&work.signed_by(miner), answers);
        self.draft(sender, "RECEIPT_REPORT", payload)
    }

    /// An `ATTESTATION_EQUIVOCATION` about two answers for works of one escrow.
    pub fn equivocation(
        &self,
        sender: &Actor,
        one: (&Work, &Value),
        other: (&Work, &Value),
    ) -> Draft {
        let payload = one.0.equivocation(one.1, other.0, other.1);
        self.draft(sender, "ATTESTATION_EQUIVOCATION", payload)
    }
}
