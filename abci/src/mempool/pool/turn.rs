//! Owns how a sender's transactions are judged one after the other, and the limits that hold at every
//! judgement: how many are parked, how many wait, and for how long.

use std::{collections::BTreeMap, sync::Arc};

use ait_app::{Code, InvariantViolation, Refusal, state::Changes, tx::TxHash};

use super::{
    index::Index,
    judge::{Bench, Judgement, judge},
    limits,
    pooled_tx::{EscrowId, PooledTx, Rank, Standing, Status, Wait},
    queue::Queue,
    reads::{Recording, reads_of},
    run::{Run, RunView},
    worth::Worth,
};

/// A sender's run, judged up to some nonce.
pub struct Turn<'a> {
    bench: &'a Bench<'a>,
    /// What the pool holds besides the transactions that are judged here.
    index: &'a Index,
    /// The run of those that were judged before.
    settled: &'a Run,
    /// What those judged here change of it.
    more: Run,
    worth: Option<Worth>,
    /// Of this sender, those judged before included.
    parked_of_sender: usize,
    wait: Option<Queued>,
    /// Judged here.
    parked: usize,
    waiting: usize,
    waiting_of_escrow: BTreeMap<EscrowId, usize>,
}

/// The waiting claims of the sender so far.
#[derive(Clone, Copy)]
struct Queued {
    /// The least of their ranks.
    rank: Rank,
    /// How many transactions stand behind the first of them.
    behind: usize,
}

impl<'a> Turn<'a> {
    /// The turn of what comes after all of a queue.
    pub fn after(bench: &'a Bench<'a>, index: &'a Index, queue: &'a Queue) -> Self {
        let mut turn = Self {
            bench,
            index,
            settled: queue.run(),
            more: Run::default(),
            worth: queue.last().map(|last| last.worth),
            parked_of_sender: 0,
            wait: None,
            parked: 0,
            waiting: 0,
            waiting_of_escrow: BTreeMap::new(),
        };
        for entry in queue.entries() {
            turn.parked_of_sender = turn
                .parked_of_sender
                .saturating_add(usize::from(entry.is_parked()));
            turn.line_up(&entry.status);
        }
        turn
    }

    /// Judges the next transaction and gives it its status, or says why it is not kept. A `newcomer`'s
    /// place among those that wait is not looked at here: others may have to give theirs.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn judge(
        &mut self,
        entry: &mut PooledTx,
        newcomer: Option<&TxHash>,
    ) -> Result<Option<Refusal>, InvariantViolation> {
        // An answer for an escrow that was since closed or opened anew is worth nothing.
        let committed = Recording::new(&self.bench.base);
        if let Some(attestation) = &entry.attestation
            && !self.bench.fits(&committed, &entry.verified, attestation)?
        {
            entry.attestation = None;
        }
        let below = RunView::new(self.settled, &self.bench.base);
        let view = Recording::new(RunView::new(&self.more, below));
        let judgement = judge(self.bench, &view, entry)?;
        let mut noted = view.into_noted();
        noted.extend(committed.into_noted());
        let (mut status, effects) = match judgement {
            Judgement::Refused(refusal) => return Ok(Some(refusal)),
            Judgement::Ready(changes) if self.wait.is_none() => (Status::Ready, changes),
            Judgement::Ready(changes) => (Status::Behind, changes),
            Judgement::Waiting(wait, changes) => (Status::Waiting(wait), changes),
            Judgement::Parked(refusal) => (Status::Parked(refusal), Changes::new()),
        };
        if let (Status::Waiting(wait), Some(before)) = (&mut status, self.wait) {
            wait.rank = wait.rank.min(before.rank);
        }
        let is_newcomer = newcomer == Some(&entry.hash());
        let refusal = match &status {
            Status::Ready => None,
            Status::Parked(why) => self.too_many_parked(why),
            Status::Behind => self
                .too_many_behind()
                .or_else(|| self.no_place(is_newcomer)),
            Status::Waiting(wait) => self
                .too_many_behind()
                .or_else(|| self.too_many_of_escrow(wait))
                .or_else(|| self.no_place(is_newcomer)),
        };
        if let Some(refusal) = refusal.or_else(|| self.timed_out(entry, &status)) {
            return Ok(Some(refusal));
        }
        entry.reads = reads_of(entry, noted);
        self.keep(entry, status, effects);
        Ok(None)
    }

    fn keep(&mut self, entry: &mut PooledTx, status: Status, effects: Changes) {
        if entry.status.standing() != status.standing() {
            entry.since = self.bench.state().height();
        }
        let own = entry.own_worth();
        entry.worth = self.worth.map_or(own, |before| before.min(own));
        self.worth = Some(entry.worth);
        self.more.absorb(&effects);
        entry.effects = Arc::new(effects);
        match status.standing() {
            Standing::Ready => {}
            Standing::Waiting => self.waiting = self.waiting.saturating_add(1),
            Standing::Parked => {
                self.parked = self.parked.saturating_add(1);
                self.parked_of_sender = self.parked_of_sender.saturating_add(1);
            }
        }
        if let Status::Waiting(wait) = &status {
            let count = self
                .waiting_of_escrow
                .entry(wait.escrow.clone())
                .or_default();
            *count = count.saturating_add(1);
        }
        self.line_up(&status);
        entry.status = status;
    }

    /// Notes who stands behind whom.
    fn line_up(&mut self, status: &Status) {
        match (&mut self.wait, status) {
            (None, Status::Waiting(wait)) => {
                self.wait = Some(Queued {
                    rank: wait.rank,
                    behind: 0,
                });
            }
            (Some(queued), Status::Waiting(wait)) => {
                queued.rank = queued.rank.min(wait.rank);
                queued.behind = queued.behind.saturating_add(1);
            }
            (Some(queued), Status::Behind) => queued.behind = queued.behind.saturating_add(1),
            (_, Status::Ready | Status::Parked(_)) | (None, Status::Behind) => {}
        }
    }

    fn too_many_parked(&self, why: &Refusal) -> Option<Refusal> {
        let all = self.index.parked().saturating_add(self.parked);
        let (whose, limit) = if self.parked_of_sender >= limits::MAX_PARKED_OF_SENDER {
            ("of this sender", limits::MAX_PARKED_OF_SENDER)
        } else if all >= limits::MAX_PARKED {
            ("of the node", limits::MAX_PARKED)
        } else {
            return None;
        };
        let message = format!(
            "{}; {limit} transactions {whose} wait for such a cause, and more may not",
            why.message
        );
        Some(Refusal::new(Code::TooManyParked, message))
    }

    fn too_many_behind(&self) -> Option<Refusal> {
        let behind = self.wait?.behind;
        (behind >= limits::MAX_BEHIND_CLAIM).then(|| {
            too_many_waiting(format!(
                "{behind} transactions of this sender stand behind its claim that waits for an \
                 attestation, and more may not"
            ))
        })
    }

    fn too_many_of_escrow(&self, wait: &Wait) -> Option<Refusal> {
        let here = self.waiting_of_escrow.get(&wait.escrow).copied();
        let all = self.index.waiting_of(&wait.escrow);
        let all = all.saturating_add(here.unwrap_or_default());
        (all >= limits::MAX_WAITING_OF_ESCROW).then(|| {
            too_many_waiting(format!(
                "{all} claims on this escrow wait for its coordinator, and more may not: a claim that \
                 brings its attestation need not wait"
            ))
        })
    }

    /// No place among all that wait; a newcomer may still find one in another's stead.
    fn no_place(&self, is_newcomer: bool) -> Option<Refusal> {
        let all = self.index.waiting().saturating_add(self.waiting);
        (!is_newcomer && all >= limits::MAX_WAITING).then(no_place_to_wait)
    }

    /// Whether an entry has been kept for long enough without its turn coming.
    fn timed_out(&self, entry: &PooledTx, status: &Status) -> Option<Refusal> {
        let height = self.bench.state().height();
        let waited = height.floored_minus(entry.since).get();
        match (&entry.status, status) {
            (Status::Parked(_), Status::Parked(why)) if waited >= limits::PARKED_BLOCKS => {
                let message = format!(
                    "dropped after {} blocks: {}",
                    limits::PARKED_BLOCKS,
                    why.message
                );
                Some(Refusal::new(why.code, message))
            }
            (Status::Waiting(_), Status::Waiting(_)) if waited >= limits::WAITING_BLOCKS => {
                let message = format!(
                    "dropped: the coordinator did not attest within {} blocks",
                    limits::WAITING_BLOCKS
                );
                Some(Refusal::new(Code::Dropped, message))
            }
            _ => None,
        }
    }
}

/// Why a transaction may not wait where the whole node's places are taken.
pub fn no_place_to_wait() -> Refusal {
    too_many_waiting(format!(
        "{} claims wait for coordinators, or stand behind one that does, and more may not",
        limits::MAX_WAITING
    ))
}

fn too_many_waiting(message: String) -> Refusal {
    Refusal::new(Code::TooManyWaiting, message)
}
