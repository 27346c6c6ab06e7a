//! Owns the mock coordinator's HTTP routes, and the order in which it judges a receipt: form, chain, the
//! miner's signature, what was answered before, the chain's escrow, the ledger. It signs last.

use std::sync::{Mutex, PoisonError};

use ait_app::{
    identifiers::JobId,
    json,
    receipts::{
        attestation::{Attestation, Facts},
        terms::{AttestationRequest, ReceiptTerms},
    },
};
use ait_client::{Assigned, JobInfo};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State, rejection::BytesRejection},
    http::StatusCode,
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    ledger::{Answer, Ledger, Opening},
    request::{Asked, Denied, FactsRequest, MAX_BODY_BYTES, internal, parse},
    rules::{self, Shown},
    state::{Coordinator, Shared},
};

impl Coordinator {
    /// How many receipts it answered.
    pub fn attested(&self) -> usize {
        locked(&self.ledger).len()
    }

    /// Does something with the ledger. It syncs its file: nothing for a thread that serves sockets.
    pub(super) async fn with_ledger<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Ledger) -> Result<T, Denied> + Send + 'static,
    ) -> Result<T, Denied> {
        let ledger = self.ledger.clone();
        let done = tokio::task::spawn_blocking(move || work(&mut locked(&ledger))).await;
        done.map_err(internal)?
    }

    async fn attest(&self, request: AttestationRequest) -> Result<Attestation, Denied> {
        self.check_signature(&request).await?;
        let terms = request.terms();
        let facts = match self.answered(&terms).await? {
            Some(facts) => facts,
            None => {
                let opening = Opening::of(&terms);
                let key = self.wallet.key().public_key();
                let shown = self
                    .chain
                    .opening(&opening, &self.wallet.address(), &key)
                    .await?;
                self.decide(&terms, shown).await?
            }
        };
        let attestation = Attestation::sign(
            &self.chain.id,
            &terms,
            facts,
            self.wallet.address(),
            self.wallet.key(),
        );
        tracing::info!(
            component = "coordinator",
            event = "attested",
            receipt_id = %terms.receipt_id,
            job_id = %terms.job_id,
            miner = %terms.miner,
            answer = ?attestation.answer(&terms),
            exists = facts.exists,
            paid = facts.paid,
        );
        Ok(attestation)
    }

    /// What was answered about a receipt before: the same is said again.
    async fn answered(&self, terms: &ReceiptTerms) -> Result<Option<Facts>, Denied> {
        let (opening, name) = (Opening::of(terms), self.name(terms));
        self.with_ledger(move |ledger| {
            let job = ledger.job(&opening);
            Ok(job.answer(&name).map(Answer::facts))
        })
        .await
    }

    /// Decides and notes the answer, with nobody in between.
    async fn decide(&self, terms: &ReceiptTerms, shown: Shown) -> Result<Facts, Denied> {
        let (opening, name) = (Opening::of(terms), self.name(terms));
        let (terms, limits) = (terms.clone(), self.limits);
        self.with_ledger(move |ledger| {
            let job = ledger.job(&opening);
            if let Some(answer) = job.answer(&name) {
                return Ok(answer.facts());
            }
            let facts = rules::judge(&terms, &shown, &job, &limits)?;
            let answer = Answer::new(&terms, facts);
            ledger.attest(&opening, name, answer).map_err(internal)?;
            Ok(facts)
        })
        .await
    }

    /// What a receipt is noted under: all that its miner signed.
    fn name(&self, terms: &ReceiptTerms) -> String {
        hex::encode(terms.sign_bytes(&self.chain.id))
    }

    async fn check_signature(&self, request: &AttestationRequest) -> Result<(), Denied> {
        if request.chain_id != self.chain.id {
            return Err(Denied::refused(
                "wrong_chain_id",
                format!(
                    "field chain_id is {}, but this coordinator attests for {}",
                    request.chain_id, self.chain.id
                ),
            ));
        }
        let key = self
            .chain
            .key_of(&request.miner, request.miner_pubkey)
            .await?;
        let signed = request.terms().sign_bytes(&self.chain.id);
        if !key.verifies(&signed, &request.miner_sig) {
            return Err(Denied::refused(
                "invalid_miner_signature",
                "field miner_sig does not verify for this receipt, opening and chain",
            ));
        }
        Ok(())
    }

    /// The four facts, unsigned, as of the escrow as it is. They commit to nothing.
    async fn facts(&self, asked: &FactsRequest) -> Result<Value, Denied> {
        let (head, escrow) = self.chain.escrow(&asked.client, &asked.job_id).await?;
        let ours = escrow.filter(|escrow| escrow.attester(&self.wallet.address()).is_some());
        let mut paid = false;
        let mut not_double_spent = true;
        if let Some(escrow) = ours {
            let remaining = escrow.remaining_in(head.next());
            paid = remaining.is_some_and(|remaining| asked.price.get() <= remaining);
            let opening = Opening {
                client: asked.client,
                job_id: asked.job_id.clone(),
                opened_height: escrow.opened_height,
            };
            let job = self
                .with_ledger(move |ledger| Ok(ledger.job(&opening)))
                .await?;
            let same = |answer: &Answer| {
                answer.miner == asked.miner
                    && answer.price == asked.price.get()
                    && answer.compute_units == asked.compute_units.get()
            };
            not_double_spent = escrow.partial || job.good().all(same);
        }
        Ok(json!({
            "exists": rules::exists(&asked.job_id, &self.limits),
            "paid": paid,
            "not_double_spent": not_double_spent,
            "quote": rules::quote(&asked.job_id, &self.limits),
        }))
    }
}

fn locked(ledger: &Mutex<Ledger>) -> std::sync::MutexGuard<'_, Ledger> {
    // A ledger writes whole lines or says that it is broken, so no panic leaves it half-made.
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All routes.
pub fn router(coordinator: Shared) -> Router {
    Router::new()
        .route("/attest/receipt", post(attest))
        .route("/assign", post(assign))
        .route("/jobs/{job_id}", get(job))
        .route("/health", get(health))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(coordinator)
}

type Body = Result<Bytes, BytesRejection>;

fn read(body: Body) -> Result<Bytes, Denied> {
    body.map_err(|rejection| Denied {
        status: rejection.status(),
        code: "too_large",
        message: format!("the body must have at most {MAX_BODY_BYTES} bytes"),
    })
}

async fn attest(State(coordinator): State<Shared>, body: Body) -> Result<Json<Value>, Denied> {
    let answer = async {
        match parse(&read(body)?)? {
            Asked::Receipt(request) => Ok(json!(coordinator.attest(*request).await?)),
            Asked::Facts(request) => coordinator.facts(&request).await,
        }
    };
    answer.await.map(Json).inspect_err(log)
}

async fn assign(State(coordinator): State<Shared>, body: Body) -> Result<Json<Assigned>, Denied> {
    let answer = async {
        let request = json::read(&read(body)?, "")?;
        coordinator.assign(&request).await
    };
    answer.await.map(Json).inspect_err(log)
}

fn log(denied: &Denied) {
    tracing::info!(
        component = "coordinator",
        event = "denied",
        code = denied.code,
        message = denied.message
    );
}

async fn job(
    State(coordinator): State<Shared>,
    Path(job): Path<String>,
) -> Result<Json<JobInfo>, Denied> {
    let job: JobId = job.parse()?;
    Ok(Json(JobInfo {
        exists: rules::exists(&job, &coordinator.limits),
        quote: rules::quote(&job, &coordinator.limits),
    }))
}

async fn health(State(coordinator): State<Shared>) -> Json<Value> {
    Json(json!({
        "status": "ok",
        "chain_id": coordinator.chain.id,
        "coordinator": coordinator.address(),
        "attested": coordinator.attested(),
    }))
}

async fn unknown() -> Denied {
    Denied {
        status: StatusCode::NOT_FOUND,
        code: "not_found",
        message: "there are POST /attest/receipt, POST /assign, GET /jobs/{job_id} and GET /health"
            .to_owned(),
    }
}
