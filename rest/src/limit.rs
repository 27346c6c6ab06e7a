//! Owns how often one client may send, and how often it may ask for what takes work (PROTOCOL section 9): a token
//! bucket for each client address.
//!
//! Memory is bounded by construction: addresses are hashed, with a key of this process, onto a fixed number of
//! buckets. Two clients share one rarely, and nobody can choose whose to share.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    num::NonZeroU32,
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};

use crate::caller::subscriber;

/// Buckets: a few MiB when every one is in use.
const BUCKETS: u64 = 65_536;

/// The rate limit of all clients.
pub struct Limiter {
    limiter: DefaultKeyedRateLimiter<u64>,
    per_second: NonZeroU32,
    hasher: RandomState,
}

impl Limiter {
    /// `per_second` requests for each client address, `burst` of them at once.
    pub fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        Self {
            limiter: RateLimiter::keyed(Quota::per_second(per_second).allow_burst(burst)),
            per_second,
            hasher: RandomState::new(),
        }
    }

    /// How many a second each client may have.
    pub fn per_second(&self) -> u32 {
        self.per_second.get()
    }

    /// Takes so many of what this client may send.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn take(&self, client: IpAddr, count: NonZeroU32) -> Result<(), TooMany> {
        let bucket = self.hasher.hash_one(subscriber(client)) % BUCKETS;
        match self.limiter.check_key_n(&bucket, count) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => {
                let wait = until.wait_time_from(self.limiter.clock().now());
                Err(TooMany::ForNow {
                    seconds: wait.as_secs().saturating_add(1),
                })
            }
            Err(capacity) => Err(TooMany::AtOnce { most: capacity.0 }),
        }
    }
}

/// Why a client is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMany {
    /// It sent too many just before.
    ForNow {
        /// Whole seconds to wait, at least one.
        seconds: u64,
    },
    /// It sends more than may ever come at once.
    AtOnce {
        /// As many may.
        most: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(burst: u32) -> Limiter {
        Limiter::new(NonZeroU32::MIN, NonZeroU32::new(burst).unwrap())
    }

    fn taken(limiter: &Limiter, client: &str, tries: usize) -> usize {
        let client = client.parse().unwrap();
        let one = NonZeroU32::MIN;
        (0..tries)
            .filter(|_| limiter.take(client, one).is_ok())
            .count()
    }

    #[test]
    fn a_client_that_spent_its_burst_is_refused_and_others_are_not() {
        let limiter = limiter(20);
        let first = taken(&limiter, "192.0.2.1", 100);
        assert!((20..100).contains(&first), "{first}");
        let refused = limiter.take("192.0.2.1".parse().unwrap(), NonZeroU32::MIN);
        assert!(matches!(refused, Err(TooMany::ForNow { seconds: 1.. })));
        assert_eq!(taken(&limiter, "192.0.2.2", 20), 20);
    }

    #[test]
    fn many_at_once_count_one_by_one() {
        let limiter = limiter(20);
        let client: IpAddr = "192.0.2.1".parse().unwrap();
        let take = |count| limiter.take(client, NonZeroU32::new(count).unwrap());
        assert_eq!(take(21), Err(TooMany::AtOnce { most: 20 }));
        assert_eq!(take(15), Ok(()));
        assert!(matches!(take(15), Err(TooMany::ForNow { .. })));
        assert_eq!(take(5), Ok(()));
    }

    #[test]
    fn a_million_clients_fill_no_more_than_the_buckets() {
        let limiter = limiter(1);
        for number in 0..1_000_000_u32 {
            let _ = limiter.take(IpAddr::V4(number.into()), NonZeroU32::MIN);
        }
        assert!(limiter.limiter.len() as u64 <= BUCKETS);
    }
}
