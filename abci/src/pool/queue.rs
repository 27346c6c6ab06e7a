//! Owns one sender's pending transactions: which of them can run, in the order of their nonces.
//! A transaction is judged by running it on the committed state with the sender's earlier ones
//! applied, exactly as a block would; what others have pending doesn't count.

use std::{collections::BTreeMap, sync::Arc};

use ait_app::{
    Broken, Refusal, block,
    code::Code,
    receipts::Attestation,
    state::{
        Key, State,
        overlay::{Changes, Overlay, View},
        records::EscrowStatus,
    },
    tx::{Payload, TxHash, VerifiedTx, run},
};

use super::limits;
use crate::records::Verdict;

/// Whether a transaction can be proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It can; also an offence whose fee can be paid.
    Ready,
    /// A claim without an attestation yet.
    Waiting,
    /// Only time can cure its fault.
    Parked(Refusal),
}

/// A pending transaction.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The transaction.
    pub verified: Arc<VerifiedTx>,
    /// Its bytes.
    pub wire: Arc<[u8]>,
    /// Whether it can be proposed.
    pub status: Status,
    /// Its place in the order of arrival.
    pub arrival: u64,
    /// The pool's generation in which CometBFT last presented it.
    pub seen: u64,
    /// The generation in which it came.
    pub since_generation: u64,
    /// The height from which it has been parked or waiting.
    pub since: u64,
    /// The coordinator's answer, where the node fetched it.
    pub attestation: Option<Attestation>,
    /// What it replaced. Until a recheck shows that CometBFT kept this one, the other may revive.
    pub replaced: Option<Box<Entry>>,
}

impl Entry {
    /// A transaction that just came.
    pub fn new(
        verified: Arc<VerifiedTx>,
        wire: Arc<[u8]>,
        arrival: u64,
        generation: u64,
        height: u64,
    ) -> Self {
        Self {
            verified,
            wire,
            status: Status::Ready,
            arrival,
            seen: generation,
            since_generation: generation,
            since: height,
            attestation: None,
            replaced: None,
        }
    }

    /// What CheckTx says of it.
    pub fn verdict(&self) -> Verdict {
        match &self.status {
            Status::Ready => Verdict::Ready,
            Status::Waiting => Verdict::WaitsForAttestation,
            Status::Parked(refusal) => Verdict::Parked(refusal.clone()),
        }
    }

    /// Whether it is parked.
    pub fn is_parked(&self) -> bool {
        matches!(self.status, Status::Parked(_))
    }

    /// The escrow that a claim is for.
    pub fn claimed_escrow(&self) -> Option<Key> {
        match &self.verified.tx.payload {
            Payload::ReceiptClaim(claim) => {
                Some(Key::Escrow(claim.terms.client, claim.terms.job_id.clone()))
            }
            _ => None,
        }
    }

    fn nonce(&self) -> u64 {
        self.verified.tx.nonce
    }
}

/// What the pool's index knows of a transaction.
pub struct Row {
    pub hash: TxHash,
    pub nonce: u64,
    pub bytes: usize,
    pub parked: bool,
    /// The escrow whose coordinator a claim waits for.
    pub waits_for: Option<Key>,
}

/// How a transaction stands where its turn comes; with what its successors are judged on.
enum Judgement {
    Ready(Changes),
    Waiting(Changes),
    Parked(Refusal),
    Refused(Refusal),
}

/// A sender's pending transactions by nonce.
#[derive(Clone, Default)]
pub struct Queue {
    entries: BTreeMap<u64, Entry>,
    /// What the run of consecutive nonces, each ready or waiting, changes of the committed state:
    /// the next nonce is judged on it without running the others again.
    run: Changes,
}

impl Queue {
    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The pending transactions, by nonce.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The one with this nonce.
    pub fn get(&self, nonce: u64) -> Option<&Entry> {
        self.entries.get(&nonce)
    }

    /// The one with this nonce and hash, be it replaced but not yet displaced.
    pub fn find(&self, nonce: u64, hash: &TxHash) -> Option<&Entry> {
        let entry = self.entries.get(&nonce)?;
        let both = [Some(entry), entry.replaced.as_deref()];
        both.into_iter()
            .flatten()
            .find(|entry| entry.verified.hash == *hash)
    }

    /// As [`Queue::find`], to change it.
    pub fn find_mut(&mut self, nonce: u64, hash: &TxHash) -> Option<&mut Entry> {
        let entry = self.entries.get_mut(&nonce)?;
        if entry.verified.hash == *hash {
            return Some(entry);
        }
        let replaced = entry.replaced.as_deref_mut()?;
        (replaced.verified.hash == *hash).then_some(replaced)
    }

    /// What the pool's index knows of everything held.
    pub fn index(&self) -> Vec<Row> {
        let row = |entry: &Entry| Row {
            hash: entry.verified.hash,
            nonce: entry.nonce(),
            bytes: entry.wire.len(),
            parked: entry.is_parked(),
            waits_for: (entry.status == Status::Waiting)
                .then(|| entry.claimed_escrow())
                .flatten(),
        };
        let replaced = self
            .entries
            .values()
            .filter_map(|entry| entry.replaced.as_deref());
        self.entries.values().chain(replaced).map(row).collect()
    }

    /// Takes in a new transaction, or says why not; then the queue is as it was.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn insert(&mut self, state: &State, mut entry: Entry) -> Result<Verdict, Broken> {
        let nonce = entry.nonce();
        if let Some(refusal) = out_of_reach(state, &entry)? {
            return Ok(Verdict::Refused(refusal));
        }
        if let Some(pending) = self.entries.get(&nonce).cloned() {
            return self.replace(state, entry, pending);
        }
        let judgement = self.judge_next(state, &entry)?;
        if let Judgement::Refused(refusal) = judgement {
            return Ok(Verdict::Refused(refusal));
        }
        let verdict = self.keep(&mut entry, judgement);
        self.entries.insert(nonce, entry);
        if self
            .entries
            .range(nonce.saturating_add(1)..)
            .next()
            .is_some()
        {
            self.rejudge(state)?;
        }
        Ok(verdict)
    }

    /// Takes out a transaction that found no room after all; what it replaced is back.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn withdraw(&mut self, state: &State, nonce: u64) -> Result<(), Broken> {
        if let Some(entry) = self.entries.remove(&nonce) {
            if let Some(replaced) = entry.replaced {
                self.entries.insert(nonce, *replaced);
            }
            self.rejudge(state)?;
        }
        Ok(())
    }

    /// Lets go of what CometBFT has not presented since `generation`; what it replaced revives.
    pub fn forget_unseen(&mut self, generation: u64) {
        let pending = std::mem::take(&mut self.entries);
        for (nonce, mut entry) in pending {
            if entry.seen >= generation {
                if entry.seen > entry.since_generation {
                    // A recheck showed it: CometBFT keeps it, and may forget what it replaced.
                    entry.replaced = None;
                }
                self.entries.insert(nonce, entry);
            } else if let Some(replaced) = entry.replaced
                && replaced.seen >= generation
            {
                self.entries.insert(nonce, *replaced);
            }
        }
    }

    /// Judges everything anew on `state`, and tells what had to leave and why.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn rejudge(&mut self, state: &State) -> Result<Vec<(TxHash, Refusal)>, Broken> {
        let mut dropped = Vec::new();
        self.run.clear();
        for (nonce, mut entry) in std::mem::take(&mut self.entries) {
            // An answer for an escrow that was since closed or opened anew is worth nothing.
            if let Some(attestation) = &entry.attestation
                && !block::attestation_fits(state, &entry.verified, attestation)?
            {
                entry.attestation = None;
            }
            let judgement = self.judge_next(state, &entry)?;
            let refusal = match &judgement {
                Judgement::Refused(refusal) => Some(refusal.clone()),
                other => timed_out(state, &entry, other),
            };
            if let Some(refusal) = refusal {
                dropped.push((entry.verified.hash, refusal));
                continue;
            }
            self.keep(&mut entry, judgement);
            self.entries.insert(nonce, entry);
        }
        Ok(dropped)
    }

    fn replace(
        &mut self,
        state: &State,
        mut entry: Entry,
        mut pending: Entry,
    ) -> Result<Verdict, Broken> {
        let (nonce, hash) = (entry.nonce(), entry.verified.hash);
        let (offered, before) = (entry.verified.tx.fee, pending.verified.tx.fee);
        if !limits::replaces(offered, before) {
            return Ok(Verdict::Refused(Refusal::new(
                Code::ReplacementUnderpriced,
                format!(
                    "field fee is {offered} uait; to replace the pending transaction with this \
                     nonce it must be at least 10 % above {before}"
                ),
            )));
        }
        // A chain of replacements remembers the latest alone.
        pending.replaced = None;
        entry.replaced = Some(Box::new(pending));
        let mut changed = self.clone();
        changed.entries.insert(nonce, entry);
        let dropped = changed.rejudge(state)?;
        if let Some((_, refusal)) = dropped.into_iter().find(|(gone, _)| *gone == hash) {
            return Ok(Verdict::Refused(refusal));
        }
        *self = changed;
        Ok(self.get(nonce).map_or(Verdict::Ready, Entry::verdict))
    }

    /// Judges a transaction as the next of the run.
    fn judge_next(&mut self, state: &State, entry: &Entry) -> Result<Judgement, Broken> {
        let overlay = Overlay::with(state, std::mem::take(&mut self.run));
        let judged = judge(state, &overlay, entry);
        self.run = overlay.into_changes();
        judged
    }

    /// Gives an entry its status and, where its turn came, lets the run go on behind it.
    fn keep(&mut self, entry: &mut Entry, judgement: Judgement) -> Verdict {
        entry.status = match judgement {
            Judgement::Ready(changes) => {
                self.run.extend(changes);
                Status::Ready
            }
            Judgement::Waiting(changes) => {
                self.run.extend(changes);
                Status::Waiting
            }
            Judgement::Parked(refusal) | Judgement::Refused(refusal) => Status::Parked(refusal),
        };
        entry.verdict()
    }
}

/// A nonce further ahead than the pool keeps transactions for.
fn out_of_reach(state: &State, entry: &Entry) -> Result<Option<Refusal>, Broken> {
    let committed = state.account(&entry.verified.tx.sender)?.nonce;
    let limit = limits::MAX_NONCES_AHEAD;
    Ok((entry.nonce() > committed.saturating_add(limit)).then(|| {
        Refusal::new(
            Code::NonceTooFarAhead,
            format!(
                "field nonce is {}, more than {limit} ahead of the account's {committed}",
                entry.nonce()
            ),
        )
    }))
}

/// Runs a transaction in the next block on what its sender's earlier ones leave.
fn judge(state: &State, view: &Overlay<'_, State>, entry: &Entry) -> Result<Judgement, Broken> {
    let tx = &entry.verified.tx;
    let outcome = run(
        view,
        state.chain_id(),
        state.height().saturating_add(1),
        state.params(),
        &entry.verified,
        entry.attestation.as_ref(),
    )?;
    let is_offence = outcome.is_offence();
    let Some(refusal) = outcome.refusal else {
        return Ok(Judgement::Ready(outcome.changes));
    };
    Ok(match refusal.code {
        Code::AttestationMissing => Judgement::Waiting(only_the_nonce(view, entry)?),
        // The coordinator answered this node, with no: the block shall say so.
        _ if is_offence && entry.attestation.is_some() && outcome.result.fee >= tx.fee => {
            Judgement::Ready(outcome.changes)
        }
        _ if may_pass(state, entry, &refusal)? => Judgement::Parked(refusal),
        _ => Judgement::Refused(refusal),
    })
}

/// The successors of a waiting claim wait with it, judged as if it did nothing but take its nonce.
fn only_the_nonce(view: &Overlay<'_, State>, entry: &Entry) -> Result<Changes, Broken> {
    let tx = &entry.verified.tx;
    let mut account = view.account(&tx.sender)?;
    account.nonce = tx.nonce;
    let mut overlay = Overlay::new(view);
    overlay.put(&Key::Account(tx.sender), &account)?;
    Ok(overlay.into_changes())
}

/// Whether time alone may cure a fault: another node may be a block ahead (SPEC section 3).
fn may_pass(state: &State, entry: &Entry, refusal: &Refusal) -> Result<bool, Broken> {
    let tx = &entry.verified.tx;
    Ok(match refusal.code {
        Code::NonceGap => tx.fee >= state.params().required_fee(entry.verified.payload_bytes),
        Code::FeeNotAffordable | Code::InsufficientBalance | Code::EscrowNotFound => true,
        // A refunded escrow may open again, a settled one never.
        Code::EscrowClosed => match entry.claimed_escrow() {
            Some(Key::Escrow(client, job)) => state
                .escrow(&client, &job)?
                .is_none_or(|escrow| escrow.status != EscrowStatus::Settled),
            _ => false,
        },
        _ => false,
    })
}

/// Whether an entry has been kept for long enough without its turn coming.
fn timed_out(state: &State, entry: &Entry, judgement: &Judgement) -> Option<Refusal> {
    let waited = state.height().saturating_sub(entry.since);
    match judgement {
        Judgement::Parked(refusal) if waited >= limits::PARKED_BLOCKS => Some(Refusal::new(
            refusal.code,
            format!(
                "dropped after {} blocks: {}",
                limits::PARKED_BLOCKS,
                refusal.message
            ),
        )),
        Judgement::Waiting(_) if waited >= limits::WAITING_BLOCKS => Some(Refusal::new(
            Code::Dropped,
            format!(
                "dropped: the coordinator did not attest within {} blocks",
                limits::WAITING_BLOCKS
            ),
        )),
        _ => None,
    }
}
