//! Owns what is counted of CometBFT and of coordinators, for Prometheus.

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry,
    exponential_buckets,
};

/// What a node counts beside consensus.
pub(crate) struct Metrics {
    /// `ait_peers`: CometBFT's peers.
    pub peers: IntGauge,
    /// `ait_comet_request_seconds{method}`: time of CometBFT's JSON-RPC.
    pub comet: HistogramVec,
    /// `ait_attestation_requests_total{outcome}`: requests to coordinators.
    pub attestations: IntCounterVec,
    /// `ait_attestation_seconds`: time of one request to a coordinator.
    pub attestation_seconds: Histogram,
}

impl Metrics {
    /// Makes them and registers each.
    ///
    /// # Errors
    /// When a name is taken: there is one node for each registry.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let latencies = exponential_buckets(0.000_5, 2.5, 12)?;
        let histogram =
            |name: &str, help: &str| HistogramOpts::new(name, help).buckets(latencies.clone());
        let metrics = Self {
            peers: IntGauge::new("ait_peers", "Peers of CometBFT")?,
            comet: HistogramVec::new(
                histogram(
                    "ait_comet_request_seconds",
                    "Seconds of a request to CometBFT",
                ),
                &["method"],
            )?,
            attestations: IntCounterVec::new(
                Opts::new(
                    "ait_attestation_requests_total",
                    "Requests to coordinators by outcome",
                ),
                &["outcome"],
            )?,
            attestation_seconds: Histogram::with_opts(histogram(
                "ait_attestation_seconds",
                "Seconds of a request to a coordinator",
            ))?,
        };
        registry.register(Box::new(metrics.peers.clone()))?;
        registry.register(Box::new(metrics.comet.clone()))?;
        registry.register(Box::new(metrics.attestations.clone()))?;
        registry.register(Box::new(metrics.attestation_seconds.clone()))?;
        Ok(metrics)
    }
}
