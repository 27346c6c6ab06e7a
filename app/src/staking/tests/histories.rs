//! Random histories: whatever stakers, strangers and the admin do, CometBFT takes every update, dead
//! keys never stop the chain, and nobody is elected with more than its due.

use super::*;
use crate::{params::values::ConsensusMode, quantity::Count};

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ (self.0 >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 20) % below
    }

    /// Up to 2^40, of any length.
    fn amount(&mut self) -> u64 {
        let bits = self.roll(41);
        1 + self.roll(1 << bits)
    }
}

/// Who belongs to whom: 0..4 are the authorities, up to 10 honest ones who join later, the rest has
/// keys that nobody runs.
const AUTHORITIES: usize = 4;
const HONEST: usize = 10;
const ALL: usize = 40;

fn signs(voter: &PublicKey) -> bool {
    (0..HONEST).any(|number| key(number) == *voter)
}

fn random_param(dice: &mut Dice) -> Act {
    let name_and_value = match dice.roll(9) {
        0 => ("max_validators", 4 + dice.roll(36)),
        1 => ("min_stake", dice.amount()),
        2 => ("epoch_blocks", 1 + dice.roll(9)),
        3 => ("downtime_window", 1 + dice.roll(30)),
        4 => ("min_signed_bps", dice.roll(10_001)),
        5 => ("work_weight_bps", dice.roll(5_001)),
        6 => ("work_decay_bps", dice.roll(10_001)),
        7 => ("slash_downtime_bps", dice.roll(10_001)),
        _ => ("jail_blocks", 1 + dice.roll(20)),
    };
    set_param(name_and_value.0, &name_and_value.1.to_string())
}

fn random_act(dice: &mut Dice, height: u64) -> Act {
    let number = dice.roll(ALL as u64) as usize;
    match dice.roll(20) {
        0..=6 => Act::Stake(number, dice.amount()),
        7..=10 => Act::Unstake(number, dice.amount()),
        11..=13 => Act::Unjail(number),
        14..=16 => Act::Score(number, dice.amount()),
        17 => Act::Ban(number, height + dice.roll(30)),
        18 => Act::Equivocate(HONEST + dice.roll((ALL - HONEST) as u64) as usize),
        _ => random_param(dice),
    }
}

/// Nobody's power, less the 1, is more than twice its share of the seated, proven stake, in a set that
/// was just elected by stake and work.
fn check_shares(chain: &Chain) {
    let seated: Vec<_> = (0..ALL)
        .filter_map(|number| chain.record(number))
        .filter(|record| !record.power.is_zero())
        .collect();
    let power: u128 = seated
        .iter()
        .map(|record| u128::from(record.power.get()))
        .sum();
    let proven = seated.iter().filter(|record| record.proven);
    let staked: u128 = proven
        .clone()
        .map(|record| u128::from(record.stake.get()))
        .sum();
    for record in proven {
        let (own, stake) = (
            u128::from(record.power.get()) - 1,
            u128::from(record.stake.get()),
        );
        assert!(
            own * staked <= 2 * stake * power,
            "{record:?} of {power}, {staked}"
        );
    }
}

/// Unproven ones never have a third of a set that was sent.
fn check_newcomers(chain: &Chain, max_validators: Count) {
    let sent = chain.state.sent_validators();
    let newcomers = sent.values().filter(|validator| !validator.proven);
    let power: u64 = newcomers
        .clone()
        .map(|validator| validator.power.get())
        .sum();
    let whole: u64 = sent.values().map(|validator| validator.power.get()).sum();
    assert!(power * 3 < whole, "{power} of {whole}");
    assert!(newcomers.count() as u64 <= max_validators.get() / 4);
}

/// Of the set that votes on block `height`, those who sign have more than two thirds.
fn check_progress(chain: &Chain, height: u64) {
    let set = &chain.sets[&height];
    let whole: u64 = set.values().sum();
    let signing = set.iter().filter(|(key, _)| signs(key));
    let signing: u64 = signing.map(|(_, power)| *power).sum();
    assert!(
        signing * 3 > whole * 2,
        "block {height}: {signing} of {whole}"
    );
}

fn history(seed: u64, with_admin: bool) {
    let mut dice = Dice(seed);
    let list: Vec<_> = (0..AUTHORITIES)
        .map(|i| (i, i, 1 + dice.roll(100)))
        .collect();
    let epoch = (1 + dice.roll(12)).to_string();
    let max = (4 + dice.roll(36)).to_string();
    let params = [
        ("epoch_blocks", epoch.as_str()),
        ("max_validators", max.as_str()),
    ];
    let mut chain = Chain::new(&list, &params);
    let mut acts: Vec<Act> = (0..AUTHORITIES).map(|i| Act::Stake(i, 1 << 30)).collect();
    acts.push(set_param("consensus_mode", "\"cbp\""));
    for height in 1..=150 {
        let params = chain.state.params().clone();
        for _ in 0..dice.roll(4) {
            let act = random_act(&mut dice, height);
            let is_admins = matches!(act, Act::Param(..));
            // Who is honest keeps what it began with, or the newcomers would be alone at some time.
            let leaves = matches!(act, Act::Unstake(number, _) if number < AUTHORITIES);
            if (with_admin || !is_admins) && !leaves {
                acts.push(act);
            }
        }
        let (_, updates) = chain.block(&acts, signs);
        acts.clear();
        check_progress(&chain, height + 2);
        let consensus = chain.state.consensus().unwrap();
        if consensus.mode == ConsensusMode::Cbp && !updates.is_empty() {
            check_newcomers(&chain, params.max_validators);
            let elected = Height::constant(height).is_divisible_by(params.epoch_blocks);
            if elected && (0..AUTHORITIES).any(|i| stands(&chain, i, params.min_stake)) {
                check_shares(&chain);
            }
        }
    }
}

fn stands(chain: &Chain, number: usize, min_stake: Uait) -> bool {
    let record = chain.record(number);
    record.is_some_and(|record| record.proven && record.is_eligible(min_stake))
}

#[test]
fn dead_keys_never_stop_the_chain_and_nobody_is_elected_with_more_than_its_due() {
    for seed in 0..5 {
        history(seed, false);
    }
}

#[test]
fn neither_do_params_of_any_value() {
    for seed in 1_000..1_005 {
        history(seed, true);
    }
}
