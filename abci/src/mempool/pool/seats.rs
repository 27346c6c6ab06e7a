//! Owns who gives way in a contest, and among the claims that wait (PROTOCOL section 3).

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use ait_app::{
    Code, Refusal,
    address::Address,
    quantity::{Nonce, Uait},
};

use super::{
    Pool,
    contests::Contest,
    limits,
    plan::Victim,
    pooled_tx::{PooledTx, Standing, Status},
    turn::no_place_to_wait,
};

/// A sender that competes, by its best transaction: the weakest first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rival {
    standing: Standing,
    fee: Uait,
    arrival: Reverse<u64>,
    sender: Address,
}

impl Pool {
    /// Who gives way to a newcomer that competes with others. A transaction that is parked may be worth
    /// nothing, so it gives way to any that is not, and a claim that waits to one that need not.
    pub(super) fn seat(&self, newcomer: &PooledTx) -> Result<Vec<Victim>, Refusal> {
        let Some(contest) = newcomer.contest() else {
            return Ok(Vec::new());
        };
        let Some(weakest) = self.weakest_rival(&contest, &newcomer.sender()) else {
            return Ok(Vec::new());
        };
        if !gives_way(
            &contest,
            &weakest,
            newcomer.status.standing(),
            newcomer.fee(),
        ) {
            return Err(contested(&contest));
        }
        let entries = self.entries_in(&contest, &weakest.sender);
        let why = "displaced by a transaction of another sender that competes for the same";
        Ok(entries
            .map(|entry| Victim::new(entry, Code::Contested, why))
            .collect())
    }

    /// A newcomer that loses its contest whatever else is said of it: found before it costs anything.
    pub(super) fn contested_at_once(&self, newcomer: &PooledTx) -> Option<Refusal> {
        let contest = newcomer.contest()?;
        let weakest = self.weakest_rival(&contest, &newcomer.sender())?;
        let at_best = Standing::Ready;
        (weakest.standing == at_best && !gives_way(&contest, &weakest, at_best, newcomer.fee()))
            .then(|| contested(&contest))
    }

    /// Leaves each contest to as many senders as have a place in it: the nearest to a block, then
    /// those that pay most.
    pub(super) fn crowded_out(&self) -> Vec<Victim> {
        let mut victims = Vec::new();
        for contest in self.index.crowded() {
            let mut rivals: Vec<Rival> = self.rivals(contest).collect();
            rivals.sort_unstable_by(|a, b| b.cmp(a));
            for rival in rivals.into_iter().skip(contest.places()) {
                let why = "others that compete for the same stand before it";
                let entries = self.entries_in(contest, &rival.sender);
                victims.extend(entries.map(|entry| Victim::new(entry, Code::Contested, why)));
            }
        }
        victims
    }

    /// Who gives their place to a newcomer that waits, where no more may.
    pub(super) fn waiting_place(
        &self,
        newcomer: &PooledTx,
        successors: &[PooledTx],
    ) -> Result<Vec<Victim>, Refusal> {
        if !newcomer.is_waiting() {
            return Ok(Vec::new());
        }
        let own = successors.iter().filter(|entry| entry.is_waiting()).count();
        let all = self.index.waiting().saturating_add(own).saturating_add(1);
        let mut excess = all.saturating_sub(limits::MAX_WAITING);
        if excess == 0 {
            return Ok(Vec::new());
        }
        let Status::Waiting(wait) = &newcomer.status else {
            return Err(no_place_to_wait());
        };
        let mut victims = Vec::new();
        let mut seen: BTreeMap<Address, Nonce> = BTreeMap::new();
        for (rank, _, sender, nonce) in self.index.waiters() {
            if *rank >= wait.rank || excess == 0 {
                break;
            }
            let goes_already = seen.get(sender).is_some_and(|first| first <= nonce);
            if *sender == newcomer.sender() || goes_already {
                continue;
            }
            let before = seen.insert(*sender, *nonce);
            let queue = self.queues.get(sender);
            let going = queue.into_iter().flat_map(|queue| queue.from(*nonce));
            let going = going
                .take_while(|entry| before.is_none_or(|first| entry.nonce() < first))
                .filter(|entry| entry.is_waiting());
            excess = excess.saturating_sub(going.count());
            let claim = queue.and_then(|queue| queue.get(*nonce));
            let why = "displaced by a claim with a better right to wait: its escrow is bound to its \
                       sender, or has more money in it";
            victims.extend(claim.map(|claim| Victim::new(claim, Code::TooManyWaiting, why)));
        }
        if excess > 0 {
            return Err(no_place_to_wait());
        }
        Ok(victims)
    }

    /// The waiting claims for which there is no place: of each escrow and in all, those with the least
    /// right to it.
    pub(super) fn waiting_too_many(&self) -> Vec<Victim> {
        let mut of_escrow = BTreeMap::new();
        let mut all: usize = 0;
        let mut victims = Vec::new();
        if !self.index.too_many_wait() {
            return victims;
        }
        for (_, _, sender, nonce) in self.index.waiters().rev() {
            let Some(queue) = self.queues.get(sender) else {
                continue;
            };
            let mut group = queue.from(*nonce);
            let Some(claim) = group.next() else { continue };
            let Status::Waiting(wait) = &claim.status else {
                continue;
            };
            let behind = group
                .take_while(|entry| entry.status == Status::Behind)
                .count();
            let count: &mut usize = of_escrow.entry(wait.escrow.clone()).or_default();
            let with_it = all.saturating_add(behind).saturating_add(1);
            if *count >= limits::MAX_WAITING_OF_ESCROW || with_it > limits::MAX_WAITING {
                let why = "more claims wait for attestations than the node keeps";
                victims.push(Victim::new(claim, Code::TooManyWaiting, why));
            } else {
                *count = count.saturating_add(1);
                all = with_it;
            }
        }
        victims
    }

    /// The parked transactions for which there is no place: those that were parked last.
    pub(super) fn parked_too_many(&self) -> BTreeMap<Address, BTreeSet<Nonce>> {
        let mut excess = BTreeMap::<Address, BTreeSet<Nonce>>::new();
        let parked = self.index.all_parked().skip(limits::MAX_PARKED);
        for (_, _, sender, nonce) in parked {
            excess.entry(*sender).or_default().insert(*nonce);
        }
        excess
    }

    /// The weakest of the others where all places are taken.
    fn weakest_rival(&self, contest: &Contest, sender: &Address) -> Option<Rival> {
        let others: Vec<Rival> = self
            .rivals(contest)
            .filter(|rival| rival.sender != *sender)
            .collect();
        if others.len() < contest.places() {
            return None;
        }
        others.into_iter().min()
    }

    fn rivals(&self, contest: &Contest) -> impl Iterator<Item = Rival> {
        let senders = self.index.rivals(contest).map(|(sender, _)| *sender);
        senders.filter_map(|sender| {
            let entries = || self.entries_in(contest, &sender);
            Some(Rival {
                standing: entries().map(|entry| entry.status.standing()).max()?,
                fee: entries().map(PooledTx::fee).max()?,
                arrival: Reverse(entries().map(|entry| entry.arrival).min()?),
                sender,
            })
        })
    }

    fn entries_in<'a>(
        &'a self,
        contest: &Contest,
        sender: &Address,
    ) -> impl Iterator<Item = &'a PooledTx> {
        let queue = self.queues.get(sender);
        let nonces = self
            .index
            .rivals(contest)
            .find(|(rival, _)| *rival == sender)
            .map(|(_, nonces)| nonces);
        let nonces = nonces.into_iter().flatten();
        nonces.filter_map(move |nonce| queue?.get(*nonce))
    }
}

/// Whether the weakest of those that hold a place gives it to another.
fn gives_way(contest: &Contest, weakest: &Rival, standing: Standing, fee: Uait) -> bool {
    if weakest.standing != standing {
        return weakest.standing < standing;
    }
    // Claims that wait on one escrow have the same right to it.
    let is_equal = matches!(contest, Contest::Escrow(..)) && standing == Standing::Waiting;
    !is_equal && limits::outbids(fee, weakest.fee)
}

fn contested(contest: &Contest) -> Refusal {
    let message = match contest {
        Contest::Escrow(..) => format!(
            "claims of {} senders on this escrow are pending, as many as the node keeps",
            contest.places()
        ),
        _ => "a transaction of another sender that competes for the same is pending; its place costs a \
              fee at least 10 % and 1 uait above its own"
            .to_owned(),
    };
    Refusal::new(Code::Contested, message)
}
