//! Owns which newcomers may replace nothing: their senders took the nonce to be free, so a pending
//! transaction that has it is another one, and stays.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ait_app::{Code, Refusal, quantity::Nonce, tx::TxHash};

/// Newcomers that may replace nothing, and how many asked for it. Every clone is of the same list.
#[derive(Clone, Default)]
pub struct Keeping(Arc<Mutex<HashMap<TxHash, usize>>>);

/// While it lives, CheckTx takes its transaction only where no other pending one has the nonce.
pub struct Kept {
    of: Keeping,
    hash: TxHash,
}

impl Keeping {
    /// From now on, until the answer is dropped, this newcomer may replace nothing.
    pub fn begin(&self, hash: TxHash) -> Kept {
        *self.lock().entry(hash).or_default() += 1;
        Kept {
            of: self.clone(),
            hash,
        }
    }

    /// Whether a newcomer may replace nothing.
    pub fn holds(&self, hash: &TxHash) -> bool {
        self.lock().contains_key(hash)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TxHash, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut kept = self.of.lock();
        match kept.get_mut(&self.hash) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                kept.remove(&self.hash);
            }
        }
    }
}

/// Why a newcomer that may replace nothing is refused.
pub fn nonce_pending(nonce: Nonce, holder: &TxHash, next: Nonce) -> Refusal {
    let advice = if next > nonce {
        format!("the next free one is {next}")
    } else {
        "it waits for a later block; only a replacement frees its nonce".to_owned()
    };
    Refusal::new(
        Code::NoncePending,
        format!("field nonce is {nonce}, which the pending transaction {holder} has; {advice}"),
    )
}
