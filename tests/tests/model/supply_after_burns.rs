//! Burned coins make no room below the supply's limit: what genesis and claims ever made counts. The price
//! is paid all the same.

use ait_testkit::{
    actors::{Actor, bob, coordinator, miner},
    chain::{Chain, Setup},
};
use ait_tests::model::LIMIT;

/// A chain whose genesis leaves 50,000 uait to mint, and that burned 450,000 uait since.
fn after_a_slash() -> Chain {
    let liar = coordinator();
    let setup = Setup::default();
    let given: u64 = setup.accounts.values().sum();
    let setup = setup
        .balance(&Actor::named("whale"), LIMIT as u64 - given - 50_000)
        .param("coordinator_bps", 0);
    let mut chain = setup.start();
    chain.commit([
        chain.bond(&liar, 1_000_000),
        chain.open(&bob(), "lies", 60_000, 100),
        chain.open(&bob(), "job_1", 60_000, 100).later(1),
        chain.open(&bob(), "job_2", 60_000, 100).later(2),
    ]);
    let work = chain.work(&bob(), "lies", &miner(), "lie");
    let (praise, denial) = (work.attested_by(&liar, 1), work.denied_by(&liar));
    let evidence = chain.equivocation(&bob(), (&work, &praise), (&work, &denial));
    assert_eq!(chain.commit([evidence]).codes(), [0]);
    assert_eq!(chain.supply()["burned"], 450_000);
    chain
}

#[test]
fn what_was_burned_is_not_minted_again_and_the_price_is_paid() {
    let mut chain = after_a_slash();
    for (job, minted, limited_by) in [("job_1", 40_000, None), ("job_2", 10_000, Some("supply"))] {
        let before = chain.balance(miner().address());
        let work = chain.work(&bob(), job, &miner(), job).costing(40, 50_000);
        let block = chain.commit([chain.claim(&miner(), &work)]);
        assert_eq!(block.codes(), [0], "{}", block.result(0).log);
        let receipt = chain.receipt(&miner(), job);
        assert_eq!(receipt["minted"], minted);
        assert_eq!(receipt["limited_by"].as_str(), limited_by);
        let gained = chain.balance(miner().address()) - before;
        assert_eq!(gained, 50_000 + minted);
    }
    let supply = chain.supply();
    let made = supply["genesis"].as_u64().unwrap() + supply["minted"].as_u64().unwrap();
    assert_eq!(u128::from(made), LIMIT);
}
