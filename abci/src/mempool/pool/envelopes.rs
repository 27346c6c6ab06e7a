//! Owns the envelopes that CometBFT holds (PROTOCOL section 3.26): which transactions belong to which, as
//! long as they are worth half of its bytes, and what becomes of them when it ends.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use ait_app::{
    Code, InvariantViolation, Refusal,
    tx::{TxHash, VerifiedTx},
};

use super::{Bench, Pool, pooled_tx::PooledTx};
use crate::records::Verdict;

/// Lines of an envelope that is not kept which CometBFT is handed as transactions of their own.
const MAX_HANDED: usize = 100;

/// Lines of all such envelopes that wait to be handed to CometBFT.
const MAX_HANDED_IN_ALL: usize = 10_000;

/// A line of an envelope, whose encoding and signature hold.
#[derive(Clone)]
pub struct Line {
    pub verified: Arc<VerifiedTx>,
    /// Its bytes.
    pub wire: Arc<[u8]>,
}

/// An envelope that CometBFT holds.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// Its bytes.
    bytes: usize,
    /// The generation in which CometBFT presented it last.
    pub seen: u64,
}

/// What CheckTx says of an envelope, and of those of its lines that were judged.
pub struct OfEnvelope {
    pub verdict: Verdict,
    pub lines: Vec<Verdict>,
}

/// The envelopes that CometBFT holds, and what it is handed of those that it could not keep.
#[derive(Default)]
pub struct Envelopes {
    held: HashMap<TxHash, Held>,
    /// In the order in which it is handed over.
    handed: BTreeMap<u64, (TxHash, Arc<[u8]>)>,
    places: HashMap<TxHash, u64>,
    count: u64,
}

impl Envelopes {
    /// An envelope that CometBFT holds.
    pub fn get(&self, envelope: &TxHash) -> Option<&Held> {
        self.held.get(envelope)
    }

    /// What CometBFT shall be handed besides what is pending.
    pub fn handed(&self) -> impl Iterator<Item = &(TxHash, Arc<[u8]>)> {
        self.handed.values()
    }

    /// Whether CometBFT shall be handed it.
    pub fn is_handed(&self, hash: &TxHash) -> bool {
        self.places.contains_key(hash)
    }

    /// CometBFT was handed it.
    pub fn was_handed(&mut self, hash: &TxHash) {
        if let Some(place) = self.places.remove(hash) {
            self.handed.remove(&place);
        }
    }

    fn hand(&mut self, line: &Line) {
        let hash = line.verified.hash;
        if self.handed.len() < MAX_HANDED_IN_ALL && !self.places.contains_key(&hash) {
            self.count = self.count.saturating_add(1);
            self.places.insert(hash, self.count);
            self.handed.insert(self.count, (hash, line.wire.clone()));
        }
    }

    /// CometBFT holds none of them.
    pub fn forget_held(&mut self) {
        self.held.clear();
    }
}

impl Pool {
    /// CheckTx of an envelope: keeps what it brings, or nothing of it.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn check_envelope(
        &mut self,
        bench: &Bench<'_>,
        envelope: TxHash,
        bytes: usize,
        lines: &[Line],
    ) -> Result<OfEnvelope, InvariantViolation> {
        if let Some(verdict) = self.recheck_envelope(&envelope) {
            let lines = Vec::new();
            return Ok(OfEnvelope { verdict, lines });
        }
        let can_be_half = is_half(self.new_bytes(lines), bytes);
        self.begin_journal();
        let most = if can_be_half { usize::MAX } else { MAX_HANDED };
        let (verdicts, taken) = self.take_lines(bench, envelope, lines, most)?;
        let verdict = if can_be_half && is_half(self.index.bytes_of(&envelope), bytes) {
            self.close_journal();
            let seen = self.generation;
            self.envelopes.held.insert(envelope, Held { bytes, seen });
            Verdict::Ready
        } else {
            self.take_back();
            self.hand_over(taken);
            Verdict::Refused(Refusal::new(
                Code::Dropped,
                "less than half of the envelope's bytes are transactions that are new here and can be kept",
            ))
        };
        Ok(OfEnvelope {
            verdict,
            lines: verdicts,
        })
    }

    /// What CheckTx would say of lines that come one after the other, where none is kept that could only be
    /// parked; leaves everything as it was.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn preview_lines(
        &mut self,
        bench: &Bench<'_>,
        lines: &[Line],
    ) -> Result<Vec<Verdict>, InvariantViolation> {
        self.begin_journal();
        let judged = lines
            .iter()
            .map(|line| match self.find(&line.verified.hash) {
                Some(pending) => Ok(pending.verdict()),
                None => self.take_unless_parked(bench, line),
            });
        let judged = judged.collect();
        self.take_back();
        judged
    }

    /// Recheck of an envelope; `None` for one that the pool doesn't know.
    pub fn recheck_envelope(&mut self, envelope: &TxHash) -> Option<Verdict> {
        let generation = self.generation;
        let held = self.envelopes.held.get_mut(envelope)?;
        held.seen = generation;
        if is_half(self.index.bytes_of(envelope), held.bytes) {
            return Some(Verdict::Ready);
        }
        self.end_envelope(envelope);
        Some(Verdict::Refused(Refusal::new(
            Code::Dropped,
            "less than half of the envelope's bytes are still pending transactions of its own",
        )))
    }

    /// Ends the envelopes that CometBFT has not presented since this generation.
    pub(super) fn end_silent_envelopes(&mut self, last_seen: u64) {
        let held = self.envelopes.held.iter();
        let silent: Vec<TxHash> = held
            .filter(|(_, held)| held.seen < last_seen)
            .map(|(envelope, _)| *envelope)
            .collect();
        for envelope in silent {
            self.end_envelope(&envelope);
        }
    }

    /// The generation in which CometBFT presented a transaction last, be it in its envelope.
    pub(super) fn last_seen_of(&self, entry: &PooledTx) -> u64 {
        let envelope = entry
            .envelope
            .and_then(|envelope| self.envelopes.get(&envelope));
        envelope.map_or(entry.seen, |held| held.seen.max(entry.seen))
    }

    /// What is left of an envelope is to be offered to CometBFT singly.
    fn end_envelope(&mut self, envelope: &TxHash) {
        self.envelopes.held.remove(envelope);
        for (sender, nonce) in self.index.end_envelope(envelope) {
            if let Some(queue) = self.queues.get_mut(&sender) {
                queue.leave_envelope(nonce);
                self.has_unoffered = true;
            }
        }
    }

    /// Takes in lines as CheckTx would, until so many were taken; says of each what it says of it, and which
    /// were taken. What is pending already is none of them.
    fn take_lines<'a>(
        &mut self,
        bench: &Bench<'_>,
        envelope: TxHash,
        lines: &'a [Line],
        most: usize,
    ) -> Result<(Vec<Verdict>, Vec<&'a Line>), InvariantViolation> {
        let (mut verdicts, mut taken) = (Vec::new(), Vec::new());
        for line in lines {
            if taken.len() >= most {
                break;
            }
            if self.index.place(&line.verified.hash).is_some() {
                continue;
            }
            let verdict = self.take(bench, envelope, line)?;
            if !matches!(verdict, Verdict::Refused(_)) {
                taken.push(line);
            }
            verdicts.push(verdict);
        }
        Ok((verdicts, taken))
    }

    fn take(
        &mut self,
        bench: &Bench<'_>,
        envelope: TxHash,
        line: &Line,
    ) -> Result<Verdict, InvariantViolation> {
        let entry = PooledTx {
            envelope: Some(envelope),
            ..self.newcomer(bench, line.verified.clone(), line.wire.clone())
        };
        self.keep(bench, entry)
    }

    fn take_unless_parked(
        &mut self,
        bench: &Bench<'_>,
        line: &Line,
    ) -> Result<Verdict, InvariantViolation> {
        let entry = self.newcomer(bench, line.verified.clone(), line.wire.clone());
        Ok(match self.plan(bench, entry)? {
            Ok(plan) if matches!(plan.verdict(), Verdict::Parked(_)) => self.call_off(plan),
            Ok(plan) => self.carry_out(bench, plan)?,
            Err(refusal) => Verdict::Refused(refusal),
        })
    }

    /// Bytes of the lines that are not pending, each counted once.
    fn new_bytes(&self, lines: &[Line]) -> usize {
        let mut seen = HashSet::new();
        let is_new = |line: &&Line| {
            self.index.place(&line.verified.hash).is_none() && seen.insert(line.verified.hash)
        };
        lines
            .iter()
            .filter(is_new)
            .map(|line| line.wire.len())
            .sum()
    }

    fn hand_over(&mut self, lines: Vec<&Line>) {
        for line in lines.into_iter().take(MAX_HANDED) {
            self.envelopes.hand(line);
            self.has_unoffered = true;
        }
    }
}

fn is_half(part: usize, whole: usize) -> bool {
    part.saturating_mul(2) >= whole
}
