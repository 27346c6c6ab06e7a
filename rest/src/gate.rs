//! Owns who gets a connection: so many in all, and so many a client. One beyond these is still told so, from a
//! reserve whose connections carry a single request: `/health` and `/rpc/metrics` are answered there too, so
//! that whoever watches this node sees it while everything else is taken. Beyond the reserve there is silence.

use std::{net::IpAddr, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    error::{ApiError, RestCode},
    shares::{Share, Shares},
};

/// Connections of the reserve.
const RESERVE: u32 = 64;
/// Connections of the operator's own listener.
pub const OPS_CONNECTIONS: u32 = 64;
/// Of the reserve's a client's, at most.
const RESERVE_PER_CLIENT: u32 = 4;
/// After how many seconds whoever found no place shall come again.
const COME_AGAIN_SECONDS: u64 = 10;

/// The places of one listener.
pub struct Gate {
    places: Places,
    reserve: Places,
}

/// Places of one kind.
struct Places {
    free: Arc<Semaphore>,
    most: u32,
    /// `None` where all may be one client's.
    clients: Option<Arc<Shares>>,
}

/// A place, until it is dropped.
pub struct Place {
    _permit: OwnedSemaphorePermit,
    _share: Option<Share>,
}

/// Why a connection got no place of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// All are taken; as many there are.
    Node(u32),
    /// Its client has as many as it may.
    Client(u32),
}

/// What a connection gets.
pub enum Admission {
    /// All routes.
    Whole(Place),
    /// One request of the few routes that the reserve answers.
    Reserve(Place, Full),
}

impl Gate {
    /// So many connections, and so many of them a client's; and the reserve.
    pub fn new(most: u32, per_client: u32) -> Self {
        Self {
            places: Places::new(most, Some(per_client)),
            reserve: Places::new(RESERVE, Some(RESERVE_PER_CLIENT)),
        }
    }

    /// So many connections, whose ever, and no reserve.
    pub fn plain(most: u32) -> Self {
        Self {
            places: Places::new(most, None),
            reserve: Places::new(0, None),
        }
    }

    /// A place for a connection; `None` where there is not even one of the reserve. Of clients that speak for
    /// others, as proxies do, their own number is not limited.
    pub fn admit(&self, client: IpAddr, is_limited: bool) -> Option<Admission> {
        match self.places.take(client, is_limited) {
            Ok(place) => Some(Admission::Whole(place)),
            Err(full) => {
                let place = self.reserve.take(client, is_limited).ok()?;
                Some(Admission::Reserve(place, full))
            }
        }
    }

    /// Waits until nobody has a place.
    pub async fn empty(&self) {
        for places in [&self.places, &self.reserve] {
            let _ = places.free.acquire_many(places.most).await;
        }
    }
}

impl Places {
    fn new(most: u32, per_client: Option<u32>) -> Self {
        let permits = usize::try_from(most).unwrap_or(usize::MAX);
        Self {
            free: Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS))),
            most,
            clients: per_client.map(Shares::new),
        }
    }

    fn take(&self, client: IpAddr, is_limited: bool) -> Result<Place, Full> {
        let share = match &self.clients {
            Some(clients) if is_limited => {
                let share = clients.take(client);
                Some(share.ok_or(Full::Client(clients.most()))?)
            }
            _ => None,
        };
        let permit = self.free.clone().try_acquire_owned();
        Ok(Place {
            _permit: permit.map_err(|_| Full::Node(self.most))?,
            _share: share,
        })
    }
}

impl From<Full> for ApiError {
    fn from(full: Full) -> Self {
        let (error, limit) = match full {
            Full::Node(most) => {
                let message = "as many connections are open as this node allows";
                (ApiError::new(RestCode::TooManyConnections, message), most)
            }
            Full::Client(most) => {
                let message = format!("an address may have {most} connections to this node open");
                (ApiError::new(RestCode::AddressLimit, message), most)
            }
        };
        error.detail("limit", limit).retry_after(COME_AGAIN_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn who_has_its_share_or_comes_too_late_is_told_from_the_reserve() {
        let gate = Gate::new(3, 2);
        let first = address("192.0.2.1");
        let held = [gate.admit(first, true), gate.admit(first, true)];
        assert!(
            held.iter()
                .flatten()
                .all(|one| matches!(one, Admission::Whole(_)))
        );
        let third = gate.admit(first, true);
        assert!(matches!(
            third,
            Some(Admission::Reserve(_, Full::Client(2)))
        ));
        let other = gate.admit(address("192.0.2.2"), true);
        assert!(matches!(other, Some(Admission::Whole(_))));
        let late = gate.admit(address("192.0.2.3"), true);
        assert!(matches!(late, Some(Admission::Reserve(_, Full::Node(3)))));
        drop(held);
        assert!(matches!(gate.admit(first, true), Some(Admission::Whole(_))));
    }

    #[test]
    fn nobody_can_take_the_whole_reserve_alone() {
        let gate = Gate::new(0, 1);
        let held: Vec<_> = (0..100)
            .map_while(|_| gate.admit(address("192.0.2.1"), true))
            .collect();
        assert_eq!(held.len(), 4);
        assert!(gate.admit(address("192.0.2.2"), true).is_some());
    }

    #[test]
    fn a_proxy_may_have_all_of_them() {
        let gate = Gate::new(10, 1);
        let proxy = address("192.0.2.1");
        let held: Vec<_> = (0..10).map(|_| gate.admit(proxy, false)).collect();
        assert!(
            held.iter()
                .flatten()
                .all(|one| matches!(one, Admission::Whole(_)))
        );
        assert!(matches!(
            gate.admit(proxy, false),
            Some(Admission::Reserve(..))
        ));
    }
}
