//! Owns what REST and the attester count, for Prometheus; it joins the node's own metrics in the
//! node's registry.

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    exponential_buckets,
};

/// REST's own metrics.
pub struct Metrics {
    /// `ait_block_interval_seconds`: time from one commit to the next, as seen here.
    pub block_interval: Histogram,
    /// `ait_peers`: CometBFT's peers.
    pub peers: IntGauge,
    /// `ait_http_request_seconds{method,route,status}`: time to answer.
    pub http: HistogramVec,
    /// `ait_comet_request_seconds{method}`: time of CometBFT's JSON-RPC.
    pub comet: HistogramVec,
    /// `ait_rate_limited_total`: requests refused as too many.
    pub rate_limited: IntCounter,
    /// `ait_websockets`: open ones.
    pub websockets: IntGauge,
    /// `ait_attestation_requests_total{outcome}`: requests to coordinators.
    pub attestations: IntCounterVec,
    /// `ait_attestation_seconds`: time of one request to a coordinator.
    pub attestation_seconds: Histogram,
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
            peers: IntGauge::new("ait_peers", "Peers of CometBFT")?,
            http: HistogramVec::new(
                histogram(
                    "ait_http_request_seconds",
                    "Seconds to answer a REST request",
                ),
                &["method", "route", "status"],
            )?,
            comet: HistogramVec::new(
                histogram(
                    "ait_comet_request_seconds",
                    "Seconds of a request to CometBFT",
                ),
                &["method"],
            )?,
            rate_limited: IntCounter::new(
                "ait_rate_limited_total",
                "Requests refused because their client sent too many",
            )?,
            websockets: IntGauge::new("ait_websockets", "Open WebSockets")?,
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
        registry.register(Box::new(metrics.block_interval.clone()))?;
        registry.register(Box::new(metrics.peers.clone()))?;
        registry.register(Box::new(metrics.http.clone()))?;
        registry.register(Box::new(metrics.comet.clone()))?;
        registry.register(Box::new(metrics.rate_limited.clone()))?;
        registry.register(Box::new(metrics.websockets.clone()))?;
        registry.register(Box::new(metrics.attestations.clone()))?;
        registry.register(Box::new(metrics.attestation_seconds.clone()))?;
        Ok(metrics)
    }
}
