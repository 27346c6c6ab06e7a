//! Owns the world of a history: who takes part, what CometBFT does, and what happened.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use ait_app::{
    block::{CommitVote, ConsensusAddress, execute},
    crypto::PublicKey,
    genesis::Genesis,
    tx::Anew,
    upgrades::record::ProtocolVersion,
};
use ait_testkit::{
    actors::{Actor, admin, alice, coordinator},
    chain::{
        CHAIN_ID, Chain, Engine, Setup, ValidatorSet, authority, code_name, holds_two_thirds,
        read_entries,
    },
    draft::Draft,
};
use serde_json::{Value, json};

use super::checks;

/// How many take part.
pub const MEMBERS: usize = 20;

/// From this one on nobody runs their keys: two of five.
const FIRST_DEAD: usize = 12;

/// The genesis' age of evidence: short, so that epochs of many lengths are allowed.
const EVIDENCE_AGE: u64 = 10;

/// The job that is worked on throughout.
pub const JOB: &str = "job";

/// Numbers that look random and are the same in every run (splitmix64).
pub struct Dice(u64);

impl Dice {
    /// A number below this.
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }

    /// Whether the one of so many comes.
    pub fn one_in(&mut self, number: u64) -> bool {
        self.roll(number) == 0
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.roll(list.len() as u64) as usize]
    }

    /// Up to 2^43, of any length.
    pub fn amount(&mut self) -> u64 {
        let bits = self.roll(44);
        1 + self.roll(1 << bits)
    }
}

/// Somebody who may stake, and the two consensus keys it has: one to stake with, one besides.
pub struct Member {
    /// The account.
    pub account: Actor,
    /// The consensus key of its stake.
    pub key: Actor,
    /// Another one, which the admin may name for it.
    pub other_key: Actor,
}

/// Everybody, the same in all histories.
pub static MEMBERS_OF_ALL: LazyLock<Vec<Member>> = LazyLock::new(|| {
    let member = |n: usize| Member {
        account: Actor::named(&format!("member {n}")),
        key: Actor::named(&format!("key of member {n}")),
        other_key: Actor::named(&format!("other key of member {n}")),
    };
    (0..MEMBERS).map(member).collect()
});

/// Which keys are run.
static RUN: LazyLock<BTreeSet<PublicKey>> = LazyLock::new(|| {
    let running = MEMBERS_OF_ALL[..FIRST_DEAD].iter();
    running
        .flat_map(|member| [member.key.pubkey(), member.other_key.pubkey()])
        .collect()
});

/// The codes of keys by CometBFT's addresses.
static KEYS: LazyLock<BTreeMap<ConsensusAddress, PublicKey>> = LazyLock::new(|| {
    let keys = MEMBERS_OF_ALL
        .iter()
        .flat_map(|member| [member.key.pubkey(), member.other_key.pubkey()]);
    keys.map(|key| (ConsensusAddress::of(&key), key)).collect()
});

/// How often what happened.
#[derive(Debug, Default, Clone)]
pub struct Tally(BTreeMap<String, u64>);

impl Tally {
    /// What a run of many histories must have seen.
    const EXPECTED: [&str; 16] = [
        "done",
        "refused",
        "jailed downtime",
        "jailed equivocation",
        "unjailed",
        "slashed downtime",
        "banned",
        "elections",
        "kept seats",
        "dead seats",
        "newcomers",
        "ordinary limits",
        "tight limits",
        "ways to cbp",
        "ways to poa",
        "receipt_claimed",
    ];

    /// One more of these.
    pub fn count(&mut self, name: &str) {
        *self.0.entry(name.to_owned()).or_default() += 1;
    }

    /// Adds another history's.
    pub fn add(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            *self.0.entry(name.clone()).or_default() += count;
        }
    }

    /// The figures of what must have happened.
    pub fn figures(&self) -> impl Iterator<Item = (&str, u64)> {
        let expected = Self::EXPECTED.iter();
        expected.map(|name| (*name, self.0.get(*name).copied().unwrap_or(0)))
    }
}

/// A chain, the CometBFT that drives it, and what the simulation knows on its own.
pub struct World {
    /// The chain; its blocks are made here, not by it.
    pub chain: Chain,
    /// Chance.
    pub dice: Dice,
    /// What happened.
    pub tally: Tally,
    /// Whose flags proposers leave out, as far as a commit can do without.
    pub victims: Vec<PublicKey>,
    engine: Engine,
    /// The keys of the set last sent that have signed since they came in.
    proven: BTreeSet<PublicKey>,
    /// The keys that were proven at some time.
    ever_proven: BTreeSet<PublicKey>,
    nobody_runs: bool,
}

impl World {
    /// A chain of one to five authorities; everybody is rich.
    pub fn begin(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let count = 1 + dice.roll(5) as usize;
        let list: Vec<Value> = MEMBERS_OF_ALL[..count]
            .iter()
            .map(|member| authority(&member.account, &member.key, 1 + dice.roll(100)))
            .collect();
        let setup = MEMBERS_OF_ALL
            .iter()
            .fold(Setup::default(), |setup, member| {
                setup.balance(&member.account, 1 << 46)
            });
        let setup = setup
            .balance(&alice(), 1 << 46)
            .balance(&admin(), 1 << 46)
            .balance(&coordinator(), 1 << 40)
            .param("authorities", list)
            .param("consensus_mode", if dice.one_in(4) { "poa" } else { "cbp" })
            .param("max_validators", dice.pick(&[4, 5, 8, 12, 100]))
            .param("downtime_window", dice.pick(&[1, 3, 10, 30]))
            .param("jail_blocks", dice.pick(&[1, 5, 40]))
            .param("epoch_blocks", dice.pick(&[1, 2, 5, 10, 30]));
        let genesis =
            Genesis::parse(&setup.app_state(), EVIDENCE_AGE, ProtocolVersion::V2).unwrap();
        let chain = Chain {
            state: genesis.state(CHAIN_ID.parse().unwrap(), 1).unwrap(),
            proposer: None,
            last_commit: Vec::new(),
            misbehaviour: Vec::new(),
        };
        let sent = chain.state.sent_validators().iter();
        let set: ValidatorSet = sent.map(|(key, seat)| (*key, seat.power.get())).collect();
        Self {
            proven: set.keys().copied().collect(),
            ever_proven: set.keys().copied().collect(),
            engine: Engine::of(&set),
            chain,
            dice,
            tally: Tally::default(),
            victims: Vec::new(),
            nobody_runs: false,
        }
    }

    /// The last block's height.
    pub fn height(&self) -> u64 {
        self.chain.height()
    }

    /// From now on nobody runs any key.
    pub fn everybody_stops(&mut self) {
        self.nobody_runs = true;
    }

    /// CometBFT goes on with the set of the genesis.
    pub fn engine_misses_an_update(&mut self) {
        let first = self.engine.last().iter().take(1);
        self.engine = Engine::of(&first.map(|(key, power)| (*key, power + 1)).collect());
    }

    /// Whether somebody runs a key.
    pub fn is_run(&self, key: &PublicKey) -> bool {
        !self.nobody_runs && RUN.contains(key)
    }

    /// The keys of the sets that CometBFT has at present.
    pub fn keys_in_force(&self) -> Vec<PublicKey> {
        let sets = [self.engine.last(), self.engine.next(), self.engine.sent()];
        let keys: BTreeSet<PublicKey> = sets.iter().flat_map(|set| set.keys().copied()).collect();
        keys.into_iter().collect()
    }

    /// Makes the next block.
    ///
    /// # Errors
    /// What must not happen.
    pub fn block(&mut self) -> Result<(), String> {
        if !holds_two_thirds(self.engine.next(), |key| self.is_run(key)) {
            let set = self.engine.next();
            return Err(format!("the chain stands still: {set:?}"));
        }
        let txs: Vec<Vec<u8>> = self.acts().into_iter().map(Draft::into).collect();
        self.chain.misbehaviour = self.evidence();
        self.chain.last_commit = self.commit();
        let input = self.chain.input();
        let before = self.chain.state.clone();
        let outcome = execute(&before, &read_entries(&txs), &input, &Anew);
        let outcome = outcome.map_err(|violation| violation.to_string())?;
        self.count_events(&outcome);
        for vote in input.last_commit.iter().filter(|vote| vote.signed) {
            let key = KEYS[&vote.validator];
            if self.engine.sent().contains_key(&key) {
                self.proven.insert(key);
                self.ever_proven.insert(key);
            }
        }
        self.engine.take(&outcome.validator_updates)?;
        let sent = self.engine.sent();
        self.proven.retain(|key| sent.contains_key(key));
        self.chain.state = outcome.state;
        let facts = checks::Facts {
            chain: &self.chain,
            before: &before,
            sent,
            proven: &self.proven,
            ever_proven: &self.ever_proven,
            changed: !outcome.validator_updates.is_empty(),
        };
        checks::check(&facts, &mut self.tally)?;
        if sent.keys().any(|key| !RUN.contains(key)) {
            self.tally.count("dead seats");
        }
        Ok(())
    }

    /// The commit of the block before: keys that are run signed it, but flags of the victims are left
    /// out as long as two thirds are shown without them.
    fn commit(&self) -> Vec<CommitVote> {
        if self.height() == 0 {
            return Vec::new();
        }
        let last = self.engine.last();
        let mut shown: BTreeSet<PublicKey> = last.keys().copied().collect();
        shown.retain(|key| self.is_run(key));
        for victim in &self.victims {
            let was_there = shown.remove(victim);
            if was_there && !holds_two_thirds(last, |key| shown.contains(key)) {
                shown.insert(*victim);
            }
        }
        self.engine.commit(|key, _| shown.contains(key))
    }

    fn count_events(&mut self, outcome: &ait_app::block::BlockOutcome) {
        for result in &outcome.results {
            let name = if result.code == 0 { "done" } else { "refused" };
            self.tally.count(name);
            if result.code != 0 {
                self.tally.count(code_name(result.code));
            }
        }
        let own = outcome.events.iter();
        for event in own.chain(outcome.results.iter().flat_map(|result| &result.events)) {
            match event.get("reason") {
                Some(reason) => self.tally.count(&format!("{} {reason}", event.kind)),
                None => self.tally.count(&event.kind),
            }
        }
    }

    /// Setup that the first block needs: a job that lasts, and stakes of the authorities.
    pub fn first_acts(&self) -> Vec<Draft> {
        let open = self
            .chain
            .open(&alice(), JOB, 1 << 45, 100_000)
            .with("partial", json!(true));
        let fee = self.chain.required_fee(&open);
        vec![open.fee(fee)]
    }
}
