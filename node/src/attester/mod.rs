//! Owns asking coordinators, in the background, about claims that bring no attestation (PROTOCOL section 4). It
//! asks the configured address of the escrow's coordinator and nothing else, and only hands answers to the
//! node: what is signed rightly and what is good, the node judges. No HTTP in consensus.

mod coordinator;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use ait_abci::{Arrival, Mempool, WantedAttestation};
use ait_app::{address::Address, receipts::attestation::Attestation, tx::TxHash};
use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::{
    sync::Semaphore,
    task::{AbortHandle, JoinSet},
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    config::{Config, ConfigError},
    metrics::Metrics,
    stop::Stop,
    unanswered::off_thread,
};
use coordinator::{AskError, Coordinator, Limits};

/// Requests under way in all.
const MAX_REQUESTS: usize = 128;
/// How often the wanted claims are looked through, besides when the node tells of a new one.
const INTERVAL: Duration = Duration::from_secs(1);
/// How soon they may be looked through again, however many claims begin to wait.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(50);
/// The first pause after a failed request; it doubles up to [`LONGEST_PAUSE`], with jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Asks coordinators until the node stops.
pub struct Attester {
    mempool: Mempool,
    metrics: Arc<Metrics>,
    coordinators: BTreeMap<Address, Arc<Coordinator>>,
    requests: Semaphore,
}

impl Attester {
    /// An attester that asks the configured coordinators, and no others.
    ///
    /// # Errors
    /// [`ConfigError`] names the URL that can't be used.
    pub fn new(
        config: &Config,
        mempool: Mempool,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ConfigError> {
        let coordinators = config
            .coordinator_urls
            .iter()
            .map(|(address, url)| {
                let coordinator =
                    Coordinator::new(*address, url, &config.trust, Limits::default())?;
                Ok((*address, Arc::new(coordinator)))
            })
            .collect::<Result<_, ConfigError>>()?;
        Ok(Self {
            mempool,
            metrics,
            coordinators,
            requests: Semaphore::new(MAX_REQUESTS),
        })
    }
}

/// Asks about every claim that waits, each in a task of its own, until the node stops.
pub async fn run(attester: Attester, stop: Stop) {
    let attester = Arc::new(attester);
    let wanted_more = attester.mempool.attestation_wanted_notify();
    let mut looks = interval(INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tasks = JoinSet::new();
    let mut asked: BTreeMap<TxHash, AbortHandle> = BTreeMap::new();
    let mut strangers: BTreeSet<Address> = BTreeSet::new();
    loop {
        tokio::select! {
            () = wanted_more.notified() => {}
            _ = looks.tick() => {}
            () = stop.begun() => return,
        }
        while tasks.try_join_next().is_some() {}
        let mempool = attester.mempool.clone();
        // It looks through all of it.
        let Ok(Ok(wanted)) = off_thread(move || mempool.attestations_wanted()).await else {
            continue;
        };
        let hashes: BTreeSet<TxHash> = wanted.iter().map(|wanted| wanted.hash).collect();
        asked.retain(|hash, task| {
            let keep = hashes.contains(hash) && !task.is_finished();
            if !keep {
                task.abort();
            }
            keep
        });
        for claim in wanted {
            if asked.contains_key(&claim.hash) {
                continue;
            }
            let Some(coordinator) = attester.coordinators.get(&claim.coordinator) else {
                if strangers.insert(claim.coordinator) {
                    tracing::warn!(
                        component = "attester", event = "coordinator_without_url",
                        coordinator = %claim.coordinator,
                    );
                }
                continue;
            };
            let hash = claim.hash;
            let task = ask_until_answered(attester.clone(), coordinator.clone(), claim);
            asked.insert(hash, tasks.spawn(task));
        }
        sleep(SHORTEST_INTERVAL).await;
    }
}

/// Asks about one claim until the node takes an answer. The task is ended from outside when the claim is no
/// longer wanted.
async fn ask_until_answered(
    attester: Arc<Attester>,
    coordinator: Arc<Coordinator>,
    claim: WantedAttestation,
) {
    let pauses = ExponentialBuilder::new()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_jitter()
        .without_max_times()
        .build();
    for pause in pauses {
        let answer = {
            // The coordinator's own place first: waiting for a slow one occupies none of the common ones.
            let _own = coordinator.place().await;
            let _common = attester.requests.acquire().await;
            let timer = attester.metrics.attestation_seconds.start_timer();
            let answer = coordinator.ask(&claim.request).await;
            timer.observe_duration();
            answer
        };
        let outcome = match answer {
            Ok(attestation) => hand_over(&attester.mempool, &claim, attestation).await,
            Err(error) => {
                report(&claim, &error);
                error.name()
            }
        };
        let count = attester.metrics.attestations.with_label_values(&[outcome]);
        count.inc();
        if outcome == ANSWERED {
            return;
        }
        sleep(pause).await;
    }
}

const ANSWERED: &str = "answered";

async fn hand_over(
    mempool: &Mempool,
    claim: &WantedAttestation,
    attestation: Attestation,
) -> &'static str {
    let (mempool, hash) = (mempool.clone(), claim.hash);
    let arrived = off_thread(move || mempool.attestation_arrived(&hash, attestation)).await;
    match arrived {
        Ok(Ok(Arrival::Taken)) => {
            tracing::info!(
                component = "attester", event = "attestation_arrived",
                hash = %claim.hash, coordinator = %claim.coordinator,
            );
            ANSWERED
        }
        Ok(Ok(Arrival::Refused(refusal))) => {
            tracing::warn!(
                component = "attester", event = "attestation_refused",
                hash = %claim.hash, coordinator = %claim.coordinator, reason = %refusal,
            );
            "refused"
        }
        Ok(Err(_)) | Err(_) => "failed",
    }
}

fn report(claim: &WantedAttestation, error: &AskError) {
    if matches!(error, AskError::NotYet) {
        tracing::debug!(
            component = "attester", event = "attestation_not_ready",
            hash = %claim.hash, coordinator = %claim.coordinator,
        );
    } else {
        tracing::warn!(
            component = "attester", event = "attestation_failed",
            hash = %claim.hash, coordinator = %claim.coordinator, reason = %error,
        );
    }
}
