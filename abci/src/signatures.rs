//! Owns the memory of signatures inside payloads: receipts, attestations, proofs of possession. Each
//! is judged once, however often its transaction is judged anew. A verdict is a pure function of key,
//! digest and signature, so remembering it changes nothing but the time it takes, and a node that
//! remembers nothing, as on replay, judges anew.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use ait_app::{
    crypto::{PublicKey, Signature},
    tx::{Anew, Signatures},
};
use prometheus::IntCounter;
use sha2::{Digest, Sha256};

/// Verdicts remembered: those of a full pool, some ten each. The oldest is forgotten first.
pub const MAX_VERDICTS: usize = 200_000;

/// What a verdict is about: sha256 of key, digest and signature.
type Question = [u8; 32];

/// Remembers which signatures hold and which don't.
pub struct SignatureMemo {
    verdicts: Mutex<Verdicts>,
    limit: usize,
    /// Signatures that had to be judged.
    judged: IntCounter,
}

#[derive(Default)]
struct Verdicts {
    known: HashMap<Question, bool>,
    /// The questions in the order in which they were answered.
    order: VecDeque<Question>,
}

impl SignatureMemo {
    /// Remembers at most `limit` verdicts, and counts in `judged` what it did not remember.
    pub fn new(limit: usize, judged: IntCounter) -> Self {
        Self {
            verdicts: Mutex::default(),
            limit,
            judged,
        }
    }

    fn verdicts(&self) -> MutexGuard<'_, Verdicts> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signatures for SignatureMemo {
    fn hold(&self, key: &PublicKey, digest: &[u8; 32], signature: &Signature) -> bool {
        let question: Question = Sha256::new()
            .chain_update(key.as_bytes())
            .chain_update(digest)
            .chain_update(signature.as_bytes())
            .finalize()
            .into();
        let known = self.verdicts().known.get(&question).copied();
        if let Some(verdict) = known {
            return verdict;
        }
        // Outside of the lock: two that ask at once judge twice, and find the same.
        let verdict = Anew.hold(key, digest, signature);
        self.judged.inc();
        self.verdicts().remember(question, verdict, self.limit);
        verdict
    }
}

impl Verdicts {
    fn remember(&mut self, question: Question, verdict: bool, limit: usize) {
        if self.known.insert(question, verdict).is_some() {
            return;
        }
        self.order.push_back(question);
        while self.order.len() > limit {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ait_app::crypto::SecretKey;

    use super::*;

    fn memo(limit: usize) -> SignatureMemo {
        SignatureMemo::new(limit, IntCounter::new("judged", "judged").unwrap())
    }

    #[test]
    fn a_verdict_is_found_once_and_remembered_good_or_bad() {
        let memo = memo(10);
        let key = SecretKey::from_seed([1; 32]);
        let (right, wrong) = (key.sign(&[7; 32]), key.sign(&[8; 32]));
        for _ in 0..3 {
            assert!(memo.hold(&key.public_key(), &[7; 32], &right));
            assert!(!memo.hold(&key.public_key(), &[7; 32], &wrong));
        }
        assert_eq!(memo.judged.get(), 2);
    }

    #[test]
    fn the_oldest_verdict_is_forgotten_first() {
        let memo = memo(2);
        let key = SecretKey::from_seed([1; 32]);
        let ask = |digest: [u8; 32]| memo.hold(&key.public_key(), &digest, &key.sign(&digest));
        for digest in [[1; 32], [2; 32], [3; 32], [3; 32], [2; 32]] {
            assert!(ask(digest));
        }
        assert_eq!(memo.judged.get(), 3);
        assert!(ask([1; 32]));
        assert_eq!(memo.judged.get(), 4, "the first one was forgotten");
        assert_eq!(memo.verdicts().known.len(), 2);
    }
}
