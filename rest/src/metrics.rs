//! Owns what REST counts, for Prometheus; it joins the node's own metrics in the
//! node's registry.

use ait_abci::CommittedState;
use ait_app::{InvariantViolation, state::View};
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntGauge, Registry, exponential_buckets,
};

/// REST's own metrics.
pub struct Metrics {
    /// `ait_block_interval_seconds`: time from one commit to the next, as seen here.
    pub block_interval: Histogram,
    /// `ait_http_request_seconds{method,route,status}`: time to answer.
    pub http: HistogramVec,
    /// `ait_rate_limited_total`: requests refused as too many.
    pub rate_limited: IntCounter,
    /// `ait_websockets`: open ones.
    pub websockets: IntGauge,
    /// Of the committed state.
    state: StateMetrics,
}

/// What the committed state says of itself; brought up to date when somebody asks.
struct StateMetrics {
    /// `ait_validators`: validators of the set last sent to CometBFT.
    validators: IntGauge,
    /// `ait_validators_power`: their power.
    power: IntGauge,
    /// `ait_stakes_uait`: staked uait.
    stakes: IntGauge,
    /// `ait_bonds_uait`: uait bonded by coordinators.
    bonds: IntGauge,
    /// `ait_escrows_uait`: uait in open escrows.
    escrows: IntGauge,
    /// `ait_minted_uait`: uait minted ever.
    minted: IntGauge,
    /// `ait_burned_uait`: uait slashed ever.
    burned: IntGauge,
}

impl StateMetrics {
    fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| -> Result<IntGauge, prometheus::Error> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        Ok(Self {
            validators: gauge("ait_validators", "Validators, as CometBFT was last told")?,
            power: gauge(
                "ait_validators_power",
                "Voting power of all validators, as CometBFT was last told",
            )?,
            stakes: gauge("ait_stakes_uait", "Staked uait")?,
            bonds: gauge("ait_bonds_uait", "uait bonded by coordinators")?,
            escrows: gauge("ait_escrows_uait", "uait in open escrows")?,
            minted: gauge("ait_minted_uait", "Minted uait since the genesis")?,
            burned: gauge("ait_burned_uait", "Slashed uait since the genesis")?,
        })
    }
}

impl Metrics {
    /// Makes them and registers each.
    ///
    /// # Errors
    /// When a name is taken: REST is served once for each node.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let latencies = exponential_buckets(0.000_5, 2.5, 12)?;
        let histogram =
            |name: &str, help: &str| HistogramOpts::new(name, help).buckets(latencies.clone());
        let metrics = Self {
            block_interval: Histogram::with_opts(histogram(
                "ait_block_interval_seconds",
                "Seconds from one committed block to the next",
            ))?,
            http: HistogramVec::new(
                histogram(
                    "ait_http_request_seconds",
                    "Seconds to answer a REST request",
                ),
                &["method", "route", "status"],
            )?,
            rate_limited: IntCounter::new(
                "ait_rate_limited_total",
                "Requests refused because their client sent too many",
            )?,
            websockets: IntGauge::new("ait_websockets", "Open WebSockets")?,
            state: StateMetrics::register(registry)?,
        };
        registry.register(Box::new(metrics.block_interval.clone()))?;
        registry.register(Box::new(metrics.http.clone()))?;
        registry.register(Box::new(metrics.rate_limited.clone()))?;
        registry.register(Box::new(metrics.websockets.clone()))?;
        Ok(metrics)
    }

    /// Takes the gauges of the state from a committed one.
    ///
    /// # Errors
    /// [`InvariantViolation`] when the state has no supply.
    pub fn show_state(&self, committed: &CommittedState) -> Result<(), InvariantViolation> {
        let set =
            |gauge: &IntGauge, value: u64| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        let validators = committed.state.sent_validators();
        let powers = validators.values().map(|validator| validator.power.get());
        let supply = committed.state.supply()?;
        set(
            &self.state.validators,
            u64::try_from(validators.len()).unwrap_or(u64::MAX),
        );
        set(&self.state.power, powers.fold(0, u64::saturating_add));
        set(&self.state.stakes, supply.stakes.get());
        set(&self.state.bonds, supply.bonds.get());
        set(&self.state.escrows, supply.escrows.get());
        set(&self.state.minted, supply.minted.get());
        set(&self.state.burned, supply.burned.get());
        Ok(())
    }
}
