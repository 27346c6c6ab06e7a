//! What must hold in every random chain, read from the chain's own records: unbonding never early, a set
//! that CometBFT can take, powers as the formula says, and nobody jailed or without enough stake elected.
//! The reference model only makes the transactions here.

use std::collections::{BTreeMap, BTreeSet};

use ait_testkit::{
    actors::Actor,
    chain::{Block, Records},
};
use ait_tests::{
    model::{Engine, short_hash},
    plan::{self, announce, block_input, build_block},
};
use proptest::prelude::*;
use serde_json::Value;

/// CometBFT's `MaxTotalVotingPower`.
const MOST_POWER: u64 = i64::MAX as u64 / 8;

/// Power by consensus key.
type Set = BTreeMap<String, u64>;

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The records before and after a block.
struct Seen<'a> {
    height: u64,
    before: &'a Records,
    after: &'a Records,
    engine: &'a Engine,
    told: &'a Set,
}

fn of_kind<'a>(records: &'a Records, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    let all = records.iter();
    all.filter(move |(key, _)| key.starts_with(kind))
        .map(|(_, record)| record)
}

fn mode(records: &Records) -> &str {
    text(&records["/consensus"]["mode"])
}

impl Seen<'_> {
    /// A param that holds in this block.
    fn param(&self, name: &str) -> u64 {
        number(&self.before[&format!("/param/{name}")])
    }

    fn ends_an_epoch(&self) -> bool {
        self.height.is_multiple_of(self.param("epoch_blocks"))
    }

    fn earlier(&self, record: &Value) -> Option<&Value> {
        let path = format!("/validator/{}", text(&record["address"]));
        self.before.get(&path)
    }

    fn is_eligible(&self, record: &Value) -> bool {
        !record["stake_pubkey"].is_null()
            && number(&record["stake"]) >= self.param("min_stake")
            && record["jail"].is_null()
    }

    /// The key in use before the block was in the set, and has signed since it came in.
    fn was_proven(&self, record: &Value) -> bool {
        let Some(earlier) = self.earlier(record) else {
            return false;
        };
        let key = short_hash(text(&earlier["pubkey"]));
        let signs = self.engine.votes.contains(&(key, false)) && earlier["power"] != 0;
        earlier["proven"] == true || signs
    }

    /// Eligible, proven, and with the key of its stake in use.
    fn counts(&self, record: &Value) -> bool {
        let in_use = self.earlier(record).map(|earlier| &earlier["pubkey"]);
        self.is_eligible(record)
            && self.was_proven(record)
            && in_use == Some(&record["stake_pubkey"])
    }

    /// The miner's score of today, as its record comes to it.
    fn score(&self, record: &Value) -> u64 {
        let address = text(&record["address"]);
        let Some(miner) = self.after.get(&format!("/miner/{address}")) else {
            return 0;
        };
        if number(&miner["banned_until"]) >= self.height {
            return 0;
        }
        let consensus = &self.after["/consensus"];
        let (mut score, mut units) = (number(&miner["score"]), number(&miner["epoch_units"]));
        for epoch in number(&miner["epoch"])..number(&consensus["epochs"]) {
            let decays = consensus["decays"].as_array().unwrap().iter().rev();
            let decay = decays.clone().find(|one| number(&one["epoch"]) <= epoch);
            let kept = u128::from(score) * u128::from(number(&decay.unwrap()["bps"])) / 10_000;
            score = u64::try_from(kept).unwrap() + units;
            units = 0;
        }
        score
    }

    /// Nothing comes out before its height, and all of it does then.
    fn unbonding_is_never_early(&self) {
        let burned = self.after["/supply"]["burned"] != self.before["/supply"]["burned"];
        for (kind, bps) in [
            (
                "/validator/",
                &["slash_double_sign_bps", "slash_downtime_bps"][..],
            ),
            ("/coordinator/", &["slash_coordinator_bps"]),
        ] {
            let share = bps.iter().map(|bps| self.param(bps)).max().unwrap();
            for record in of_kind(self.after, kind) {
                let key = format!("{kind}{}", text(&record["address"]));
                let list = |record: &Value| -> Vec<(u64, u64)> {
                    let entries = record["unbonding"].as_array().unwrap().iter();
                    entries
                        .map(|entry| (number(&entry["due_height"]), number(&entry["amount"])))
                        .collect()
                };
                let now = list(record);
                let mut earlier = self.before.get(&key).map_or(Vec::new(), list);
                let kept = now
                    .iter()
                    .all(|(due, uait)| *due > self.height && *uait > 0);
                assert!(now.len() <= 16 && kept, "{key}");
                earlier.retain(|(due, _)| *due > self.height);
                if burned {
                    // Slashes, one for each equivocation of the block, made some smaller.
                    let sum = |list: &[(u64, u64)], height: u64| -> u64 {
                        let until = list.iter().filter(|(due, _)| *due <= height);
                        until.map(|(_, amount)| amount).sum()
                    };
                    for (height, amount) in &earlier {
                        let least = if kind == "/validator/" {
                            amount - amount * share / 10_000
                        } else {
                            0
                        };
                        assert!(sum(&now, *height) >= least, "{key}");
                    }
                } else {
                    assert_eq!(now[..earlier.len()], earlier[..], "{key}");
                }
            }
        }
    }

    /// CometBFT knows exactly the validators of the records, and can take them.
    fn the_set_is_one_that_cometbft_takes(&self) {
        let validators = of_kind(self.after, "/validator/");
        let with_power = validators.filter(|record| record["power"] != 0);
        let recorded: Set = with_power
            .map(|record| (text(&record["pubkey"]).to_owned(), number(&record["power"])))
            .collect();
        assert_eq!(*self.told, recorded);
        assert!(!self.told.is_empty());
        assert!(self.told.values().sum::<u64>() <= MOST_POWER);
        let mut without = of_kind(self.after, "/validator/").filter(|record| record["power"] == 0);
        assert!(without.all(|record| record["proven"] == false));
        if mode(self.after) == "poa" {
            let authorities = self.before["/param/authorities"].as_array().unwrap();
            let authorities = authorities.iter();
            let authorities: Set = authorities
                .map(|one| (text(&one["pubkey"]).to_owned(), number(&one["power"])))
                .collect();
            assert_eq!(*self.told, authorities);
        }
    }

    /// At an election those who count have the power of the formula, most first, as far as seats go;
    /// nobody else has more than 1.
    fn powers_are_those_of_the_formula(&self) {
        if mode(self.after) == "poa" || !self.ends_an_epoch() {
            return;
        }
        let validators = of_kind(self.after, "/validator/");
        let counting: Vec<&Value> = validators.filter(|record| self.counts(record)).collect();
        if counting.is_empty() {
            return;
        }
        let stake = |record: &Value| u128::from(number(&record["stake"]));
        let stakes: u128 = counting.iter().map(|record| stake(record)).sum();
        let scores: u128 = counting
            .iter()
            .map(|record| u128::from(self.score(record)))
            .sum();
        let scores = scores.max(self.param("work_score_floor").into());
        let weight = u128::from(self.param("work_weight_bps"));
        let power = |record: &Value| {
            let (own, score) = (stake(record), u128::from(self.score(record)));
            // Over the denominator stakes * scores.
            let work = (own * scores).min(score * stakes);
            let above = (10_000 - weight) * own * scores + weight * work;
            let power = 1 + 100 * above / (stakes * scores);
            u64::try_from(power).unwrap()
        };
        for record in of_kind(self.after, "/validator/") {
            let is = number(&record["power"]);
            let may_count = self.counts(record);
            assert!(is == 0 || is == power(record) && may_count || is == 1 && !may_count);
            assert!(is == 0 || self.is_eligible(record));
        }
        let seats = usize::try_from(self.param("max_validators")).unwrap();
        let mut ranking: Vec<_> = counting.iter().map(|record| power(record)).collect();
        ranking.sort_unstable_by(|one, other| other.cmp(one));
        let proven = counting.iter().filter(|record| record["power"] != 0);
        let unproven = self.told.len() - proven.clone().count();
        let mut seated: Vec<u64> = proven.map(|record| number(&record["power"])).collect();
        seated.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(
            seated,
            ranking[..seated.len()],
            "the strongest have the seats"
        );
        assert!(self.told.len() <= seats);
        assert!(
            seated.len() + unproven >= seats.min(ranking.len()),
            "none for nothing"
        );
    }

    fn keys_jails_and_scores_keep_to_their_rules(&self) {
        let by_work = mode(self.before) == "cbp" && self.before["/param/consensus_mode"] == "cbp";
        let mut keys = BTreeSet::new();
        let (mut jailed_power, mut whole) = (0, 0);
        for record in of_kind(self.after, "/validator/") {
            let own = record["keys"].as_array().unwrap();
            assert!(own.contains(&record["pubkey"]));
            assert!(own.iter().all(|key| keys.insert(text(key))), "no key twice");
            let Some(earlier) = self.earlier(record) else {
                continue;
            };
            whole += number(&earlier["power"]);
            let (was, is) = (&earlier["jail"], &record["jail"]);
            assert!(was != "tombstoned" || is == "tombstoned", "for good");
            if let (Some(until), true) = (was["until"].as_u64(), is.is_null()) {
                assert!(until <= self.height, "not early");
            }
            if !is.is_null() && was != is {
                assert!(by_work);
                if let Some(until) = is["until"].as_u64() {
                    assert!(until > self.height);
                    jailed_power += number(&earlier["power"]);
                }
            }
        }
        assert!(
            jailed_power * 2 <= whole,
            "downtime takes no more than half"
        );
        for miner in of_kind(self.after, "/miner/") {
            let path = format!("/validator/{}", text(&miner["address"]));
            let validator = self.after.get(&path);
            let staked = validator.is_some_and(|record| !record["stake_pubkey"].is_null());
            assert!(staked || (miner["score"] == 0 && miner["epoch_units"] == 0));
            let recent = miner["recent_offences"].as_array().unwrap().len();
            assert!(recent as u64 <= number(&miner["offences"]));
        }
    }
}

/// Takes the updates as CometBFT does: a key comes once, and who leaves was there.
fn tell(set: &mut Set, block: &Block) {
    for (key, power) in block.updates() {
        if power == 0 {
            assert!(set.remove(&key).is_some(), "who leaves was there");
        } else {
            let earlier = set.insert(key, power);
            assert_ne!(earlier, Some(power), "changes only");
        }
    }
}

proptest! {
    #![proptest_config(plan::cases(100))]

    #[test]
    fn every_block_keeps_the_invariants_of_coins_and_validators((start, plans) in plan::chain(32)) {
        let (mut chain, mut model) = (start.chain(), start.model());
        let mut before = chain.records();
        let mut told: Set = of_kind(&before, "/validator/")
            .map(|record| (text(&record["pubkey"]).to_owned(), number(&record["power"])))
            .collect();
        for plan in &plans {
            let built = build_block(&model, plan);
            model.block(&built.wires, &built.engine);
            announce(&mut chain, &block_input(&built.engine));
            let (block, _) = chain.finalize(built.wires);
            tell(&mut told, &block);
            let after = chain.records();
            let seen = Seen {
                height: block.height,
                before: &before,
                after: &after,
                engine: &built.engine,
                told: &told,
            };
            seen.unbonding_is_never_early();
            seen.the_set_is_one_that_cometbft_takes();
            seen.powers_are_those_of_the_formula();
            seen.keys_jails_and_scores_keep_to_their_rules();
            before = after;
        }
    }
}

#[test]
fn a_consensus_address_is_the_short_hash_of_its_key() {
    let key = Actor::named("some consensus key");
    assert_eq!(
        key.consensus_address().0,
        short_hash(&key.pubkey().to_string())
    );
}
