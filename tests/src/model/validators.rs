//! Owns the end of a block: who is proven, evidence and downtime, the epoch's end, and the set that is
//! sent to CometBFT.

use std::{cmp::Reverse, collections::BTreeMap, collections::VecDeque};

use super::{
    Engine, Event, LIMIT, Model,
    crypto::{address_bytes, short_hash},
    event,
    state::{Jail, Set, Validator, slash},
};

/// Who validates with what, by account.
pub(super) type Seats = BTreeMap<String, Seat>;

/// A member of the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) key: String,
    pub(super) power: u64,
}

impl Validator {
    fn jail(&mut self, jail: Jail) {
        self.jail = Some(jail);
        self.counted = 0;
        self.missed = 0;
    }
}

impl Model {
    /// The genesis' authorities are the first set, and proven.
    ///
    /// Updates of block H hold from H+2, and the commit in block H is that of the set of H-1: so the
    /// set that three blocks before sent, and none in the first block.
    pub(super) fn found_authorities(&mut self) {
        let authorities: Vec<_> = self.params.authorities().collect();
        for (address, key, power) in authorities {
            self.own_key(&address, &key);
            let record = self.validators.get_mut(&address).unwrap();
            record.power = power;
            record.proven = true;
        }
        self.commits = VecDeque::from([Set::new(), self.set(), self.set()]);
    }

    /// What comes after the transactions and their fees, and the changes of the set.
    pub(super) fn end_block(&mut self, engine: &Engine) -> (Vec<Event>, Set) {
        self.see_votes(engine);
        let wanted = self.before.params["consensus_mode"] == "cbp";
        let in_force = self.consensus.mode == "cbp";
        let mut events = Vec::new();
        if wanted && in_force {
            events.extend(self.punish_equivocation(engine));
            events.extend(self.punish_downtime(engine));
        }
        let epoch_blocks = self.before.params.number("epoch_blocks");
        let ends = self.height.is_multiple_of(epoch_blocks);
        if ends {
            self.end_epoch();
        }
        let seats = match (wanted, in_force) {
            (false, true) => {
                self.switch("poa");
                self.authority_seats()
            }
            (false, false) => self.authority_seats(),
            (true, true) if ends => self.elect(),
            (true, true) => self.kept_seats(),
            (true, false) if ends && self.authorities_hold_most() => {
                self.switch("cbp");
                self.elect()
            }
            (true, false) => self.authority_seats(),
        };
        let limited = self.consensus.mode == "cbp";
        let seats = if limited {
            self.limit_unproven(seats)
        } else {
            seats
        };
        (events, self.send(seats))
    }

    /// Whose votes these are, where they were cast with the key in use: (account, absent).
    fn voters_in_use(&self, engine: &Engine) -> Vec<(String, bool)> {
        let mut accounts = Vec::new();
        for (consensus_address, absent) in &engine.votes {
            let Some(address) = self.owner(consensus_address) else {
                continue;
            };
            if short_hash(&self.validators[&address].pubkey) == *consensus_address {
                accounts.push((address, *absent));
            }
        }
        accounts
    }

    fn see_votes(&mut self, engine: &Engine) {
        for (address, absent) in self.voters_in_use(engine) {
            let record = self.validators.get_mut(&address).unwrap();
            if !absent && record.power > 0 {
                record.proven = true;
            }
        }
    }

    /// Who signed two blocks at one height, with any key it ever had, is jailed for good.
    fn punish_equivocation(&mut self, engine: &Engine) -> Vec<Event> {
        let share = self.before.params.wide("slash_double_sign_bps");
        let mut events = Vec::new();
        for consensus_address in &engine.misbehaviour {
            let Some(address) = self.owner(consensus_address) else {
                continue;
            };
            let record = self.validators.get_mut(&address).unwrap();
            if record.jail != Some(Jail::Tombstoned) {
                let lost = slash(&mut record.stake, &mut record.unbonding, share);
                record.jail(Jail::Tombstoned);
                self.burned += lost;
                events.extend(punished(&address, lost, "equivocation", None));
            }
        }
        events
    }

    /// Who signed too few blocks of its window is jailed for a while.
    fn punish_downtime(&mut self, engine: &Engine) -> Vec<Event> {
        let window = self.before.params.number("downtime_window");
        let least = self.before.params.number("min_signed_bps");
        let mut events = Vec::new();
        for (address, absent) in self.voters_in_use(engine) {
            let can_do_without = self.can_do_without(&address);
            let record = self.validators.get_mut(&address).unwrap();
            if record.jail.is_some() {
                continue;
            }
            if record.window != self.consensus.mode_changes {
                record.window = self.consensus.mode_changes;
                (record.counted, record.missed) = (0, 0);
            }
            record.counted += 1;
            record.missed += u64::from(absent);
            if record.counted < window {
                continue;
            }
            let (counted, missed) = (record.counted, record.missed);
            let guilty = (counted - missed) * 10_000 < least * counted;
            // A judgement that would take too much at once waits, with what was counted.
            if guilty && can_do_without {
                events.extend(self.jail_for_downtime(&address));
            } else if !guilty {
                (record.counted, record.missed) = (0, 0);
            }
        }
        events
    }

    /// Half of the power last sent is left without this one and without everybody jailed by now.
    fn can_do_without(&self, address: &str) -> bool {
        let all: u64 = self.validators.values().map(|record| record.power).sum();
        let others = self
            .validators
            .iter()
            .filter(|(other, _)| *other != address);
        let free = others.filter(|(_, record)| record.jail.is_none());
        let left: u64 = free.map(|(_, record)| record.power).sum();
        left * 2 >= all
    }

    fn jail_for_downtime(&mut self, address: &str) -> Vec<Event> {
        let bps = self.before.params.wide("slash_downtime_bps");
        let until = self.height + self.before.params.number("jail_blocks");
        let record = self.validators.get_mut(address).unwrap();
        let lost = slash(&mut record.stake, &mut record.unbonding, bps);
        record.jail(Jail::Until(until));
        self.burned += lost;
        punished(address, lost, "downtime", Some(until))
    }

    /// Scores age and take up the epoch's work, in every mode.
    fn end_epoch(&mut self) {
        let decay = self.before.params.number("work_decay_bps");
        let consensus = &mut self.consensus;
        if consensus.decays.last().is_some_and(|last| last.0 != decay) {
            consensus.decays.push((decay, consensus.epochs));
        }
        for miner in self.miners.values_mut() {
            miner.score = aged(miner.score, miner.epoch_units, decay);
            miner.epoch_units = 0;
        }
        consensus.epochs += 1;
        consensus.last_epoch_end = self.height;
    }

    fn switch(&mut self, mode: &'static str) {
        self.consensus.mode = mode;
        self.consensus.mode_changes += 1;
    }

    fn authority_seats(&self) -> Seats {
        let authorities = self.before.params.authorities();
        authorities
            .map(|(address, key, power)| (address, Seat { key, power }))
            .collect()
    }

    /// More than two thirds of all eligible stake is that of authorities whose keys have signed.
    fn authorities_hold_most(&self) -> bool {
        let authorities = self.authority_seats();
        let (mut all, mut theirs) = (0, 0);
        for (address, record) in &self.validators {
            if self.is_eligible(record) {
                all += record.stake;
                let counts = authorities.contains_key(address) && self.is_proven(record);
                theirs += if counts { record.stake } else { 0 };
            }
        }
        3 * theirs > 2 * all
    }

    /// Power as the `UNSTAKE`s of this block leave it.
    pub(super) fn cut_power(&self, address: &str) -> u64 {
        let sent = self.power_of(address);
        *self.cuts.get(address).unwrap_or(&sent)
    }

    /// The set last sent, with powers cut, less everybody jailed.
    fn kept_seats(&self) -> Seats {
        let free = self
            .validators
            .iter()
            .filter(|(_, record)| record.jail.is_none());
        let seats = free.map(|(address, record)| {
            let (key, power) = (record.pubkey.clone(), self.cut_power(address));
            (address.clone(), Seat { key, power })
        });
        seats.filter(|(_, seat)| seat.power > 0).collect()
    }

    fn has_proven_key(&self, address: &str, seat: &Seat) -> bool {
        let record = &self.validators[address];
        record.proven && record.pubkey == seat.key
    }

    /// Unproven ones leave, least stake first, until they cannot stop the others.
    fn limit_unproven(&self, mut seats: Seats) -> Seats {
        let most = self.before.params.number("max_validators") / 4;
        let proven = seats
            .iter()
            .filter(|(a, seat)| self.has_proven_key(a, seat));
        let power: u64 = proven.map(|(_, seat)| seat.power).sum();
        let most = most.min(power.saturating_sub(1) / 2);
        let unproven = seats
            .iter()
            .filter(|(a, seat)| !self.has_proven_key(a, seat));
        let mut unproven: Vec<String> = unproven.map(|(address, _)| address.clone()).collect();
        unproven.sort_by_key(|address| self.by_stake(address));
        for address in unproven.into_iter().skip(most as usize) {
            seats.remove(&address);
        }
        seats
    }

    /// Most stake first, then by address.
    pub(super) fn by_stake(&self, address: &str) -> (Reverse<u128>, [u8; 20]) {
        let stake = self.validators[address].stake;
        (Reverse(stake), address_bytes(address).unwrap())
    }

    /// Makes this the set, and gives the difference from the last one sent. An empty one would be the
    /// end of the chain, so then all stays as it was.
    fn send(&mut self, seats: Seats) -> Set {
        if seats.is_empty() {
            return Set::new();
        }
        let earlier = self.set();
        for (address, record) in &mut self.validators {
            let seat = seats.get(address);
            record.power = seat.map_or(0, |seat| seat.power);
            if record.power == 0 {
                record.proven = false;
            }
            if let Some(seat) = seat.filter(|seat| seat.key != record.pubkey) {
                // Nobody has seen this key sign yet.
                record.proven = false;
                record.pubkey.clone_from(&seat.key);
            }
        }
        let now = self.set();
        let gone = earlier.keys().filter(|key| !now.contains_key(*key));
        let gone = gone.map(|key| (key.clone(), 0));
        let changed = now
            .iter()
            .filter(|(key, power)| earlier.get(*key) != Some(power));
        let changed = changed.map(|(key, power)| (key.clone(), *power));
        gone.chain(changed).collect()
    }
}

/// A score after one more epoch.
pub(super) fn aged(score: u64, epoch_units: u64, decay: u64) -> u64 {
    let kept = u128::from(score) * u128::from(decay) / 10_000;
    (kept + u128::from(epoch_units)).min(LIMIT) as u64
}

fn punished(address: &str, lost: u128, reason: &str, until: Option<u64>) -> Vec<Event> {
    let slashed = event(
        "slashed",
        &[
            ("validator", &address),
            ("amount", &lost),
            ("reason", &reason),
        ],
    );
    let jailed = match &until {
        Some(until) => event(
            "jailed",
            &[
                ("validator", &address),
                ("until", until),
                ("reason", &reason),
            ],
        ),
        None => event("jailed", &[("validator", &address), ("reason", &reason)]),
    };
    let slashed = (lost > 0).then_some(slashed);
    slashed.into_iter().chain([jailed]).collect()
}
