//! Burned coins make room below the supply's limit: what was slashed may be minted again, by claims
//! alone, and then no more.

use ait_tests::{
    actors::{Actor, alice, bob, miner, validator, validator_key},
    chain::{Chain, Setup},
    draft::Draft,
};

const LIMIT: u64 = (1 << 53) - 1;

/// A chain whose genesis leaves 5,000 uait to mint, and that burned 500,000 uait since.
fn after_a_slash() -> Chain {
    let setup = Setup::default().balance(&validator(), 500_000_000);
    let given: u64 = setup.accounts.values().sum();
    let setup = setup
        .balance(&Actor::named("whale"), LIMIT - given - 5_000)
        .param("consensus_mode", "cbp");
    let mut chain = setup.start();
    let key = Actor::named("alice's consensus key");
    chain.commit([
        chain.first_stake(&validator(), &validator_key(), 400_000_000),
        chain.first_stake(&alice(), &key, 10_000_000),
        chain.open(&bob(), "job_1", 60_000, 100),
        chain.open(&bob(), "job_2", 60_000, 100).later(1),
    ]);
    chain.finish_epoch();
    chain.misbehaviour = vec![key.consensus_address()];
    chain.commit(Vec::<Draft>::new());
    assert_eq!(chain.supply()["burned"], 500_000);
    chain
}

#[test]
fn what_was_burned_may_be_minted_again_and_no_more() {
    let mut chain = after_a_slash();
    let room = LIMIT - chain.supply()["total"].as_u64().unwrap();
    assert_eq!(room, 505_000);
    // 400 units: 400,000 to the miner and 20,000 to the coordinator; then the same again.
    for (job, code, total) in [
        ("job_1", "", LIMIT - 85_000),
        ("job_2", "supply_limit_reached", LIMIT - 85_000),
    ] {
        let work = chain.work(&bob(), job, &miner(), job);
        let claim = chain.claim(&miner(), &work.costing(400, 50_000));
        let block = chain.commit([claim]);
        assert_eq!(block.code_name(0), code, "{}", block.result(0).log);
        assert_eq!(chain.supply()["total"], total);
    }
}
