//! Owns when a transaction is due.

use std::time::{Duration, Instant};

/// The pace of one connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// As soon as there is room.
    Closed,
    /// At times fixed before the first is sent, whatever the node does: what is sent late was waiting since then.
    Fixed {
        /// When the load began.
        start: Instant,
        /// Transactions a second of all connections.
        rate: u32,
        /// How many connections there are, and which this is.
        of: (u64, u64),
    },
}

impl Pace {
    /// When this connection's transaction with this number, from 0, is due; `None` where no time says so.
    pub fn due(&self, number: u64) -> Option<Instant> {
        let Self::Fixed { start, rate, of } = self else {
            return None;
        };
        let (connections, own) = of;
        let place = number.saturating_mul(*connections).saturating_add(*own);
        let nanos = u128::from(place).saturating_mul(1_000_000_000) / u128::from((*rate).max(1));
        let after = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        start.checked_add(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_send_in_turn_at_the_rate_of_all_of_them() {
        let start = Instant::now();
        let due = |own, number| {
            let pace = Pace::Fixed {
                start,
                rate: 100,
                of: (4, own),
            };
            pace.due(number).unwrap().duration_since(start).as_millis()
        };
        assert_eq!([due(0, 0), due(1, 0), due(3, 0)], [0, 10, 30]);
        assert_eq!([due(0, 1), due(3, 24)], [40, 990]);
        assert_eq!(Pace::Closed.due(5), None);
    }
}
