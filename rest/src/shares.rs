//! Owns how much of something each client may hold at once, such as connections or WebSockets, so that one
//! client can't take all that there is for everybody.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use crate::caller::subscriber;

/// What clients hold of one thing. As large as there are things held: their number is bounded elsewhere.
#[derive(Debug)]
pub struct Shares {
    most: u32,
    held: Mutex<HashMap<IpAddr, u32>>,
}

/// One thing that a client holds, until this is dropped.
#[derive(Debug)]
pub struct Share {
    shares: Arc<Shares>,
    client: IpAddr,
}

impl Shares {
    /// Each client may hold so many.
    pub fn new(most: u32) -> Arc<Self> {
        Arc::new(Self {
            most,
            held: Mutex::default(),
        })
    }

    /// How many a client may hold.
    pub fn most(&self) -> u32 {
        self.most
    }

    /// One more for this client; `None` where it has as many as it may.
    pub fn take(self: &Arc<Self>, client: IpAddr) -> Option<Share> {
        let client = subscriber(client);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.get(&client).copied().unwrap_or(0);
        if count >= self.most {
            return None;
        }
        held.insert(client, count.saturating_add(1));
        Some(Share {
            shares: self.clone(),
            client,
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self
            .shares
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match held.get_mut(&self.client) {
            Some(count) if *count > 1 => *count = count.saturating_sub(1),
            _ => {
                held.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_holds_as_many_as_it_may_and_takes_nothing_from_others() {
        let shares = Shares::new(2);
        let client: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        let other: IpAddr = "192.0.2.1".parse().unwrap();
        let first = shares.take(client).unwrap();
        let _second = shares.take(neighbour).unwrap();
        assert!(shares.take(client).is_none());
        let _others = shares.take(other).unwrap();
        drop(first);
        assert!(shares.take(neighbour).is_some());
    }

    #[test]
    fn who_holds_nothing_takes_no_memory() {
        let shares = Shares::new(1);
        for number in 0..1_000_u32 {
            drop(shares.take(IpAddr::V4(number.into())));
        }
        assert!(shares.held.lock().unwrap().is_empty());
    }
}
