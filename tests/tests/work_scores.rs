//! Work scores: what a staker delivers in an epoch counts at its end, and fades.

use ait_tests::{
    actors::{Actor, alice, miner, validator},
    chain::{Chain, Setup, Staker, elected},
    work::Says,
};

/// One job of Alice's done by this account.
fn deliver(chain: &mut Chain, account: &Actor, units: u64) {
    let job = format!("job_{}", chain.height());
    chain.commit([chain.open(&alice(), &job, 60_000, 1_000)]);
    let work = chain
        .work(&alice(), &job, account, &format!("r_{job}"))
        .costing(units, 50_000);
    let block = chain.commit([chain.claim(account, &work)]);
    assert_eq!(block.codes(), [0], "{}", block.result(0).log);
}

/// Score and units of the running epoch.
fn standing(chain: &Chain, account: &Actor) -> (u64, u64) {
    let record = chain.miner(account);
    let number = |name: &str| record[name].as_u64().unwrap();
    (number("score"), number("epoch_units"))
}

fn chain_of(ann: &Staker, setup: Setup) -> Chain {
    elected(setup, std::slice::from_ref(ann))
}

#[test]
fn scores_grow_by_an_epochs_units_and_decay_in_integers() {
    let ann = Staker::named("ann", 10_000_000);
    let mut chain = chain_of(&ann, Setup::default());
    deliver(&mut chain, &ann.account, 1_001);
    deliver(&mut chain, &ann.account, 8);
    assert_eq!(standing(&chain, &ann.account), (0, 1_009));
    chain.finish_epoch();
    assert_eq!(standing(&chain, &ann.account), (1_009, 0));
    deliver(&mut chain, &ann.account, 5);
    chain.finish_epoch();
    // floor(1009 * 0.9) + 5.
    assert_eq!(standing(&chain, &ann.account), (913, 0));
    for expected in [821, 738, 664] {
        chain.finish_epoch();
        assert_eq!(standing(&chain, &ann.account), (expected, 0));
    }
    assert_eq!(chain.miner(&ann.account)["units_total"], 1_014);
}

#[test]
fn only_accounts_that_ever_staked_have_a_score() {
    let ann = Staker::named("ann", 10_000_000);
    let mut chain = chain_of(&ann, Setup::default());
    deliver(&mut chain, &miner(), 500);
    chain.finish_epoch();
    assert_eq!(standing(&chain, &miner()), (0, 0));
    assert_eq!(chain.miner(&miner())["units_total"], 500);
    // One uait of stake is enough, and it counts on when the stake is gone.
    let key = Actor::named("miner's consensus key");
    chain.commit([chain.first_stake(&miner(), &key, 1)]);
    chain.commit([chain.unstake(&miner(), 1)]);
    deliver(&mut chain, &miner(), 500);
    chain.finish_epoch();
    assert_eq!(standing(&chain, &miner()), (500, 0));
    assert_eq!(chain.power(&miner()), 0);
}

#[test]
fn an_authority_that_never_staked_has_no_score() {
    let mut chain = Setup::default().start();
    deliver(&mut chain, &validator(), 500);
    assert_eq!(standing(&chain, &validator()), (0, 0));
    assert_eq!(chain.miner(&validator())["units_total"], 500);
}

#[test]
fn a_score_that_has_faded_costs_the_next_epochs_nothing() {
    let ann = Staker::named("ann", 10_000_000);
    let setup = Setup::default().param("work_decay_bps", 1_000);
    let mut chain = chain_of(&ann, setup);
    deliver(&mut chain, &ann.account, 15);
    chain.finish_epoch();
    assert_eq!(chain.state.working().count(), 1);
    chain.finish_epoch();
    assert_eq!(standing(&chain, &ann.account), (1, 0));
    chain.finish_epoch();
    assert_eq!(standing(&chain, &ann.account), (0, 0));
    assert_eq!(chain.state.working().count(), 0);
}

#[test]
fn an_offence_halves_score_and_units() {
    let ann = Staker::named("ann", 10_000_000);
    let mut chain = chain_of(&ann, Setup::default());
    deliver(&mut chain, &ann.account, 1_001);
    chain.finish_epoch();
    deliver(&mut chain, &ann.account, 7);
    chain.commit([chain.open(&alice(), "job", 60_000, 1_000)]);
    let work = chain.work(&alice(), "job", &ann.account, "receipt");
    let says = Says {
        paid: false,
        ..work.praise()
    };
    let opened = chain.opened_height(&alice(), "job");
    let answer = work.answered_by(&ait_tests::actors::coordinator(), opened, says);
    let block = chain.commit([chain.claim_with(&ann.account, &work, Some(&answer))]);
    assert_eq!(block.code_name(0), "attestation_negative");
    assert_eq!(standing(&chain, &ann.account), (500, 3));
    assert_eq!(chain.miner(&ann.account)["offences"], 1);
}

#[test]
fn under_proof_of_authority_units_wait() {
    let mut chain = Setup::default().start();
    let key = Actor::named("alice's consensus key");
    chain.commit([chain.first_stake(&alice(), &key, 1)]);
    deliver(&mut chain, &alice(), 40);
    chain.finish_epoch();
    assert_eq!(standing(&chain, &alice()), (0, 40));
}
