//! Owns what the node counts of itself, for Prometheus. Never read by the state machine.

use ait_app::{
    Code,
    block::{BlockOutcome, Entry},
};
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use crate::records::{BlockInfo, PoolStats, Verdict};

/// From a CheckTx, 50 µs, to a block that takes too long.
const SECONDS: [f64; 12] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0,
];

/// The node's own metrics and the registry that others add theirs to.
pub struct Metrics {
    /// All metrics of the process.
    pub registry: Registry,
    /// `ait_abci_seconds{method}`: time to answer CometBFT.
    pub abci_seconds: HistogramVec,
    /// `ait_check_tx_total{code}`: CheckTx answers by code name; `ok`, `parked`, `waiting`.
    pub check_tx: IntCounterVec,
    /// `ait_envelopes_total{code}`: CheckTx answers to envelopes by code name; `ok`. Their lines count in
    /// `ait_check_tx_total`.
    pub envelopes: IntCounterVec,
    /// `ait_tx_total{type,code}`: committed transactions.
    pub txs: IntCounterVec,
    /// `ait_mempool_transactions{kind}`: `all`, `parked`, `waiting`.
    pub mempool: IntGaugeVec,
    /// `ait_mempool_bytes`: bytes of all of them.
    pub mempool_bytes: IntGauge,
    /// `ait_payload_signatures_judged_total`: signatures inside payloads that were not remembered.
    pub judged_signatures: IntCounter,
    /// `ait_rejected_proposals_total`: proposals that this node voted against.
    pub rejected_proposals: IntCounter,
    /// `ait_height`: the last committed block.
    pub height: IntGauge,
    /// `ait_last_block_timestamp_seconds`: its time, Unix seconds.
    pub last_block: IntGauge,
    /// `ait_state_records`: records in the state.
    pub records: IntGauge,
    /// `ait_snapshot_height`: height of the newest snapshot on offer; 0 for none.
    pub snapshot_height: IntGauge,
}

impl Metrics {
    /// Registers them.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn new() -> Result<Self, prometheus::Error> {
        let metrics = Self {
            registry: Registry::new(),
            abci_seconds: HistogramVec::new(
                HistogramOpts::new("ait_abci_seconds", "Seconds to answer an ABCI request")
                    .buckets(SECONDS.to_vec()),
                &["method"],
            )?,
            check_tx: IntCounterVec::new(
                Opts::new("ait_check_tx_total", "CheckTx answers by code"),
                &["code"],
            )?,
            envelopes: IntCounterVec::new(
                Opts::new(
                    "ait_envelopes_total",
                    "CheckTx answers to envelopes by code",
                ),
                &["code"],
            )?,
            txs: IntCounterVec::new(
                Opts::new("ait_tx_total", "Committed transactions by type and code"),
                &["type", "code"],
            )?,
            mempool: IntGaugeVec::new(
                Opts::new(
                    "ait_mempool_transactions",
                    "Transactions in the node's own mempool by kind",
                ),
                &["kind"],
            )?,
            mempool_bytes: IntGauge::new("ait_mempool_bytes", "Bytes of these transactions")?,
            judged_signatures: IntCounter::new(
                "ait_payload_signatures_judged_total",
                "Signatures inside payloads that had to be judged, since none was remembered",
            )?,
            rejected_proposals: IntCounter::new(
                "ait_rejected_proposals_total",
                "Proposals that this node voted against",
            )?,
            height: IntGauge::new("ait_height", "Height of the last committed block")?,
            last_block: IntGauge::new(
                "ait_last_block_timestamp_seconds",
                "Time of the last committed block in Unix seconds",
            )?,
            records: IntGauge::new("ait_state_records", "Records in the committed state")?,
            snapshot_height: IntGauge::new(
                "ait_snapshot_height",
                "Height of the newest snapshot that is offered; 0 for none",
            )?,
        };
        let registry = &metrics.registry;
        registry.register(Box::new(metrics.abci_seconds.clone()))?;
        registry.register(Box::new(metrics.check_tx.clone()))?;
        registry.register(Box::new(metrics.envelopes.clone()))?;
        registry.register(Box::new(metrics.txs.clone()))?;
        registry.register(Box::new(metrics.mempool.clone()))?;
        registry.register(Box::new(metrics.mempool_bytes.clone()))?;
        registry.register(Box::new(metrics.judged_signatures.clone()))?;
        registry.register(Box::new(metrics.rejected_proposals.clone()))?;
        registry.register(Box::new(metrics.height.clone()))?;
        registry.register(Box::new(metrics.last_block.clone()))?;
        registry.register(Box::new(metrics.records.clone()))?;
        registry.register(Box::new(metrics.snapshot_height.clone()))?;
        Ok(metrics)
    }

    /// Shows which block is the last.
    pub fn show_head(&self, head: &BlockInfo) {
        self.height.set(gauge_value(head.height));
        self.last_block.set(head.time);
    }

    /// Counts an answer of CheckTx to a transaction that is new.
    pub fn count_check(&self, verdict: &Verdict) {
        self.check_tx.with_label_values(&[label(verdict)]).inc();
    }

    /// Counts an answer of CheckTx to an envelope.
    pub fn count_envelope(&self, verdict: &Verdict) {
        self.envelopes.with_label_values(&[label(verdict)]).inc();
    }

    /// Counts a block that was just written.
    pub fn count_block(&self, head: &BlockInfo, entries: &[Entry], outcome: &BlockOutcome) {
        for (entry, result) in entries.iter().zip(&outcome.results) {
            let kind = match entry {
                Entry::Transaction(verified) => verified.tx.payload.kind(),
                Entry::Attestations(_) => "ATTESTATIONS",
                Entry::Invalid(_) => "invalid",
            };
            let code = Code::from_number(result.code).map_or("ok", |code| code.name());
            self.txs.with_label_values(&[kind, code]).inc();
        }
        self.show_head(head);
        self.records.set(gauge_value(outcome.state.len()));
    }

    /// Shows how full the pool is.
    pub fn show_pool(&self, pool: &PoolStats) {
        for (kind, count) in [
            ("all", pool.transactions),
            ("parked", pool.parked),
            ("waiting", pool.waiting_for_attestation),
        ] {
            let gauge = self.mempool.with_label_values(&[kind]);
            gauge.set(gauge_value(count));
        }
        self.mempool_bytes.set(gauge_value(pool.bytes));
    }
}

fn label(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Ready => "ok",
        Verdict::WaitsForAttestation => "waiting",
        Verdict::Parked(_) => "parked",
        Verdict::Refused(refusal) => refusal.code.name(),
    }
}

fn gauge_value(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}
