//! What must hold in every random chain, read from the chain's own records: coins conserved, unbonding
//! never early, a set that CometBFT can take, powers as the formula says, and nobody jailed, banned or
//! under-staked in it unless it would be empty. The reference model only makes the transactions here.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use ait_tests::{
    chain::{Block, Records},
    plan::{self, announce, block_input, build_block},
};
use proptest::prelude::*;
use serde_json::Value;

const LARGEST: u64 = (1 << 53) - 1;

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
struct Seen {
    height: u64,
    before: Records,
    after: Records,
    /// What CometBFT was told up to the block before.
    told_before: Set,
    told: Set,
}

fn validators(records: &Records) -> impl Iterator<Item = &Value> {
    let all = records.iter();
    all.filter(|(key, _)| key.starts_with("/validator/"))
        .map(|(_, record)| record)
}

fn mode(records: &Records) -> &str {
    records
        .get("/consensus")
        .map_or("poa", |record| text(&record["mode"]))
}

impl Seen {
    /// A param that holds in this block.
    fn param(&self, name: &str) -> u64 {
        number(&self.before[&format!("/param/{name}")])
    }

    /// Work and stake decided before this block, and still do.
    fn by_work(&self) -> bool {
        mode(&self.before) == "cbp" && self.before["/param/consensus_mode"] == "cbp"
    }

    fn ends_an_epoch(&self) -> bool {
        self.height.is_multiple_of(self.param("epoch_blocks"))
    }

    fn is_eligible(&self, validator: &Value) -> bool {
        let miner = self
            .after
            .get(&format!("/miner/{}", text(&validator["address"])));
        let banned = miner.is_some_and(|miner| number(&miner["banned_until"]) >= self.height);
        !validator["stake_pubkey"].is_null()
            && number(&validator["stake"]) >= self.param("min_stake")
            && validator["jailed_until"] == 0
            && !banned
    }

    fn score(&self, validator: &Value) -> u64 {
        let miner = format!("/miner/{}", text(&validator["address"]));
        let miner = self.after.get(&miner);
        miner.map_or(0, |miner| number(&miner["score"]))
    }

    fn coins_are_conserved(&self) {
        let change = |field: &str| {
            let of = |records: &Records| i128::from(number(&records["/supply"][field]));
            of(&self.after) - of(&self.before)
        };
        assert_eq!(change("total"), change("minted") - change("burned"));
        assert_eq!(change("genesis"), 0);
        assert!(change("burned") >= 0 && change("minted") >= 0);
        assert!(self.by_work() || change("burned") == 0);
        let mut held = 0;
        for (key, record) in &self.after {
            held += match key.split('/').nth(1) {
                Some("account") => number(&record["balance"]),
                Some("escrow") if record["status"] == "open" => number(&record["amount"]),
                Some("validator") => {
                    let unbonding = record["unbonding"].as_array().unwrap().iter();
                    let unbonding: u64 = unbonding.map(|entry| number(&entry["amount"])).sum();
                    number(&record["stake"]) + unbonding
                }
                _ => 0,
            };
        }
        assert_eq!(self.after["/supply"]["total"], held);
    }

    /// Nothing comes out before its height, and all of it does then.
    fn unbonding_is_never_early(&self) {
        let burned = self.after["/supply"]["burned"] != self.before["/supply"]["burned"];
        for record in validators(&self.after) {
            let key = format!("/validator/{}", text(&record["address"]));
            let entries = |record: &Value| -> Vec<(u64, u64)> {
                let list = record["unbonding"].as_array().unwrap().iter();
                list.map(|entry| (number(&entry["due_height"]), number(&entry["amount"])))
                    .collect()
            };
            let mut earlier = self.before.get(&key).map_or(Vec::new(), entries);
            let now = entries(record);
            assert!(
                now.len() <= 16
                    && now
                        .iter()
                        .all(|(due, amount)| *due > self.height && *amount > 0)
            );
            earlier.retain(|(due, _)| *due > self.height);
            if burned {
                // Slashing may have made some smaller, and taken some whole.
                let sum = |list: &[(u64, u64)], height: u64| -> u64 {
                    let due = list.iter().filter(|(due, _)| *due <= height);
                    due.map(|(_, amount)| amount).sum()
                };
                let share = self
                    .param("slash_double_sign_bps")
                    .max(self.param("slash_downtime_bps"));
                for (height, amount) in &earlier {
                    let least = amount - amount * share / 10_000;
                    assert!(sum(&now, *height) >= least, "{key}");
                }
            } else {
                assert_eq!(now[..earlier.len()], earlier[..], "{key}");
                let due = (self.height + self.param("unbonding_blocks")).min(LARGEST);
                assert!(
                    now[earlier.len()..].iter().all(|entry| entry.0 == due),
                    "{key}"
                );
            }
        }
    }

    /// CometBFT knows exactly the validators of the records, and can take them.
    fn the_set_is_one_that_cometbft_takes(&self) {
        let with_power = validators(&self.after).filter(|record| record["power"] != 0);
        let recorded: Set = with_power
            .map(|record| (text(&record["pubkey"]).to_owned(), number(&record["power"])))
            .collect();
        assert_eq!(self.told, recorded);
        assert!(!self.told.is_empty());
        assert!(self.told.values().sum::<u64>() <= MOST_POWER);
    }

    fn nobody_has_power_who_must_not(&self) {
        let mut members = validators(&self.after).filter(|record| record["power"] != 0);
        if mode(&self.after) == "poa" {
            let authorities = self.before["/param/authorities"].as_array().unwrap().iter();
            let authorities: Set = authorities
                .map(|one| (text(&one["pubkey"]).to_owned(), number(&one["power"])))
                .collect();
            assert_eq!(self.told, authorities);
        } else if !members.all(|record| self.is_eligible(record)) {
            // Only because nobody else is there to take their place.
            assert_eq!(self.told, self.told_before);
            let replaces = |record: &Value| {
                self.is_eligible(record) && (self.ends_an_epoch() || record["power"] != 0)
            };
            assert!(!validators(&self.after).any(replaces));
        }
    }

    fn powers_are_those_of_the_formula(&self) {
        if mode(&self.after) == "poa" {
            return;
        }
        if !self.ends_an_epoch() {
            let same = |(key, power): (&String, &u64)| self.told_before.get(key) == Some(power);
            assert!(self.told.iter().all(same));
            return;
        }
        let eligible = validators(&self.after).filter(|record| self.is_eligible(record));
        let eligible: Vec<(u128, u128, &Value)> = eligible
            .map(|record| {
                let stake = number(&record["stake"]).into();
                (stake, self.score(record).into(), record)
            })
            .collect();
        if eligible.is_empty() {
            return;
        }
        let weight = u128::from(self.param("work_weight_bps"));
        let stakes: u128 = eligible.iter().map(|(stake, ..)| stake).sum();
        let scores: u128 = eligible.iter().map(|(_, score, _)| score).sum();
        let scores = scores.max(1);
        let product = |factors: [u128; 4]| {
            let mut factors = factors.into_iter();
            factors.try_fold(1_u128, u128::checked_mul).unwrap()
        };
        let mut ranking: Vec<(Reverse<u64>, Vec<u8>, &str)> = eligible
            .iter()
            .map(|(stake, score, record)| {
                let above = product([100, 10_000 - weight, *stake, scores])
                    + product([100, weight, *score, stakes]);
                let power = 1 + above / (stakes * scores);
                let (_, address) = bech32::decode(text(&record["address"])).unwrap();
                let power = Reverse(u64::try_from(power).unwrap());
                (power, address, text(&record["stake_pubkey"]))
            })
            .collect();
        ranking.sort();
        let seats = usize::try_from(self.param("max_validators")).unwrap();
        let elected = ranking.into_iter().take(seats);
        let elected: Set = elected
            .map(|(Reverse(power), _, key)| (key.to_owned(), power))
            .collect();
        assert_eq!(self.told, elected);
    }

    fn keys_jails_and_scores_keep_to_their_rules(&self) {
        let mut keys = BTreeSet::new();
        for record in validators(&self.after) {
            let own = record["keys"].as_array().unwrap();
            assert!(own.contains(&record["pubkey"]));
            assert!(own.iter().all(|key| keys.insert(text(key))), "no key twice");
            let path = format!("/validator/{}", text(&record["address"]));
            let earlier = self.before.get(&path);
            let jailed = earlier.map_or(0, |earlier| number(&earlier["jailed_until"]));
            let now = number(&record["jailed_until"]);
            assert!(jailed != LARGEST || now == LARGEST, "for good");
            let in_jail_anew = now > jailed;
            assert!(!in_jail_anew || (self.by_work() && now > self.height));
            assert!(
                jailed == 0 || now != 0 || jailed <= self.height,
                "not early"
            );
        }
        for (path, miner) in &self.after {
            let Some(address) = path.strip_prefix("/miner/") else {
                continue;
            };
            let validator = self.after.get(&format!("/validator/{address}"));
            let staked = validator.is_some_and(|record| !record["stake_pubkey"].is_null());
            assert!(staked || (miner["score"] == 0 && miner["epoch_units"] == 0));
        }
    }
}

/// Takes the updates as CometBFT does: a key comes once, and who leaves was there.
fn tell(set: &mut Set, block: &Block) {
    let mut keys = BTreeSet::new();
    for update in &block.outcome.validator_updates {
        let key = update.pubkey.to_string();
        assert!(keys.insert(key.clone()), "no key twice");
        if update.power == 0 {
            assert!(set.remove(&key).is_some(), "who leaves was there");
        } else {
            let earlier = set.insert(key, update.power);
            assert_ne!(earlier, Some(update.power), "changes only");
        }
    }
}

proptest! {
    #![proptest_config(plan::cases(150))]

    #[test]
    fn every_block_keeps_the_invariants_of_coins_and_validators((start, plans) in plan::chain(32)) {
        let (mut chain, mut model) = (start.chain(), start.model());
        let mut before = chain.records();
        let mut told: Set = validators(&before)
            .map(|record| (text(&record["pubkey"]).to_owned(), number(&record["power"])))
            .collect();
        for plan in &plans {
            let built = build_block(&model, plan);
            model.apply_block(&built.inputs, &built.engine);
            announce(&mut chain, &block_input(&built.engine));
            let (block, _) = chain.finalize(built.inputs.into_iter().map(|input| input.wire));
            let told_before = told.clone();
            tell(&mut told, &block);
            let seen = Seen {
                height: block.height,
                before,
                after: chain.records(),
                told_before,
                told: told.clone(),
            };
            seen.coins_are_conserved();
            seen.unbonding_is_never_early();
            seen.the_set_is_one_that_cometbft_takes();
            seen.nobody_has_power_who_must_not();
            seen.powers_are_those_of_the_formula();
            seen.keys_jails_and_scores_keep_to_their_rules();
            before = seen.after;
        }
    }
}
