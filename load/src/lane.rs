//! Owns one connection's part of a load: what it sends next, and that it is sent until it is taken.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use ait_app::tx::TxHash;
use bytes::Bytes;
use tokio::{
    sync::{
        Semaphore,
        mpsc::{UnboundedReceiver, UnboundedSender},
    },
    time::{sleep, sleep_until},
};

use crate::{
    LoadError,
    jobs::{Miner, Opening},
    pace::Pace,
    sender::{Outcome, Sender},
    tracker::{Pending, Then, Times, Tracker, note},
    work::Prepared,
};

/// The pause before what could not be taken is sent again.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// How often in a row a connection may fail.
const FAILURES: u32 = 3;

/// One connection and what it sends.
pub(crate) struct Lane {
    pub sender: Sender,
    pub queue: VecDeque<Prepared>,
    /// Transactions of a request, at most.
    pub batch: usize,
    /// Room for transactions that are in no block yet.
    pub window: Arc<Semaphore>,
    pub pace: Pace,
    pub tracker: Arc<Tracker>,
    /// Who claims this connection's jobs.
    pub miner: Option<Miner>,
    pub opened: UnboundedReceiver<Opening>,
    pub tell_opened: UnboundedSender<Opening>,
    /// When nothing new is sent any more.
    pub send_until: Instant,
    /// When nothing at all is.
    pub drain_until: Instant,
    /// How long answers took, in microseconds.
    pub answers: Times,
    pub done: Done,
}

/// What a connection has sent.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Transactions of the queue.
    pub sent: u64,
    /// Escrows whose claims were not sent yet.
    pub unclaimed: u64,
    ready: VecDeque<Opening>,
}

/// A transaction about to be sent.
struct Outgoing {
    wire: Bytes,
    hash: TxHash,
    pending: Pending,
}

impl Lane {
    /// Sends everything, or what there is time for.
    pub async fn run(mut self) -> Result<Self, LoadError> {
        loop {
            let batch = self.next_batch().await?;
            if batch.is_empty() {
                return Ok(self);
            }
            self.deliver(batch).await?;
        }
    }

    /// What is to be sent now, once there is something; nothing when all is done.
    async fn next_batch(&mut self) -> Result<Vec<Outgoing>, LoadError> {
        loop {
            let mut batch = Vec::new();
            self.add_claims(&mut batch)?;
            let now = Instant::now();
            if now < self.send_until {
                self.add_new(&mut batch, now);
            }
            let may_send = !self.queue.is_empty() && now < self.send_until;
            let is_over = !may_send && self.done.unclaimed == 0;
            if !batch.is_empty() || is_over || now >= self.drain_until {
                return Ok(batch);
            }
            self.wait(may_send).await;
        }
    }

    fn add_claims(&mut self, batch: &mut Vec<Outgoing>) -> Result<(), LoadError> {
        let Some(miner) = &mut self.miner else {
            return Ok(());
        };
        while batch.len() < self.batch {
            let next = self.done.ready.pop_front();
            let Some(opening) = next.or_else(|| self.opened.try_recv().ok()) else {
                break;
            };
            self.done.unclaimed = self.done.unclaimed.saturating_sub(1);
            let wire = miner.claim(&opening)?;
            batch.push(Outgoing {
                hash: TxHash::of(&wire),
                wire,
                pending: Pending {
                    since: Instant::now(),
                    window: None,
                    then: Then::JobDone {
                        since: opening.since,
                    },
                },
            });
        }
        Ok(())
    }

    fn add_new(&mut self, batch: &mut Vec<Outgoing>, now: Instant) {
        while batch.len() < self.batch && !self.queue.is_empty() {
            let due = self.pace.due(self.done.sent);
            if due.is_some_and(|due| due > now) {
                return;
            }
            let window = match due {
                Some(_) => None,
                None => match self.window.try_acquire() {
                    Ok(permit) => {
                        permit.forget();
                        Some(self.window.clone())
                    }
                    Err(_) => return,
                },
            };
            let Some(next) = self.queue.pop_front() else {
                return;
            };
            let since = due.unwrap_or(now);
            self.done.sent = self.done.sent.saturating_add(1);
            let then = match next.job {
                None => Then::Nothing,
                Some((client, job)) => {
                    self.done.unclaimed = self.done.unclaimed.saturating_add(1);
                    let opening = Opening {
                        client,
                        job,
                        since,
                        height: 0,
                    };
                    Then::Claim {
                        opening: Box::new(opening),
                        to: self.tell_opened.clone(),
                    }
                }
            };
            batch.push(Outgoing {
                wire: next.wire,
                hash: next.hash,
                pending: Pending {
                    since,
                    window,
                    then,
                },
            });
        }
    }

    /// Until there may be something to send.
    async fn wait(&mut self, may_send: bool) {
        let due = self.pace.due(self.done.sent);
        let end = if may_send {
            self.send_until
        } else {
            self.drain_until
        };
        tokio::select! {
            opened = self.opened.recv(), if self.done.unclaimed > 0 => self.done.ready.extend(opened),
            _ = self.window.acquire(), if may_send && due.is_none() => {}
            () = sleep_until(due.unwrap_or(end).into()), if may_send && due.is_some() => {}
            () = sleep_until(end.into()) => {}
        }
    }

    /// Sends a batch until each of it is taken.
    async fn deliver(&mut self, batch: Vec<Outgoing>) -> Result<(), LoadError> {
        let mut wires = Vec::with_capacity(batch.len());
        for out in batch {
            self.tracker.sending(out.hash, out.pending);
            wires.push(out.wire);
        }
        let mut failures: u32 = 0;
        loop {
            let begun = Instant::now();
            let outcomes = match self.sender.send(&wires).await {
                Ok(outcomes) => {
                    failures = 0;
                    note(&mut self.answers, begun.elapsed());
                    outcomes
                }
                // The same bytes count once, however often they are sent.
                Err(_) if failures < FAILURES => {
                    failures = failures.saturating_add(1);
                    vec![Outcome::Later; wires.len()]
                }
                Err(error) => return Err(error),
            };
            wires = self.left(wires, outcomes)?;
            if wires.is_empty() || Instant::now() >= self.drain_until {
                return Ok(());
            }
            sleep(RETRY_PAUSE).await;
        }
    }

    /// Those that are to be sent again.
    fn left(&self, wires: Vec<Bytes>, outcomes: Vec<Outcome>) -> Result<Vec<Bytes>, LoadError> {
        let mut left = Vec::new();
        for (wire, outcome) in wires.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Taken => {}
                Outcome::Later => {
                    self.tracker.retried();
                    left.push(wire);
                }
                Outcome::Refused { code, message } => {
                    return Err(LoadError::Refused { code, message });
                }
            }
        }
        Ok(left)
    }
}
