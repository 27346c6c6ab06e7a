//! Owns the mock coordinator's HTTP routes, and the order in which it judges: form, chain, the
//! miner's signature, the job, the chain's escrow, the ledger. It signs last.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ait_app::{
    address::Address,
    crypto::{PublicKey, SecretKey},
    identifiers::{ChainId, JobId},
    receipts::{Attestation, AttestationRequest},
    state::records::Account,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State, rejection::BytesRejection},
    http::StatusCode,
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    ledger::Ledger,
    request::{Asked, Denied, MAX_BODY_BYTES, parse},
    rules::{self, Limits},
};
use crate::{
    attest::JobInfo,
    client::{Client, ClientError, Health},
};

/// A mock coordinator.
pub struct Coordinator {
    chain_id: ChainId,
    key: SecretKey,
    address: Address,
    node: Client,
    limits: Limits,
    ledger: Mutex<Ledger>,
    /// Set once the node said that it is of the same chain.
    same_chain: OnceLock<()>,
}

type Shared = Arc<Coordinator>;

impl Coordinator {
    /// A coordinator of one chain, which it sees through one node.
    pub fn new(
        chain_id: ChainId,
        key: SecretKey,
        node: Client,
        limits: Limits,
        ledger: Ledger,
    ) -> Shared {
        Arc::new(Self {
            chain_id,
            address: Address::of(&key.public_key()),
            key,
            node,
            limits,
            ledger: Mutex::new(ledger),
            same_chain: OnceLock::new(),
        })
    }

    /// Its account.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Its chain.
    pub fn chain_id(&self) -> &ChainId {
        &self.chain_id
    }

    /// How many receipts it attested.
    pub fn attested(&self) -> usize {
        self.ledger().len()
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        // A ledger writes whole lines or says that it is broken, so no panic leaves it half-made.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn attest(self: Arc<Self>, asked: Asked) -> Result<Attestation, Denied> {
        self.check_signature(&asked).await?;
        let request = asked.request;
        let quote = rules::quote(&request.job_id, &self.limits);
        let exists = rules::exists(&request.job_id);
        let paid = exists && self.is_paid(&request).await?;
        let affordable =
            request.price <= quote.price && request.compute_units <= quote.compute_units;
        let good_so_far = exists && paid && affordable;
        let this = self.clone();
        // The ledger syncs its file: nothing for a thread that serves sockets.
        let signed = tokio::task::spawn_blocking(move || {
            let not_double_spent = if good_so_far {
                this.ledger().take(&request)?
            } else {
                this.ledger().is_first(&request)
            };
            let flags = [exists, paid, not_double_spent];
            let terms = request.terms();
            let height = request.opened_height;
            let (chain, key) = (&this.chain_id, &this.key);
            let attestation =
                Attestation::sign(chain, &terms, height, flags, quote, this.address, key);
            anyhow::Ok((attestation, terms))
        });
        let internal = |message: String| {
            tracing::error!(component = "coordinator", event = "failed", %message);
            Denied {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                code: "internal",
                message,
            }
        };
        let (attestation, terms) = signed
            .await
            .map_err(|error| internal(error.to_string()))?
            .map_err(|error| internal(format!("{error:#}")))?;
        tracing::info!(
            component = "coordinator",
            event = "attested",
            receipt_id = %terms.receipt_id,
            job_id = %terms.job_id,
            miner = %terms.miner,
            good = attestation.is_good_for(&terms),
            exists,
            paid,
            not_double_spent = attestation.not_double_spent,
        );
        Ok(attestation)
    }

    async fn check_signature(&self, asked: &Asked) -> Result<(), Denied> {
        let request = &asked.request;
        if request.chain_id != self.chain_id {
            return Err(Denied::refused(
                "wrong_chain_id",
                format!(
                    "field chain_id is {}, but this coordinator attests for {}",
                    request.chain_id, self.chain_id
                ),
            ));
        }
        let key = match asked.miner_pubkey {
            Some(key) => key,
            None => self.key_on_chain(&request.miner).await?,
        };
        let owner = Address::of(&key);
        if owner != request.miner {
            return Err(Denied::refused(
                "miner_mismatch",
                format!(
                    "field miner is {}, but miner_pubkey is that of {owner}",
                    request.miner
                ),
            ));
        }
        let signed = request.terms().sign_bytes(&self.chain_id);
        if !key.verifies(&signed, &request.miner_sig) {
            return Err(Denied::refused(
                "invalid_miner_signature",
                "field miner_sig does not verify for this receipt on this chain",
            ));
        }
        Ok(())
    }

    /// The key in an account's record, which the node shows with its proof.
    async fn key_on_chain(&self, miner: &Address) -> Result<PublicKey, Denied> {
        self.check_chain().await?;
        let path = format!("/rpc/getBalance/{miner}?prove=true");
        let answer: Value = self.node.get(&path).await.map_err(away)?;
        let record = answer.pointer("/proof/value").and_then(Value::as_str);
        let account: Option<Account> = record.and_then(|record| serde_json::from_str(record).ok());
        account.and_then(|account| account.pubkey).ok_or_else(|| {
            Denied::too_early(
                "miner_key_unknown",
                format!(
                    "the chain does not know the key of {miner} yet, so miner_sig cannot be \
                     checked: add the field miner_pubkey"
                ),
            )
        })
    }

    async fn is_paid(&self, request: &AttestationRequest) -> Result<bool, Denied> {
        self.check_chain().await?;
        // The head first: what is read after it is at least as new.
        let head = self.node.head().await.map_err(away)?.height;
        if head < request.opened_height {
            return Err(Denied::too_early(
                "height_unknown",
                format!(
                    "field opened_height is {}, but the node is at block {head}: ask again",
                    request.opened_height
                ),
            ));
        }
        let escrow = self.node.escrow(&request.client, &request.job_id);
        let escrow = escrow.await.map_err(away)?;
        let next = head.saturating_add(1);
        Ok(rules::is_paid(
            escrow.as_ref(),
            request,
            &self.address,
            next,
        ))
    }

    async fn check_chain(&self) -> Result<(), Denied> {
        if self.same_chain.get().is_some() {
            return Ok(());
        }
        let health: Health = self.node.health().await.map_err(away)?;
        if health.chain_id != self.chain_id {
            return Err(Denied::too_early(
                "node_of_other_chain",
                format!(
                    "the node at {} is of chain {}, not of {}",
                    self.node.base(),
                    health.chain_id,
                    self.chain_id
                ),
            ));
        }
        self.same_chain.get_or_init(|| ());
        Ok(())
    }
}

/// Without its node the coordinator cannot know.
fn away(error: ClientError) -> Denied {
    tracing::warn!(component = "coordinator", event = "node_away", %error);
    Denied::too_early(
        "node_away",
        format!("the coordinator's node cannot be asked: {error}"),
    )
}

/// All routes.
pub fn router(coordinator: Shared) -> Router {
    Router::new()
        .route("/attest/receipt", post(attest))
        .route("/jobs/{job_id}", get(job))
        .route("/health", get(health))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(coordinator)
}

async fn attest(
    State(coordinator): State<Shared>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Attestation>, Denied> {
    let body = body.map_err(|rejection| Denied {
        status: rejection.status(),
        code: "too_large",
        message: format!("the body must have at most {MAX_BODY_BYTES} bytes"),
    })?;
    let attested = match parse(&body) {
        Ok(asked) => coordinator.attest(asked).await,
        Err(denied) => Err(denied),
    };
    attested.map(Json).inspect_err(|denied| {
        tracing::info!(
            component = "coordinator",
            event = "denied",
            code = denied.code,
            message = denied.message
        );
    })
}

async fn job(
    State(coordinator): State<Shared>,
    Path(job): Path<String>,
) -> Result<Json<JobInfo>, Denied> {
    let job: JobId = job.parse()?;
    Ok(Json(JobInfo {
        exists: rules::exists(&job),
        quote: rules::quote(&job, &coordinator.limits),
    }))
}

async fn health(State(coordinator): State<Shared>) -> Json<Value> {
    Json(json!({
        "status": "ok",
        "chain_id": coordinator.chain_id,
        "coordinator": coordinator.address,
        "attested": coordinator.attested(),
    }))
}

async fn unknown() -> Denied {
    Denied {
        status: StatusCode::NOT_FOUND,
        code: "not_found",
        message: "there are POST /attest/receipt, GET /jobs/{job_id} and GET /health".to_owned(),
    }
}
