//! Compute-backed proof: who is elected, with how much power, and how a chain comes to it and back.

use std::collections::BTreeMap;

use ait_tests::{
    actors::{Actor, admin, alice, bob, coordinator, miner, validator, validator_key},
    chain::{Block, Chain, Setup, Staker, authority, elected},
    draft::Draft,
};
use serde_json::{Value, json};

fn three() -> [Staker; 3] {
    [
        Staker::named("ann", 10_000_000),
        Staker::named("ben", 30_000_000),
        Staker::named("cat", 60_000_000),
    ]
}

fn powers(chain: &Chain, stakers: &[Staker]) -> Vec<u64> {
    let power = |staker: &Staker| chain.power(&staker.account);
    stakers.iter().map(power).collect()
}

fn empty(chain: &mut Chain) -> Block {
    chain.commit(Vec::<Draft>::new())
}

fn without_fees() -> Setup {
    Setup::default()
        .param("base_fee", 0)
        .param("fee_per_kib", 0)
}

#[test]
fn power_follows_stake_where_nobody_worked() {
    let stakers = three();
    let chain = elected(Setup::default(), &stakers);
    // Half of a million for stake: 10, 30 and 60 of 100.
    assert_eq!(powers(&chain, &stakers), [50_001, 150_001, 300_001]);
}

#[test]
fn power_follows_work_as_well() {
    let stakers = three();
    let setup = Setup::default().param("work_weight_bps", 7_500);
    let mut chain = elected(setup, &stakers);
    for (n, units) in [(0, 900), (1, 100)] {
        deliver(&mut chain, &stakers[n].account, units);
    }
    chain.finish_epoch();
    // A quarter by stake, three quarters by work.
    let expected = [25_000 + 675_000 + 1, 75_000 + 75_000 + 1, 150_000 + 1];
    assert_eq!(powers(&chain, &stakers), expected);
}

/// One more job of Alice's done by this account.
fn deliver(chain: &mut Chain, account: &Actor, units: u64) {
    let job = format!("job_{}_{}", account.name, chain.height());
    chain.commit([chain.open(&alice(), &job, 60_000, 1_000)]);
    let work = chain
        .work(&alice(), &job, account, &format!("r_{job}"))
        .costing(units, 50_000);
    let block = chain.commit([chain.claim(account, &work)]);
    assert_eq!(block.codes(), [0], "{}", block.result(0).log);
}

#[test]
fn power_changes_only_at_an_epochs_end() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    let before = powers(&chain, &stakers);
    chain.commit([chain.stake(&stakers[0].account, 50_000_000)]);
    while chain.height() % 10 != 9 {
        assert_eq!(powers(&chain, &stakers), before);
        assert!(empty(&mut chain).updates().is_empty());
    }
    let block = empty(&mut chain);
    // 60, 30 and 60 of 150.
    assert_eq!(powers(&chain, &stakers), [200_001, 100_001, 200_001]);
    assert_eq!(block.updates().len(), 3);
    assert_eq!(
        block.updates()[&stakers[1].key.pubkey().to_string()],
        100_001
    );
    chain.finish_epoch();
    assert_eq!(powers(&chain, &stakers), [200_001, 100_001, 200_001]);
}

#[test]
fn whoever_falls_below_the_minimum_leaves_at_once() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    let block = chain.commit([chain.unstake(&stakers[0].account, 9_000_001)]);
    let expected = BTreeMap::from([(stakers[0].key.pubkey().to_string(), 0)]);
    assert_eq!(block.updates(), expected);
    assert_eq!(chain.power(&stakers[0].account), 0);
    // With the minimum exactly it stays.
    chain.commit([chain.stake(&stakers[0].account, 1)]);
    assert_eq!(
        chain.power(&stakers[0].account),
        0,
        "until the next election"
    );
    chain.finish_epoch();
    assert!(chain.power(&stakers[0].account) > 0);
}

#[test]
fn the_most_powerful_are_elected_and_ties_go_by_address() {
    let stakers: Vec<Staker> = (0..6)
        .map(|n| Staker::named(&format!("v{n}"), 5_000_000))
        .collect();
    let rich = Staker::named("rich", 5_000_001);
    let all = [stakers.clone(), vec![rich.clone()]].concat();
    let chain = elected(Setup::default().param("max_validators", 3), &all);
    let mut by_address: Vec<&Staker> = stakers.iter().collect();
    by_address.sort_by_key(|staker| staker.account.address());
    assert!(chain.power(&rich.account) > 0);
    for (place, staker) in by_address.into_iter().enumerate() {
        assert_eq!(chain.power(&staker.account) > 0, place < 2, "place {place}");
    }
}

#[test]
fn the_chain_waits_until_its_authorities_hold_more_than_two_thirds() {
    let outsider = Staker::named("outsider", 5_000_000);
    let mut chain = Setup::default()
        .balance(&validator(), 100_000_000)
        .balance(&outsider.account, 100_000_000)
        .param("consensus_mode", "cbp")
        .start();
    let authority_only = json!({validator_key().pubkey().to_string(): 10});
    let set = |chain: &Chain| -> Value {
        let set = chain.state.sent_validators().iter();
        set.map(|(key, sent)| (key.to_string(), sent.power))
            .collect()
    };
    chain.commit([
        chain.first_stake(&outsider.account, &outsider.key, 5_000_000),
        chain.first_stake(&validator(), &validator_key(), 9_999_000),
    ]);
    chain.finish_epoch();
    assert_eq!(chain.record("/consensus"), None);
    assert_eq!(set(&chain), authority_only);
    // Two thirds exactly, but for the 1 that each has.
    chain.commit([chain.stake(&validator(), 1_000)]);
    chain.finish_epoch();
    assert_eq!(chain.record("/consensus"), None);
    chain.commit([chain.stake(&validator(), 1_000)]);
    chain.finish_epoch();
    assert_eq!(chain.record("/consensus"), Some(json!({"mode": "cbp"})));
    assert_eq!(
        chain.power(&outsider.account),
        1 + 500_000 * 5_000_000 / 15_001_000
    );
}

#[test]
fn a_live_chain_goes_to_compute_backed_proof_and_back() {
    let ann = Staker::named("ann", 10_000_000);
    let mut chain = Setup::default()
        .balance(&ann.account, 100_000_000)
        .param(
            "authorities",
            json!([authority(&ann.account, &validator_key(), 7)]),
        )
        .start();
    // The authority validates with another key than its stake's.
    chain.commit([chain.first_stake(&ann.account, &ann.key, ann.stake)]);
    chain.commit([chain.set_param("consensus_mode", "cbp")]);
    while chain.height() % 10 != 9 {
        assert!(empty(&mut chain).updates().is_empty());
    }
    let (old, new) = (
        validator_key().pubkey().to_string(),
        ann.key.pubkey().to_string(),
    );
    let block = empty(&mut chain);
    assert_eq!(
        block.updates(),
        BTreeMap::from([(old.clone(), 0), (new.clone(), 500_001)])
    );
    assert_eq!(chain.validator(&ann.account)["pubkey"], new);
    chain.advance_to(25);
    let block = chain.commit([chain.set_param("consensus_mode", "poa")]);
    assert!(
        block.updates().is_empty(),
        "params hold from the next block"
    );
    let block = empty(&mut chain);
    assert_eq!(
        block.updates(),
        BTreeMap::from([(old.clone(), 7), (new, 0)])
    );
    assert_eq!(chain.record("/consensus"), Some(json!({"mode": "poa"})));
    assert_eq!(chain.validator(&ann.account)["pubkey"], old);
    // The stake is still there, and can go.
    assert_eq!(
        chain
            .commit([chain.unstake(&ann.account, ann.stake)])
            .codes(),
        [0]
    );
}

#[test]
fn the_set_is_never_empty() {
    let ann = Staker::named("ann", 10_000_000);
    let mut chain = elected(without_fees(), std::slice::from_ref(&ann));
    let power = chain.power(&ann.account);
    let block = chain.commit([chain.unstake(&ann.account, 10_000_000)]);
    assert!(block.updates().is_empty());
    chain.finish_epoch();
    assert_eq!(chain.power(&ann.account), power);
    // Whoever stakes next takes over at the epoch's end.
    let ben = Staker::named("ben", 2_000_000);
    chain.commit([chain.transfer(&alice(), &ben.account, 2_000_000)]);
    chain.commit([chain.first_stake(&ben.account, &ben.key, 2_000_000)]);
    chain.finish_epoch();
    assert_eq!(chain.power(&ann.account), 0);
    assert_eq!(chain.power(&ben.account), 500_001);
}

/// A claim for Alice's job with a signature that is not the miner's, which is an offence.
fn forged_claim(chain: &Chain, account: &Actor) -> Draft {
    let work = chain.work(&alice(), "job", account, "receipt");
    let opened = chain.opened_height(&alice(), "job");
    let attestation = work.attested_by(&coordinator(), opened);
    let payload = work.claim(&work.signed_by(&miner()), Some(&attestation));
    chain.draft(account, "RECEIPT_CLAIM", payload)
}

#[test]
fn a_ban_takes_the_power_at_once_and_gives_it_back_after() {
    let stakers = three();
    let setup = Setup::default()
        .param("offence_limit", 1)
        .param("ban_blocks", 15);
    let mut chain = elected(setup, &stakers);
    let ann = &stakers[0].account;
    chain.commit([chain.open(&alice(), "job", 60_000, 1_000)]);
    let block = chain.commit([forged_claim(&chain, ann)]);
    assert_eq!(block.code_name(0), "invalid_miner_signature");
    assert_eq!(block.events("banned").len(), 1);
    let expected = BTreeMap::from([(stakers[0].key.pubkey().to_string(), 0)]);
    assert_eq!(block.updates(), expected);
    let until = block.height + 15;
    assert_eq!(chain.miner(ann)["banned_until"], until);
    while chain.height() < until {
        assert_eq!(chain.power(ann), 0);
        empty(&mut chain);
    }
    chain.finish_epoch();
    assert_eq!(chain.power(ann), 50_001);
}

#[test]
fn under_proof_of_authority_a_ban_takes_no_power() {
    let mut chain = Setup::default()
        .param("offence_limit", 1)
        .balance(&validator(), 1_000_000)
        .start();
    chain.commit([chain.open(&alice(), "job", 60_000, 1_000)]);
    let block = chain.commit([forged_claim(&chain, &validator())]);
    assert_eq!(block.events("banned").len(), 1);
    chain.finish_epoch();
    assert_eq!(chain.power(&validator()), 10);
}

#[test]
fn fees_reach_the_proposers_account_in_both_modes() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    for mode in ["cbp", "poa"] {
        for staker in &stakers {
            chain.proposer = Some(staker.key.consensus_address());
            let before = chain.balance(staker.account.address());
            let tx = chain.transfer(&bob(), &admin(), 5).fee(77);
            chain.commit([tx]);
            let earned = chain.balance(staker.account.address()) - before;
            assert_eq!(earned, 77, "{mode}");
        }
        chain.commit([chain.set_param("consensus_mode", "poa")]);
        empty(&mut chain);
    }
}
