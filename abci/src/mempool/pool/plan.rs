//! Owns how a newcomer is taken in: what is refused at once, what keeping it would do to others, and
//! doing it. Nothing changes before all of it is known.

use std::collections::BTreeMap;

use ait_app::{
    Code, InvariantViolation, Refusal, address::Address, quantity::Nonce, state::View, tx::TxHash,
};

use super::{
    Bench, Judged, Pool, Queue, Turn, judge_all,
    keeping::nonce_pending,
    limits,
    pooled_tx::{PooledTx, Status},
    replaced,
};
use crate::records::Verdict;

/// What keeping a newcomer would do.
pub struct Plan {
    sender: Address,
    /// Its sender's transactions from its nonce on as they were.
    before: Vec<PooledTx>,
    /// As they would be, the newcomer first.
    after: Vec<PooledTx>,
    /// Those of them that could not stay.
    dropped: Vec<(PooledTx, Refusal)>,
    /// Who would give their place.
    victims: Vec<Victim>,
}

/// A transaction that gives its place to a newcomer.
pub struct Victim {
    /// Which one.
    pub hash: TxHash,
    /// Whether what waits behind it goes with it.
    pub with_successors: bool,
    /// What its sender is told.
    pub why: Refusal,
}

impl Plan {
    /// What CheckTx says of the newcomer.
    pub(super) fn verdict(&self) -> Verdict {
        self.after.first().map_or(Verdict::Ready, PooledTx::verdict)
    }
}

impl Pool {
    /// Finds out what keeping a newcomer would do; its sender's transactions from its nonce on are out
    /// of the pool until the plan is carried out or called off. The inner refusal says why it can't be
    /// kept; then everything is as it was.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub(super) fn plan(
        &mut self,
        bench: &Bench<'_>,
        newcomer: PooledTx,
    ) -> Result<Result<Plan, Refusal>, InvariantViolation> {
        if let Some(refusal) = self.refused_at_once(bench, &newcomer)? {
            return Ok(Err(refusal));
        }
        let sender = newcomer.sender();
        let before = self.take_tail(&sender, newcomer.nonce());
        match self.plan_instead_of(bench, newcomer, &before)? {
            Ok((judged, victims)) => Ok(Ok(Plan {
                sender,
                before,
                after: judged.kept,
                dropped: judged.dropped,
                victims,
            })),
            Err(refusal) => {
                self.put_tail(sender, before);
                Ok(Err(refusal))
            }
        }
    }

    fn plan_instead_of(
        &self,
        bench: &Bench<'_>,
        mut newcomer: PooledTx,
        before: &[PooledTx],
    ) -> Result<Result<(Judged, Vec<Victim>), Refusal>, InvariantViolation> {
        let nothing = Queue::default();
        let queue = self.queues.get(&newcomer.sender()).unwrap_or(&nothing);
        let mut turn = Turn::after(bench, &self.index, queue);
        let hash = newcomer.hash();
        if let Some(refusal) = turn.judge(&mut newcomer, Some(&hash))? {
            return Ok(Err(refusal));
        }
        let mut successors = before.iter();
        if let Some(first) = before.first()
            && first.nonce() == newcomer.nonce()
        {
            successors.next();
            // A chain of replacements remembers the latest alone.
            newcomer.replaced = Some(Box::new(PooledTx {
                replaced: None,
                ..first.clone()
            }));
        }
        let mut judged = judge_all(turn, successors.cloned())?;
        judged.kept.insert(0, newcomer);
        let victims = self.places_for(&mut judged);
        Ok(victims.map(|victims| (judged, victims)))
    }

    /// Who gives their places to the first of those judged.
    fn places_for(&self, judged: &mut Judged) -> Result<Vec<Victim>, Refusal> {
        let Some((newcomer, successors)) = judged.kept.split_first() else {
            return Ok(Vec::new());
        };
        let mut victims = self.waiting_place(newcomer, successors)?;
        victims.extend(self.seat(newcomer)?);
        if self.has_room(&judged.kept, &victims) {
            return Ok(victims);
        }
        // Both it and what it replaces would be too much: the other can't revive then.
        if let Some(first) = judged.kept.first_mut()
            && let Some(older) = first.replaced.take()
        {
            judged.dropped.push((*older, replaced()));
        }
        self.make_room(&judged.kept, &mut victims)?;
        Ok(victims)
    }

    /// What can be told without running anything.
    fn refused_at_once(
        &self,
        bench: &Bench<'_>,
        newcomer: &PooledTx,
    ) -> Result<Option<Refusal>, InvariantViolation> {
        let (sender, nonce) = (newcomer.sender(), newcomer.nonce());
        let committed = bench.base.account(&sender)?.nonce;
        if nonce <= committed {
            let message = format!(
                "field nonce is {nonce}, already used; the next is {}",
                committed.next()
            );
            return Ok(Some(Refusal::new(Code::NonceUsed, message)));
        }
        let limit = limits::MAX_NONCES_AHEAD;
        if nonce.get() > committed.get().saturating_add(limit) {
            let message = format!(
                "field nonce is {nonce}, more than {limit} ahead of the account's {committed}"
            );
            return Ok(Some(Refusal::new(Code::NonceTooFarAhead, message)));
        }
        let queue = self.queues.get(&sender);
        let pending = queue.and_then(|queue| queue.get(nonce));
        if let Some(pending) = pending {
            if self.keeping.holds(&newcomer.hash()) {
                let next = self.next_nonce(&sender, committed);
                return Ok(Some(nonce_pending(nonce, &pending.hash(), next)));
            }
            let (offered, before) = (newcomer.fee(), pending.fee());
            if !limits::outbids(offered, before) {
                let message = format!(
                    "field fee is {offered} uait; to replace the pending transaction with this nonce it \
                     must be at least 10 % and 1 uait above {before}"
                );
                return Ok(Some(Refusal::new(Code::ReplacementUnderpriced, message)));
            }
        }
        if let Some(refusal) = self.contested_at_once(newcomer) {
            return Ok(Some(refusal));
        }
        let run = queue.and_then(|queue| queue.before(nonce).next());
        let own = newcomer.own_worth();
        let worth = run.map_or(own, |before: &PooledTx| before.worth.min(own));
        Ok(match pending {
            Some(_) => None,
            None => self.full_at_once(worth, newcomer.wire.len()),
        })
    }

    /// Keeps the newcomer.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub(super) fn carry_out(
        &mut self,
        bench: &Bench<'_>,
        plan: Plan,
    ) -> Result<Verdict, InvariantViolation> {
        let verdict = plan.verdict();
        for entry in &plan.after {
            self.note_reason(&entry.hash());
            self.dropped.forget(&entry.hash());
        }
        self.put_tail(plan.sender, plan.after);
        for (entry, why) in plan.dropped {
            self.bury(&entry, &why);
        }
        self.expel(bench, plan.victims)?;
        Ok(verdict)
    }

    /// Leaves everything as it was.
    pub(super) fn call_off(&mut self, plan: Plan) -> Verdict {
        let verdict = plan.verdict();
        self.put_tail(plan.sender, plan.before);
        verdict
    }

    /// Drops transactions, and judges those behind them anew, each sender's once.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub(super) fn expel(
        &mut self,
        bench: &Bench<'_>,
        victims: Vec<Victim>,
    ) -> Result<(), InvariantViolation> {
        let mut of_senders = BTreeMap::<Address, BTreeMap<Nonce, Victim>>::new();
        for victim in victims {
            let Some((sender, nonce)) = self.index.place(&victim.hash) else {
                continue;
            };
            let is_eviction = victim.why.code == Code::PoolFull;
            self.evictions = self.evictions.saturating_add(usize::from(is_eviction));
            of_senders.entry(sender).or_default().insert(nonce, victim);
        }
        for (sender, victims) in of_senders {
            let Some((first, _)) = victims.first_key_value() else {
                continue;
            };
            let mut rest = Vec::new();
            let mut taking_along: Option<&Victim> = None;
            for entry in self.take_tail(&sender, *first) {
                let own = victims.get(&entry.nonce());
                let with_another = taking_along.filter(|_| entry.is_waiting());
                match own.or(with_another) {
                    Some(victim) => self.bury(&entry, &victim.why),
                    None => rest.push(entry),
                }
                taking_along = own.filter(|own| own.with_successors).or(taking_along);
            }
            self.rejudge(bench, sender, rest)?;
        }
        Ok(())
    }
}

impl Victim {
    /// One that gives its place, with what waits behind it where it waits itself.
    pub fn new(entry: &PooledTx, code: Code, why: &str) -> Self {
        Self {
            hash: entry.hash(),
            with_successors: matches!(entry.status, Status::Waiting(_)),
            why: Refusal::new(code, why),
        }
    }

    /// Whether an entry of its queue, from its place on, goes with it.
    pub fn takes(&self, entry: &PooledTx) -> bool {
        entry.hash() == self.hash || (self.with_successors && entry.is_waiting())
    }
}
