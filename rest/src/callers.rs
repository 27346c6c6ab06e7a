//! Owns what each caller may have (PROTOCOL section 9): how often it may send, how often it may ask for what
//! takes work, and how many requests proxies may have under way for it. Who that is, `caller` says.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use axum::http::{Extensions, HeaderMap};
use prometheus::IntCounter;

use crate::{
    caller::{Caller, Peer},
    config::Config,
    error::{ApiError, RestCode},
    limit::{Limiter, TooMany},
    shares::{Share, Shares},
};

/// The limits of all callers.
pub struct Callers {
    /// Peers whose forwarded header counts.
    proxies: Vec<IpAddr>,
    /// On a development network no limit holds for who surely runs on this machine.
    spares_local: bool,
    sends: Limiter,
    reads: Limiter,
    /// Requests under way that proxies sent, by caller.
    forwarded: Arc<Shares>,
    /// `ait_rate_limited_total`.
    refused: IntCounter,
}

impl Callers {
    /// As it is configured; `refused` counts requests that come too often.
    pub fn new(config: &Config, refused: IntCounter) -> Self {
        let proxies = config.trusted_proxies.iter().map(IpAddr::to_canonical);
        Self {
            proxies: proxies.collect(),
            spares_local: config.devnet,
            sends: Limiter::new(config.rate_per_second, config.rate_burst),
            reads: Limiter::new(config.reads_per_second, config.reads_burst),
            forwarded: Shares::new(config.max_connections_per_address),
            refused,
        }
    }

    /// Peers that speak for others.
    pub fn proxies(&self) -> &[IpAddr] {
        &self.proxies
    }

    /// Who sends a request.
    ///
    /// # Errors
    /// 500 for a request that came over no connection of ours.
    pub fn of(&self, extensions: &Extensions, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let peer = extensions.get::<Peer>();
        let peer = peer.ok_or_else(|| ApiError::internal("a request without a peer"))?;
        Ok(Caller::of(peer.0.ip(), headers, &self.proxies))
    }

    /// Whether no limit holds for a caller.
    pub fn is_exempt(&self, caller: &Caller) -> bool {
        self.spares_local && caller.is_local
    }

    /// Takes one more of the requests that a proxy may have under way for a caller.
    ///
    /// # Errors
    /// 429 where it has as many as it may.
    pub fn take_place(&self, caller: &Caller) -> Result<Option<Share>, ApiError> {
        if !caller.is_forwarded || self.is_exempt(caller) {
            return Ok(None);
        }
        let share = self.forwarded.take(caller.address);
        let share = share.ok_or_else(|| {
            let most = self.forwarded.most();
            let message = format!("{} has {most} requests under way", caller.address);
            let error = ApiError::new(RestCode::AddressLimit, message).detail("limit", most);
            error.retry_after(1)
        })?;
        Ok(Some(share))
    }

    /// Takes a read that takes work: a whole block, a proof or a simulation.
    ///
    /// # Errors
    /// 429 where the caller has none left.
    pub fn take_read(&self, caller: &Caller) -> Result<(), ApiError> {
        if self.is_exempt(caller) {
            return Ok(());
        }
        let Err(too_many) = self.reads.take(caller.address, NonZeroU32::MIN) else {
            return Ok(());
        };
        self.refused.inc();
        let (limit, address) = (self.reads.per_second(), caller.address);
        let message = format!(
            "{address} asks for more than {limit} whole blocks, proofs and simulations a second"
        );
        let seconds = match too_many {
            TooMany::ForNow { seconds } => seconds,
            TooMany::AtOnce { .. } => 1,
        };
        let error = ApiError::new(RestCode::RateLimited, message).detail("limit", limit);
        Err(error.retry_after(seconds))
    }

    /// Takes so many of the transactions that a caller may send.
    ///
    /// # Errors
    /// 429 where it has not as many left.
    pub fn take_sends(&self, caller: &Caller, count: NonZeroU32) -> Result<(), ApiError> {
        if self.is_exempt(caller) {
            return Ok(());
        }
        let Err(too_many) = self.sends.take(caller.address, count) else {
            return Ok(());
        };
        self.refused.inc();
        let address = caller.address;
        Err(match too_many {
            TooMany::ForNow { seconds } => {
                let message = format!("{address} sends too many transactions");
                ApiError::new(RestCode::RateLimited, message).retry_after(seconds)
            }
            TooMany::AtOnce { most } => {
                let message = format!("{address} may send at most {most} transactions at once");
                ApiError::new(RestCode::RateLimited, message).detail("limit", most)
            }
        })
    }
}
