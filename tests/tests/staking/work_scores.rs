//! Work scores: what a staker delivers in an epoch counts at its end, and fades. Records are brought
//! up to date only when they are written; what they stand for is computed here epoch by epoch.

use ait_testkit::{
    actors::{Actor, alice, coordinator, miner, validator},
    chain::{Chain, Setup, Staker, elected},
    work::Says,
};
use serde_json::json;

/// Score, units of the running epoch and the number of epochs, as the record was last written.
fn written(chain: &Chain, account: &Actor) -> (u64, u64, u64) {
    let record = chain.miner(account);
    let number = |name: &str| record[name].as_u64().unwrap();
    (number("score"), number("epoch_units"), number("epoch"))
}

/// Score and units after an offence brought the record up to date, times two: it halves them.
fn doubled(chain: &Chain, account: &Actor) -> (u64, u64) {
    let mut chain = chain.clone();
    chain.commit([chain.open(&alice(), "to-write", 60_000, 1_000)]);
    let block = chain.commit([chain.forged_claim(account, "to-write")]);
    assert_eq!(block.code_name(0), "invalid_miner_signature");
    let (score, units, _) = written(&chain, account);
    (2 * score, 2 * units)
}

fn epochs(chain: &Chain) -> u64 {
    let consensus = chain.record("/consensus").unwrap();
    consensus["epochs"].as_u64().unwrap()
}

fn chain_of(ann: &Staker, setup: Setup) -> Chain {
    elected(setup, std::slice::from_ref(ann))
}

/// What an epoch's end does to a score.
fn rolled(score: u64, units: u64, decay_bps: u64) -> u64 {
    score * decay_bps / 10_000 + units
}

#[test]
fn scores_grow_by_an_epochs_units_and_decay_in_integers() {
    let ann = Staker::named("ann", 10_000_000);
    let mut chain = chain_of(&ann, Setup::default());
    chain.deliver(&ann.account, 1_001);
    chain.deliver(&ann.account, 8);
    assert_eq!(written(&chain, &ann.account), (0, 1_009, 1));
    chain.finish_epoch();
    assert_eq!(
        written(&chain, &ann.account),
        (0, 1_009, 1),
        "not written since"
    );
    chain.deliver(&ann.account, 5);
    assert_eq!(written(&chain, &ann.account), (1_009, 5, 2));
    for _ in 0..4 {
        chain.finish_epoch();
    }
    // floor(1009 * 0.9) + 5 = 913, then 821, 738 and 664.
    chain.deliver(&ann.account, 1);
    assert_eq!(written(&chain, &ann.account), (664, 1, 6));
    assert_eq!(chain.miner(&ann.account)["units_total"], 1_015);
}

#[test]
fn lazily_kept_scores_are_those_that_epoch_by_epoch_gives() {
    let stakers = [
        Staker::named("ann", 20_000_000),
        Staker::named("ben", 20_000_000),
        Staker::named("cat", 60_000_000),
    ];
    let mut chain = elected(Setup::default().param("work_score_floor", 300), &stakers);
    let mut eager = [0_u64; 3];
    let mut units = [0_u64; 3];
    let mut decay = 9_000;
    // What each delivers in an epoch, and what the admin sets the decay to in it.
    let plan: [([u64; 3], Option<u64>); 12] = [
        ([1_000, 0, 3], None),
        ([0, 77, 0], Some(5_000)),
        ([0, 0, 0], None),
        ([9, 0, 500], Some(10_000)),
        ([0, 0, 0], None),
        ([0, 0, 0], Some(9_999)),
        ([0, 401, 0], None),
        ([0, 0, 0], Some(0)),
        ([50, 60, 70], None),
        ([0, 0, 0], Some(8_888)),
        ([0, 1, 0], Some(9_999)),
        ([0, 0, 0], None),
    ];
    for (delivered, new_decay) in plan {
        for ((staker, count), sum) in stakers.iter().zip(delivered).zip(&mut units) {
            if count > 0 {
                chain.deliver(&staker.account, count);
                *sum += count;
            }
        }
        if let Some(bps) = new_decay {
            chain.commit([chain.set_param("work_decay_bps", bps)]);
            decay = bps;
        }
        assert!(chain.height() % 10 < 9);
        chain.finish_epoch();
        for (score, sum) in eager.iter_mut().zip(&mut units) {
            *score = rolled(*score, std::mem::take(sum), decay);
        }
        // The election saw those scores: half a million by stake, and by work as far as stake backs it.
        let whole = u128::from(eager.iter().sum::<u64>().max(300));
        for (staker, score) in stakers.iter().zip(eager) {
            let (stake, score) = (u128::from(staker.stake), u128::from(score));
            let by_stake = stake * whole;
            let backed = by_stake.min(score * 100_000_000);
            let power = 1 + 500_000 * (by_stake + backed) / (100_000_000 * whole);
            assert_eq!(u128::from(chain.power(&staker.account)), power);
        }
    }
    for (staker, score) in stakers.iter().zip(eager) {
        let (doubled, _) = doubled(&chain, &staker.account);
        assert_eq!(doubled, score / 2 * 2);
    }
}

#[test]
fn the_history_of_decays_holds_each_from_the_first_epoch_that_ends_with_it() {
    let ann = Staker::named("ann", 10_000_000);
    let mut chain = chain_of(&ann, Setup::default());
    let decays = |chain: &Chain| chain.record("/consensus").unwrap()["decays"].clone();
    assert_eq!(decays(&chain), json!([{"bps": 9_000, "epoch": 0}]));
    // Only the last one of an epoch counts, and one that is what it was changes nothing.
    chain.commit([
        chain.set_param("work_decay_bps", 1),
        chain.set_param("work_decay_bps", 5_000).later(1),
    ]);
    assert_eq!(decays(&chain), json!([{"bps": 9_000, "epoch": 0}]));
    chain.advance_to(19);
    assert_eq!(epochs(&chain), 1);
    // A change in the block that ends the epoch comes too late for it.
    chain.commit([chain.set_param("work_decay_bps", 7_000)]);
    let first = json!([{"bps": 9_000, "epoch": 0}, {"bps": 5_000, "epoch": 1}]);
    assert_eq!((decays(&chain), epochs(&chain)), (first, 2));
    chain.finish_epoch();
    let all = json!([
        {"bps": 9_000, "epoch": 0},
        {"bps": 5_000, "epoch": 1},
        {"bps": 7_000, "epoch": 2},
    ]);
    assert_eq!(decays(&chain), all);
    chain.commit([chain.set_param("work_decay_bps", 9_000)]);
    chain.commit([chain.set_param("work_decay_bps", 7_000)]);
    chain.finish_epoch();
    assert_eq!(decays(&chain), all);
}

#[test]
fn scores_roll_under_proof_of_authority_as_well() {
    let mut chain = Setup::default().start();
    let key = Actor::named("alice's consensus key");
    chain.commit([chain.first_stake(&alice(), &key, 1)]);
    chain.deliver(&alice(), 40);
    chain.finish_epoch();
    assert_eq!((chain.mode(), epochs(&chain)), ("poa".into(), 1));
    chain.finish_epoch();
    chain.deliver(&alice(), 7);
    assert_eq!(written(&chain, &alice()), (36, 7, 2));
}

#[test]
fn an_epochs_length_may_change_and_each_end_counts_once() {
    let ann = Staker::named("ann", 10_000_000);
    let mut chain = chain_of(&ann, Setup::default());
    chain.deliver(&ann.account, 1_000);
    chain.commit([chain.set_param("epoch_blocks", 1)]);
    let (height, before) = (chain.height(), epochs(&chain));
    chain.advance_to(height + 5);
    let consensus = chain.record("/consensus").unwrap();
    assert_eq!(consensus["epochs"], before + 5);
    assert_eq!(consensus["last_epoch_end"], height + 5);
    chain.commit([chain.set_param("epoch_blocks", 18)]);
    chain.advance_to(36);
    // One block of the old length, then the next multiple of 18.
    assert_eq!(epochs(&chain), before + 7);
    assert_eq!(chain.record("/consensus").unwrap()["last_epoch_end"], 36);
    chain.deliver(&ann.account, 1);
    let score = (0..6).fold(1_000, |score, _| rolled(score, 0, 9_000));
    assert_eq!(written(&chain, &ann.account), (score, 1, before + 7));
}

#[test]
fn only_accounts_that_ever_staked_have_a_score() {
    let ann = Staker::named("ann", 10_000_000);
    let mut chain = chain_of(&ann, Setup::default());
    chain.deliver(&miner(), 500);
    chain.finish_epoch();
    assert_eq!(written(&chain, &miner()).1, 0);
    assert_eq!(chain.miner(&miner())["units_total"], 500);
    // One uait of stake is enough, and it counts on when the stake is gone.
    let key = Actor::named("miner's consensus key");
    chain.commit([chain.first_stake(&miner(), &key, 1)]);
    chain.commit([chain.unstake(&miner(), 1)]);
    chain.deliver(&miner(), 500);
    chain.finish_epoch();
    assert_eq!(doubled(&chain, &miner()), (500, 0));
    assert_eq!(chain.power(&miner()), 0);
}

#[test]
fn an_authority_that_never_staked_has_no_score() {
    let mut chain = Setup::default().start();
    chain.deliver(&validator(), 500);
    assert_eq!(written(&chain, &validator()), (0, 0, 0));
    assert_eq!(chain.miner(&validator())["units_total"], 500);
}

#[test]
fn work_counts_as_far_as_it_minted() {
    let ann = Staker::named("ann", 10_000_000);
    let cases = [
        // By the price: 50,000 * 1 / 1,000.
        (Setup::default().param("max_mint_per_price", 1), 50),
        // By the coordinator: 1,050,000 in all are 1,000,000 for the miner.
        (
            Setup::default().param("coordinator_epoch_mint_cap", 1_050_000),
            1_000,
        ),
        // Nothing is minted for units: the work counts up to its price.
        (Setup::default().param("mint_per_unit", 0), 2_500),
        (Setup::default(), 2_500),
    ];
    for (setup, counted) in cases {
        let mut chain = chain_of(&ann, setup);
        chain.deliver(&ann.account, 2_500);
        assert_eq!(written(&chain, &ann.account).1, counted);
        assert_eq!(chain.miner(&ann.account)["units_total"], counted);
    }
}

#[test]
fn a_coordinators_mint_counts_for_one_epoch() {
    let ann = Staker::named("ann", 10_000_000);
    let setup = Setup::default().param("coordinator_epoch_mint_cap", 4_000_000);
    let mut chain = chain_of(&ann, setup);
    let record = |chain: &Chain| {
        let key = format!("/coordinator/{}", coordinator().address());
        let record = chain.record(&key).unwrap();
        let number = |name: &str| record[name].as_u64().unwrap();
        (number("epoch_minted"), number("epoch_end"))
    };
    chain.deliver(&ann.account, 2_500);
    assert_eq!(record(&chain), (2_625_000, 10));
    // What is left of the limit, in the parts 100 and 5.
    chain.deliver(&ann.account, 2_500);
    assert_eq!(record(&chain), (2_625_000 + 1_309_523 + 65_476, 10));
    assert_eq!(written(&chain, &ann.account).1, 2_500 + 1_309);
    chain.deliver(&ann.account, 2_500);
    assert_eq!(record(&chain).0, 3_999_999);
    // The block that ends the epoch belongs to it: the claim in block 20 still mints nothing to speak of.
    chain.advance_to(18);
    let before = chain.supply()["minted"].as_u64().unwrap();
    chain.deliver(&ann.account, 2_500);
    assert_eq!(chain.height(), 20);
    assert!(chain.supply()["minted"].as_u64().unwrap() <= before + 1);
    chain.deliver(&ann.account, 2_500);
    assert_eq!(record(&chain), (2_625_000, 20));
}

#[test]
fn an_offence_halves_score_and_units() {
    let ann = Staker::named("ann", 10_000_000);
    let mut chain = chain_of(&ann, Setup::default());
    chain.deliver(&ann.account, 1_001);
    chain.finish_epoch();
    chain.deliver(&ann.account, 7);
    chain.commit([chain.open(&alice(), "job", 60_000, 1_000)]);
    let work = chain.work(&alice(), "job", &ann.account, "receipt");
    let says = Says {
        exists: false,
        ..work.praise()
    };
    let answer = work.answered_by(&coordinator(), work.opened_height, says);
    let block = chain.commit([chain.claim_with(&ann.account, &work, Some(&answer))]);
    assert_eq!(block.code_name(0), "attestation_negative");
    assert_eq!(written(&chain, &ann.account), (500, 3, 2));
    assert_eq!(chain.miner(&ann.account)["offences"], 1);
}
