//! The random chains of the reference model's test are worth something: they come into every situation
//! that staking, elections, slashing and switches of the mode bring about, and into those of escrows.

use std::collections::{BTreeMap, BTreeSet};

mod work;

use ait_tests::{
    model::{Engine, Jail, Model, Outcome, Validator, short_hash},
    plan::{self, build_block},
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

/// Each comes at least this often.
const OFTEN: u32 = 3;

/// In so many chains.
const CHAINS: u32 = 400;

type Situations = Vec<(&'static str, bool)>;

/// One block as the model saw it.
struct Step<'a> {
    before: &'a Model,
    after: &'a Model,
    engine: &'a Engine,
    outcome: &'a Outcome,
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
        self.before.jail.is_some() && self.after.jail.is_none()
    }
}

impl Step<'_> {
    fn params_say(&self, mode: &str) -> bool {
        self.before.params["consensus_mode"] == mode
    }

    fn ends_an_epoch(&self) -> bool {
        let epoch = self.before.number("epoch_blocks");
        self.after.height.is_multiple_of(epoch)
    }

    /// Work and stake decided before this block, and still do.
    fn by_work(&self) -> bool {
        self.before.consensus.mode == "cbp" && self.params_say("cbp")
    }

    fn is_eligible(&self, record: &Validator) -> bool {
        record.stake_key.is_some()
            && record.stake >= u128::from(self.before.number("min_stake"))
            && record.jail.is_none()
    }

    fn eligible(&self) -> usize {
        let all = self.after.validators.values();
        all.filter(|record| self.is_eligible(record)).count()
    }

    fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        let records = self.before.validators.iter();
        records.map(|(address, before)| Change {
            address,
            before,
            after: &self.after.validators[address],
        })
    }

    /// What the whole block is an example of.
    fn of_the_set(&self) -> Situations {
        let (before, after) = (self.before, self.after);
        let most = before.number("max_validators") as usize;
        let elected = self.by_work() && self.ends_an_epoch();
        let (old, new) = (before.set(), after.set());
        let members: Vec<&Validator> = after.validators.values().filter(|r| r.power > 0).collect();
        let unproven = members.iter().filter(|record| !record.proven).count();
        let was_proven = |record: &Validator| record.proven && self.is_eligible(record);
        let any_proven = after.validators.values().any(was_proven);
        let known = |address: &[u8; 20]| {
            after
                .key_owners
                .keys()
                .any(|key| short_hash(key) == *address)
        };
        let waits = self.params_say("cbp") && after.consensus.mode == "poa";
        let unknown = self
            .engine
            .misbehaviour
            .iter()
            .any(|address| !known(address));
        let left = |address: &String| after.power_of(address) == 0;
        let unproven_left = before.validators.iter().any(|(address, record)| {
            record.power > 0
                && !record.proven
                && left(address)
                && after.validators[address].jail.is_none()
        });
        vec![
            ("three validators and more", elected && new.len() >= 3),
            (
                "powers change and members don't",
                elected && old.keys().eq(new.keys()) && old != new,
            ),
            (
                "more are eligible than may validate",
                elected && self.eligible() > most,
            ),
            ("an unproven one is seated", elected && unproven > 0),
            ("two unproven ones are seated", elected && unproven > 1),
            (
                "unproven ones leave between elections",
                self.by_work() && !self.ends_an_epoch() && unproven_left,
            ),
            (
                "nobody who is eligible is proven",
                elected && !any_proven && !members.is_empty(),
            ),
            (
                "cbp takes effect",
                after.consensus.mode == "cbp" && before.consensus.mode == "poa",
            ),
            (
                "poa takes effect",
                after.consensus.mode == "poa" && before.consensus.mode == "cbp",
            ),
            (
                "cbp is put off",
                waits && self.ends_an_epoch() && self.eligible() > 0,
            ),
            (
                "a set that would be empty stays",
                self.by_work() && members.iter().all(|r| r.jail.is_some()),
            ),
            ("evidence against an unknown key", self.by_work() && unknown),
            (
                "the history of decays grows",
                after.consensus.decays.len() > before.consensus.decays.len(),
            ),
        ]
    }

    /// What happened to a validator.
    fn of_an_account(&self, change: &Change<'_>) -> Situations {
        let Change {
            address,
            before,
            after,
        } = change;
        let lost_power = before.power > 0 && after.power == 0;
        let due = before
            .unbonding
            .iter()
            .any(|entry| entry.due <= self.after.height);
        let caught = before.jail != after.jail && after.jail == Some(Jail::Tombstoned);
        let idle = before.jail.is_none() && matches!(after.jail, Some(Jail::Until(_)));
        let burned = self.after.burned > self.before.burned;
        let by_old_key = before.keys.iter().any(|key| {
            *key != before.pubkey && self.engine.misbehaviour.contains(&short_hash(key))
        });
        let window = self.before.number("downtime_window");
        let judged = before.counted > 0 && after.counted == 0 && before.counted + 1 >= window;
        let free = before.jail.is_none() && after.jail.is_none();
        let between = self.by_work() && !self.ends_an_epoch() && free;
        let less_stake = after.stake < before.stake;
        vec![
            (
                "a top-up",
                before.stake_key.is_some() && after.stake > before.stake,
            ),
            ("an unbonding is paid", due),
            (
                "stake and unbonding are slashed",
                burned && (caught || idle) && !after.unbonding.is_empty(),
            ),
            (
                "a validator is jailed for downtime",
                idle && before.power > 0,
            ),
            (
                "a judgement waits",
                before.counted >= window && after.counted > before.counted,
            ),
            (
                "a validator is unjailed",
                before.jail.is_some() && after.jail.is_none(),
            ),
            (
                "an unjailed validator is back",
                self.unjailed.contains(*address) && after.power > 0,
            ),
            ("a validator equivocated", caught && lost_power),
            (
                "a jailed validator equivocated",
                caught && before.jail.is_some(),
            ),
            (
                "an account without power equivocated",
                caught && before.power == 0,
            ),
            ("equivocation with an old key", caught && by_old_key),
            (
                "a window passes without jail",
                judged && free && after.power > 0 && self.by_work(),
            ),
            (
                "unstaking cuts power at once",
                between && less_stake && !lost_power && after.power < before.power,
            ),
            (
                "unstaking all takes power at once",
                between && less_stake && lost_power,
            ),
            (
                "an elected one comes in",
                self.by_work() && before.power == 0 && after.power > 0,
            ),
            ("a key is proven", !before.proven && after.proven),
            (
                "a key changes",
                before.power > 0 && after.power > 0 && before.pubkey != after.pubkey,
            ),
        ]
    }

    /// What happened to a miner.
    fn of_a_miner(&self, address: &str) -> Situations {
        let (before, after) = (&self.before.miners[address], &self.after.miners[address]);
        let offended = after.offences > before.offences;
        let ended = self.after.consensus.epochs > self.before.consensus.epochs;
        vec![
            ("work becomes score", after.score > before.score),
            (
                "a score decays",
                ended && after.score < before.score && !offended,
            ),
            (
                "an offence halves a score",
                offended && !ended && after.score < before.score,
            ),
            ("work counts", after.epoch_units > before.epoch_units),
            (
                "one with a score is banned",
                before.score > 0 && after.banned_until > before.banned_until,
            ),
            (
                "two offences in one block",
                after.offences > before.offences + 1,
            ),
        ]
    }
}

#[test]
fn random_chains_come_into_every_situation() {
    let mut runner = TestRunner::deterministic();
    let strategy = plan::chain(32);
    let mut met: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..CHAINS {
        let (start, plans) = strategy.new_tree(&mut runner).unwrap().current();
        let mut model = start.model();
        let mut unjailed = BTreeSet::new();
        for plan in &plans {
            let built = build_block(&model, plan);
            let before = model.clone();
            let outcome = model.block(&built.wires, &built.engine);
            let step = Step {
                before: &before,
                after: &model,
                engine: &built.engine,
                outcome: &outcome,
                unjailed: &unjailed,
            };
            let mut seen = step.of_the_set();
            seen.extend(step.of_work());
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
