//! The random chains of the reference model's test are worth something for validators too: they come
//! into every situation that staking, elections, slashing, bans and switches of the mode bring about.

use std::collections::{BTreeMap, BTreeSet};

use ait_tests::{
    model::{Engine, FOR_GOOD, Model, Validator},
    plan::{self, build_block},
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

/// Each comes at least this often in 400 chains.
const OFTEN: u32 = 5;

/// One block as the model saw it.
struct Step<'a> {
    before: &'a Model,
    after: &'a Model,
    engine: &'a Engine,
    /// Accounts that were unjailed and have had no power since.
    unjailed: &'a BTreeSet<String>,
}

/// An account's record before and after the block.
struct Change<'a> {
    address: &'a str,
    before: &'a Validator,
    after: &'a Validator,
}

impl Change<'_> {
    fn is_freed(&self) -> bool {
        self.before.jailed_until != 0 && self.after.jailed_until == 0
    }
}

impl Step<'_> {
    fn params_say(&self, mode: &str) -> bool {
        self.before.params["consensus_mode"] == mode
    }

    fn ends_an_epoch(&self) -> bool {
        self.after
            .height
            .is_multiple_of(self.before.number("epoch_blocks"))
    }

    /// Work and stake decided before this block, and still do.
    fn by_work(&self) -> bool {
        self.before.mode == Some("cbp") && self.params_say("cbp")
    }

    fn is_banned(&self, address: &str) -> bool {
        let miner = self.after.miners.get(address);
        miner.is_some_and(|miner| miner.banned_until >= self.after.height)
    }

    fn has_enough_stake(&self, record: &Validator) -> bool {
        record.stake_key.is_some() && record.stake >= u128::from(self.before.number("min_stake"))
    }

    fn is_eligible(&self, address: &str) -> bool {
        let record = &self.after.validators[address];
        self.has_enough_stake(record) && record.jailed_until == 0 && !self.is_banned(address)
    }

    fn eligible(&self) -> usize {
        let all = self.after.validators.keys();
        all.filter(|address| self.is_eligible(address)).count()
    }

    fn lost_power(&self, address: &str) -> bool {
        self.before.power_of(address) > 0 && self.after.power_of(address) == 0
    }

    fn gained_power(&self, address: &str) -> bool {
        self.before.power_of(address) == 0 && self.after.power_of(address) > 0
    }

    fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        let records = self.before.validators.iter();
        records.map(|(address, before)| Change {
            address,
            before,
            after: &self.after.validators[address],
        })
    }

    /// One who is eligible and not in the set has as much as one who is, of all that
    /// has weight.
    fn somebody_as_good_is_left_out(&self) -> bool {
        let eligible = self.after.validators.keys();
        let eligible = eligible.filter(|address| self.is_eligible(address));
        let (inside, outside): (Vec<_>, Vec<_>) =
            eligible.partition(|address| self.after.power_of(address) > 0);
        let weight = self.before.number("work_weight_bps");
        let worth = |address: &&String| {
            let score = self.after.miners.get(*address).map_or(0, |m| m.score);
            let stake = self.after.validators[*address].stake;
            let stake = if weight == 10_000 { 0 } else { stake };
            (stake, if weight == 0 { 0 } else { score })
        };
        let inside: Vec<_> = inside.iter().map(worth).collect();
        outside.iter().map(worth).any(|one| inside.contains(&one))
    }

    /// What the whole block is an example of.
    fn of_the_set(&self) -> Vec<(&'static str, bool)> {
        let (before, after) = (self.before, self.after);
        let most = before.number("max_validators") as usize;
        let elected = self.by_work() && self.ends_an_epoch() && self.eligible() > 0;
        let cut = elected && self.eligible() > most;
        let equal = self.somebody_as_good_is_left_out();
        let kept = |key: &String| !self.is_eligible(&after.key_owners[key]);
        let no_record = |key: &String| !before.key_owners.contains_key(key);
        let waits = self.params_say("cbp") && after.mode != Some("cbp");
        let other_powers = before.set.keys().eq(after.set.keys()) && before.set != after.set;
        vec![
            ("three validators and more", elected && after.set.len() >= 3),
            ("powers change and members don't", elected && other_powers),
            ("more are eligible than may validate", cut),
            ("powers tie at the last place", cut && equal),
            (
                "cbp takes effect",
                after.mode == Some("cbp") && !self.was("cbp"),
            ),
            (
                "poa takes effect",
                after.mode == Some("poa") && self.was("cbp"),
            ),
            (
                "cbp is put off",
                waits && self.ends_an_epoch() && self.eligible() > 0,
            ),
            (
                "a set that would be empty stays",
                self.by_work() && after.set.keys().all(kept),
            ),
            (
                "evidence against an unknown key",
                self.by_work() && self.engine.evidence.iter().any(no_record),
            ),
        ]
    }

    fn was(&self, mode: &str) -> bool {
        self.before.mode == Some(mode)
    }

    /// What happened to a validator.
    fn of_an_account(&self, change: &Change<'_>) -> Vec<(&'static str, bool)> {
        let Change {
            address,
            before,
            after,
        } = change;
        let height = self.after.height;
        let due = before.unbonding.iter().any(|entry| entry.due <= height);
        let caught = before.jailed_until != FOR_GOOD && after.jailed_until == FOR_GOOD;
        let idle = before.jailed_until == 0 && after.jailed_until != 0 && !caught;
        let burned = self.after.burned > self.before.burned;
        let by_old_key = |key: &String| {
            before.keys.contains(key) && *key != before.pubkey && before.stake_key.is_some()
        };
        let free = before.jailed_until == 0 && after.jailed_until == 0;
        let staked_before = before.stake_key.is_some();
        let judged = before.window_start != 0 && after.window_start == 0;
        let lost = self.lost_power(address) && self.by_work() && free;
        let between = lost && !self.ends_an_epoch();
        vec![
            ("a top-up", staked_before && after.stake > before.stake),
            ("an unbonding is paid", due),
            (
                "stake and unbonding are slashed",
                burned && (caught || idle) && !after.unbonding.is_empty(),
            ),
            (
                "a validator is jailed for downtime",
                idle && self.before.power_of(address) > 0,
            ),
            (
                "a validator is unjailed",
                before.jailed_until != 0 && after.jailed_until == 0,
            ),
            (
                "an unjailed validator is back",
                self.unjailed.contains(*address) && self.gained_power(address),
            ),
            (
                "a validator equivocated",
                caught && self.lost_power(address),
            ),
            (
                "a jailed validator equivocated",
                caught && before.jailed_until != 0,
            ),
            (
                "an account without power equivocated",
                caught && self.before.power_of(address) == 0,
            ),
            (
                "equivocation with an old key",
                caught && self.engine.evidence.iter().any(by_old_key),
            ),
            (
                "a window passes without jail",
                judged && free && self.after.power_of(address) > 0 && self.by_work(),
            ),
            (
                "a ban takes power at once",
                between && self.is_banned(address),
            ),
            (
                "too little stake takes power at once",
                between && !self.has_enough_stake(after),
            ),
            (
                "an elected one comes in",
                self.by_work() && self.gained_power(address),
            ),
            (
                "an elected one stays under poa",
                self.was("cbp")
                    && self.params_say("poa")
                    && self.before.power_of(address) > 0
                    && self.after.power_of(address) > 0,
            ),
        ]
    }

    /// What happened to a miner.
    fn of_a_miner(&self, address: &str) -> Vec<(&'static str, bool)> {
        let (before, after) = (&self.before.miners[address], &self.after.miners[address]);
        let offended = after.offences.len() > before.offences.len();
        let aged = self.params_say("cbp") && self.ends_an_epoch() && before.epoch_units == 0;
        vec![
            ("work becomes score", after.score > before.score),
            (
                "a score decays",
                aged && after.score < before.score && !offended,
            ),
            (
                "an offence halves a score",
                offended && !aged && after.score < before.score,
            ),
            ("work counts", after.epoch_units > before.epoch_units),
            (
                "one with a score is banned",
                before.score > 0 && after.banned_until > before.banned_until,
            ),
        ]
    }
}

#[test]
fn random_chains_come_into_every_situation_of_validators() {
    let mut runner = TestRunner::deterministic();
    let strategy = plan::chain(32);
    let mut met: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..400 {
        let (start, plans) = strategy.new_tree(&mut runner).unwrap().current();
        let mut model = start.model();
        let mut unjailed = BTreeSet::new();
        for plan in &plans {
            let built = build_block(&model, plan);
            let before = model.clone();
            model.apply_block(&built.inputs, &built.engine);
            let step = Step {
                before: &before,
                after: &model,
                engine: &built.engine,
                unjailed: &unjailed,
            };
            let mut seen = step.of_the_set();
            seen.extend(
                step.changes()
                    .flat_map(|change| step.of_an_account(&change)),
            );
            let miners = before.miners.keys();
            seen.extend(miners.flat_map(|address| step.of_a_miner(address)));
            for (situation, is) in seen {
                *met.entry(situation).or_default() += u32::from(is);
            }
            let freed = step.changes().filter(Change::is_freed);
            let freed: Vec<String> = freed.map(|change| change.address.to_owned()).collect();
            unjailed.extend(freed);
        }
    }
    eprintln!("{met:#?}");
    let rare: Vec<_> = met.iter().filter(|(_, times)| **times < OFTEN).collect();
    assert!(rare.is_empty(), "met too rarely: {rare:?}");
}
