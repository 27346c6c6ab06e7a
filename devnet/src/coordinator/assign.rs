//! Owns the mock coordinator's assignments: the first miner that asks for a job is bound to its escrow
//! by `ESCROW_ASSIGN`; all others are refused.

use std::time::Duration;

use ait_api::tx::Sent;
use ait_app::{address::Address, escrow::assign::EscrowAssign, tx::Payload};
use ait_client::{AssignRequest, Assigned, SendError, Terms};
use anyhow::Result;

use super::{
    ledger::Opening,
    request::{Denied, internal},
    rules::{check_holder, exists, no_such_job},
    state::{Coordinator, Policy},
};

/// How long another command may send with the coordinator's key.
const PATIENCE: Duration = Duration::from_secs(10);

impl Coordinator {
    /// Binds the asking miner to its escrow, if it is the first.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn assign(&self, request: &AssignRequest) -> Result<Assigned, Denied> {
        let miner = request.miner;
        let key = self.chain.key_of(&miner, request.miner_pubkey).await?;
        let signed = request.sign_bytes(&self.chain.id, &self.wallet.address());
        if !key.verifies(&signed, &request.sig) {
            return Err(Denied::refused(
                "invalid_signature",
                "field sig does not verify for this request, chain and coordinator",
            ));
        }
        let opening = Opening {
            client: request.client,
            job_id: request.job_id.clone(),
            opened_height: request.opened_height,
        };
        let pubkey = self.wallet.key().public_key();
        let shown = self
            .chain
            .opening(&opening, &self.wallet.address(), &pubkey)
            .await?;
        shown.check_binding(&miner)?;
        if shown.remaining().is_none() {
            return Err(Denied::conflict("escrow_closed", "the escrow is closed"));
        }
        if shown.escrow.binding.miner() == Some(miner) {
            return Ok(Assigned {
                miner,
                tx_hash: None,
            });
        }
        if shown.escrow.coordinator() != self.wallet.address() {
            return Err(Denied::refused(
                "not_first_coordinator",
                format!("only {} assigns this escrow", shown.escrow.coordinator()),
            ));
        }
        if !exists(&opening.job_id, &self.limits) {
            let message = no_such_job(&opening.job_id);
            return Err(Denied::refused("no_such_job", message));
        }
        self.promise(&opening, miner).await?;
        let hash = self.bind(&opening, miner).await?;
        Ok(Assigned {
            miner,
            tx_hash: Some(hash),
        })
    }

    /// Notes whose the job is, once.
    async fn promise(&self, opening: &Opening, miner: Address) -> Result<(), Denied> {
        if self.policy == Policy::None {
            return Err(Denied::conflict(
                "assigns_nobody",
                "this coordinator assigns nobody: whoever gets the attestation may claim",
            ));
        }
        let opening = opening.clone();
        self.with_ledger(move |ledger| {
            let job = ledger.job(&opening);
            check_holder(&job, &miner)?;
            if job.holder().is_none() {
                ledger.assign(&opening, miner).map_err(internal)?;
            }
            Ok(())
        })
        .await
    }

    /// Sends the assignment, unless the one that was sent is on its way.
    async fn bind(&self, opening: &Opening, miner: Address) -> Result<String, Denied> {
        let mut sent = self.sending.0.lock().await;
        if let Some(hash) = sent.get(opening)
            && self.is_on_its_way(hash).await
        {
            return Ok(hash.clone());
        }
        let payload: Payload = EscrowAssign {
            client_addr: opening.client,
            job_id: opening.job_id.clone(),
            miner,
        }
        .into();
        let answer = self.send(payload).await.map_err(|error| {
            let error = format!("{error:#}");
            tracing::warn!(component = "coordinator", event = "assignment_failed", job_id = %opening.job_id, error);
            Denied::trouble("cannot_assign", format!("the assignment cannot be sent: {error}"))
        })?;
        tracing::info!(
            component = "coordinator",
            event = "assigned",
            job_id = %opening.job_id,
            client = %opening.client,
            %miner,
            tx_hash = answer.tx_hash,
        );
        sent.insert(opening.clone(), answer.tx_hash.clone());
        Ok(answer.tx_hash)
    }

    async fn is_on_its_way(&self, hash: &str) -> bool {
        match self.chain.node.tx(hash).await {
            Ok(Some(status)) => match &status.receipt {
                Some(receipt) => receipt.code == 0,
                None => status.reason.is_none(),
            },
            Ok(None) => false,
            // It will be asked again.
            Err(_) => true,
        }
    }

    async fn send(&self, payload: Payload) -> Result<Sent> {
        let _turn = self.lock.turn(PATIENCE).await?;
        let terms = Terms::default();
        match self.wallet.send(payload.clone(), &terms).await {
            // Another transaction of this account came in between.
            Err(error) if is_nonce_taken(&error) => Ok(self.wallet.send(payload, &terms).await?),
            sent => Ok(sent?),
        }
    }
}

fn is_nonce_taken(error: &SendError) -> bool {
    ["nonce_used", "nonce_gap", "nonce_pending"]
        .iter()
        .any(|code| error.is(code))
}
