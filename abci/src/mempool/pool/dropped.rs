//! Owns the memory of why transactions that the pool had accepted left it without being committed:
//! for the rechecks that still ask, and for people.

use std::collections::{HashMap, VecDeque};

use ait_app::{Refusal, tx::TxHash};

/// Why one was dropped, and the number of that.
pub type Reason = (Refusal, u64);

/// The last reasons, the oldest forgotten first.
#[derive(Default)]
pub struct Dropped {
    reasons: HashMap<TxHash, Reason>,
    /// In the order in which they were dropped, each with its own number: one that came back and was
    /// dropped again stands here twice.
    order: VecDeque<(TxHash, u64)>,
    count: u64,
}

impl Dropped {
    /// Remembers at most `limit` reasons.
    pub fn remember(&mut self, hash: TxHash, why: Refusal, limit: usize) {
        self.count = self.count.saturating_add(1);
        self.reasons.insert(hash, (why, self.count));
        self.order.push_back((hash, self.count));
        while self.order.len() > limit {
            let Some((hash, number)) = self.order.pop_front() else {
                break;
            };
            let last = self.reasons.get(&hash).map(|(_, last)| *last);
            if last == Some(number) {
                self.reasons.remove(&hash);
            }
        }
    }

    /// It is pending again.
    pub fn forget(&mut self, hash: &TxHash) {
        self.reasons.remove(hash);
    }

    /// What [`Dropped::restore`] takes.
    pub fn entry(&self, hash: &TxHash) -> Option<&Reason> {
        self.reasons.get(hash)
    }

    /// It is as it was when this was its entry.
    pub fn restore(&mut self, hash: TxHash, entry: Option<Reason>) {
        match entry {
            Some(entry) => self.reasons.insert(hash, entry),
            None => self.reasons.remove(&hash),
        };
    }

    /// Why a transaction was dropped.
    pub fn reason(&self, hash: &TxHash) -> Option<&Refusal> {
        self.reasons.get(hash).map(|(why, _)| why)
    }
}

#[cfg(test)]
mod tests {
    use ait_app::Code;

    use super::*;

    #[test]
    fn the_oldest_reason_is_forgotten_first_and_the_latest_one_counts() {
        let mut dropped = Dropped::default();
        let hash = |n: u8| TxHash([n; 32]);
        let mut drop = |n, message: &str| {
            dropped.remember(hash(n), Refusal::new(Code::Dropped, message), 3);
        };
        drop(1, "first");
        drop(1, "again");
        drop(2, "second");
        drop(3, "third");
        let message = |n| dropped.reason(&hash(n)).map(|why| why.message.as_str());
        assert_eq!(message(1), Some("again"));
        dropped.remember(hash(4), Refusal::new(Code::Dropped, "fourth"), 3);
        assert_eq!(dropped.reason(&hash(1)), None);
        assert!(dropped.reason(&hash(2)).is_some() && dropped.reason(&hash(4)).is_some());
        dropped.forget(&hash(4));
        assert_eq!(dropped.reason(&hash(4)), None);
    }
}
