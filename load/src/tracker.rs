//! Owns what is on its way: when each transaction was due, and what follows once it is in a block. All connections
//! and the follower of blocks share it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ait_app::tx::TxHash;
use hdrhistogram::Histogram;
use tokio::sync::{Semaphore, mpsc::UnboundedSender};

use crate::{LoadError, jobs::Opening};

/// The longest time that is told apart: ten minutes, in microseconds.
const LONGEST_MICROS: u64 = 600_000_000;
/// Times are kept to three digits.
const DIGITS: u8 = 3;

/// Times in microseconds.
pub(crate) type Times = Histogram<u64>;

/// An empty histogram.
pub(crate) fn times() -> Result<Times, LoadError> {
    Histogram::new_with_bounds(1, LONGEST_MICROS, DIGITS)
        .map_err(|error| LoadError::Internal(error.to_string()))
}

/// Notes a time.
pub(crate) fn note(times: &mut Times, time: Duration) {
    times.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1));
}

/// What follows once a transaction is in a block.
#[derive(Debug)]
pub(crate) enum Then {
    /// Nothing.
    Nothing,
    /// The escrow is open: its claim may be made.
    Claim {
        opening: Box<Opening>,
        to: UnboundedSender<Opening>,
    },
    /// A job is done that was due then.
    JobDone { since: Instant },
}

/// A transaction on its way.
#[derive(Debug)]
pub(crate) struct Pending {
    /// When it was due.
    pub since: Instant,
    /// Its connection's room for more, where it takes some of it.
    pub window: Option<Arc<Semaphore>>,
    /// What follows.
    pub then: Then,
}

/// What is on its way, and the times of what arrived.
#[derive(Debug)]
pub(crate) struct Tracker {
    inner: Mutex<Inner>,
    sent: AtomicU64,
    committed: AtomicU64,
    retried: AtomicU64,
}

#[derive(Debug)]
struct Inner {
    pending: HashMap<TxHash, Pending>,
    to_commit: Times,
    jobs: Times,
    blocks: u64,
    first_sent: Option<Instant>,
    last_committed: Option<Instant>,
}

/// What came of all.
pub(crate) struct Totals {
    pub sent: u64,
    pub committed: u64,
    pub retried: u64,
    pub blocks: u64,
    pub to_commit: Times,
    pub jobs: Times,
    /// From the first that was sent to the last that was seen in a block.
    pub elapsed: Duration,
}

impl Tracker {
    pub fn new() -> Result<Self, LoadError> {
        Ok(Self {
            inner: Mutex::new(Inner {
                pending: HashMap::new(),
                to_commit: times()?,
                jobs: times()?,
                blocks: 0,
                first_sent: None,
                last_committed: None,
            }),
            sent: AtomicU64::new(0),
            committed: AtomicU64::new(0),
            retried: AtomicU64::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is about to be sent: it may be in a block before its answer comes.
    pub fn sending(&self, hash: TxHash, pending: Pending) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let mut inner = self.lock();
        inner.first_sent.get_or_insert_with(Instant::now);
        inner.pending.insert(hash, pending);
    }

    /// Notes that something is sent again.
    pub fn retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes a block that was seen then.
    pub fn block(&self, height: u64, hashes: &[TxHash], seen: Instant) {
        let mut inner = self.lock();
        let mut found: u64 = 0;
        for hash in hashes {
            let Some(pending) = inner.pending.remove(hash) else {
                continue;
            };
            found = found.saturating_add(1);
            note(
                &mut inner.to_commit,
                seen.saturating_duration_since(pending.since),
            );
            if let Some(window) = pending.window {
                window.add_permits(1);
            }
            match pending.then {
                Then::Nothing => {}
                Then::Claim { mut opening, to } => {
                    opening.height = height;
                    // Nobody listens any more once the time is over.
                    let _ = to.send(*opening);
                }
                Then::JobDone { since } => {
                    note(&mut inner.jobs, seen.saturating_duration_since(since));
                }
            }
        }
        if found > 0 {
            inner.last_committed = Some(seen);
            inner.blocks = inner.blocks.saturating_add(1);
        }
        self.committed.fetch_add(found, Ordering::Relaxed);
    }

    /// How many are on their way.
    pub fn pending(&self) -> usize {
        self.lock().pending.len()
    }

    /// Sent and committed so far.
    pub fn counts(&self) -> (u64, u64) {
        let sent = self.sent.load(Ordering::Relaxed);
        (sent, self.committed.load(Ordering::Relaxed))
    }

    /// The times to commit so far, in microseconds: half of them, and 99 of 100, are at most so long.
    pub fn quick_look(&self) -> (u64, u64) {
        let inner = self.lock();
        let times = &inner.to_commit;
        (times.value_at_quantile(0.5), times.value_at_quantile(0.99))
    }

    /// What came of all.
    pub fn totals(&self) -> Totals {
        let (sent, committed) = self.counts();
        let inner = self.lock();
        let elapsed = match (inner.first_sent, inner.last_committed) {
            (Some(first), Some(last)) => last.saturating_duration_since(first),
            _ => Duration::ZERO,
        };
        Totals {
            sent,
            committed,
            retried: self.retried.load(Ordering::Relaxed),
            blocks: inner.blocks,
            to_commit: inner.to_commit.clone(),
            jobs: inner.jobs.clone(),
            elapsed,
        }
    }
}
