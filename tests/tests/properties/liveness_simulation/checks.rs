//! Owns what must hold of every set that is sent, judged by what CometBFT was told and by the records.

use std::collections::BTreeSet;

use ait_app::{crypto::PublicKey, state::State};
use ait_testkit::chain::{Chain, ValidatorSet, holds_two_thirds};
use serde_json::Value;

use super::world::Tally;

/// A block's end.
pub struct Facts<'a> {
    /// The chain after it.
    pub chain: &'a Chain,
    /// The state before it.
    pub before: &'a State,
    /// The set last sent.
    pub sent: &'a ValidatorSet,
    /// Those of it whose keys have signed since they came in.
    pub proven: &'a BTreeSet<PublicKey>,
    /// Whose keys did so at some time.
    pub ever_proven: &'a BTreeSet<PublicKey>,
    /// Whether the block changed it.
    pub changed: bool,
}

/// A seated one's record.
struct Seated {
    power: u64,
    stake: u64,
    proven: bool,
    eligible: bool,
}

/// Checks a block's end.
///
/// # Errors
/// What does not hold.
pub fn check(facts: &Facts<'_>, tally: &mut Tally) -> Result<(), String> {
    let params = facts.before.params();
    let told = facts.chain.state.sent_validators();
    let same = told.len() == facts.sent.len()
        && told.iter().all(|(key, seat)| {
            facts.sent.get(key) == Some(&seat.power.get())
                && facts.proven.contains(key) == seat.proven
        });
    if !same {
        return Err(format!(
            "the records say {told:?}, CometBFT has {:?}",
            facts.sent
        ));
    }
    if !facts.changed {
        return Ok(());
    }
    let (mode, was) = (facts.chain.mode(), mode_of(facts.before));
    if mode != was {
        tally.count(&format!("ways to {mode}"));
    }
    if mode != "cbp" {
        return two_thirds_are_proven(facts);
    }
    newcomers_are_few(facts, params.max_validators.get(), tally)?;
    let height = facts.chain.height();
    if height.is_multiple_of(params.epoch_blocks.get()) {
        shares_are_fair(&seated(facts, params.min_stake.get())?, tally)?;
    }
    Ok(())
}

fn mode_of(state: &State) -> String {
    let bytes = state
        .bytes(&ait_app::state::Key::parse("/consensus").unwrap())
        .unwrap()
        .unwrap();
    let consensus: Value = serde_json::from_slice(&bytes).unwrap();
    consensus["mode"].as_str().unwrap().to_owned()
}

/// Whoever was proven when the admin named it may have left the set in that very block.
fn two_thirds_are_proven(facts: &Facts<'_>) -> Result<(), String> {
    if holds_two_thirds(facts.sent, |key| facts.ever_proven.contains(key)) {
        return Ok(());
    }
    Err(format!(
        "authorities {:?} of whom {:?} have signed",
        facts.sent, facts.ever_proven
    ))
}

/// Unproven ones: at most a quarter of the seats, and less than half of what the proven ones have.
fn newcomers_are_few(facts: &Facts<'_>, max: u64, tally: &mut Tally) -> Result<(), String> {
    let (proven, unproven): (Vec<_>, Vec<_>) = facts
        .sent
        .iter()
        .partition(|(key, _)| facts.proven.contains(key));
    let power: u64 = proven.iter().map(|(_, power)| **power).sum();
    let (by_seats, by_power) = (max / 4, power.saturating_sub(1) / 2);
    let count = unproven.len() as u64;
    if count > by_seats || count > by_power {
        return Err(format!(
            "{count} newcomers of {max} seats beside power {power}"
        ));
    }
    if unproven.iter().any(|(_, power)| **power != 1) {
        return Err(format!("newcomers with more power than 1: {unproven:?}"));
    }
    if count > 0 {
        tally.count("newcomers");
        tally.count(if count == by_power {
            "tight limits"
        } else {
            "ordinary limits"
        });
    }
    Ok(())
}

fn seated(facts: &Facts<'_>, min_stake: u64) -> Result<Vec<Seated>, String> {
    let told = facts.chain.state.sent_validators().iter();
    told.map(|(key, seat)| {
        let record = facts.chain.record(&format!("/validator/{}", seat.address));
        let record = record.ok_or("a validator has no record")?;
        let stake = record["stake"].as_u64().unwrap();
        let stakes_with_it = record["stake_pubkey"] == key.to_string();
        Ok(Seated {
            power: seat.power.get(),
            stake,
            proven: seat.proven,
            eligible: record["jail"].is_null() && stake >= min_stake && stakes_with_it,
        })
    })
    .collect()
}

/// Nobody's power less 1 is above twice its share of what the seated, proven ones stake. Where nobody
/// of them may stand, those who validate were kept.
fn shares_are_fair(seated: &[Seated], tally: &mut Tally) -> Result<(), String> {
    let proven: Vec<&Seated> = seated.iter().filter(|one| one.proven).collect();
    let eligible = proven.iter().filter(|one| one.eligible).count();
    if eligible == 0 {
        tally.count("kept seats");
        return Ok(());
    }
    tally.count("elections");
    if eligible < proven.len() {
        return Err("somebody is elected who may not stand".into());
    }
    let power: u128 = seated.iter().map(|one| u128::from(one.power)).sum();
    let staked: u128 = proven.iter().map(|one| u128::from(one.stake)).sum();
    for one in proven {
        let above = u128::from(one.power - 1) * staked;
        if above > 2 * u128::from(one.stake) * power {
            let Seated {
                power: own, stake, ..
            } = one;
            return Err(format!(
                "power {own} of {power} for stake {stake} of {staked}"
            ));
        }
    }
    Ok(())
}
