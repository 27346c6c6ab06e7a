//! Owns situations in which tests of several files begin or end.

use crate::{
    actors::{alice, miner},
    chain::{Block, Chain, Setup},
    draft::Draft,
    work::Work,
};

/// A chain with an escrow of Alice's, opened in block 1, and the work that is done for it.
pub fn with_escrow(setup: &Setup, amount: u64) -> (Chain, Work) {
    let mut chain = setup.start();
    let tx = chain.open(&alice(), "job_42", amount, 1_000);
    assert_eq!(chain.commit([tx]).codes(), [0]);
    let work = chain.work(&alice(), "job_42", &miner(), "rcpt_7f3a");
    (chain, work)
}

/// A claim that is refused with this code, and moves nothing but its fee.
pub fn refused(chain: &mut Chain, claim: Draft, code: &str) -> Block {
    let held = |chain: &Chain| {
        let escrow = chain.record(&format!("/escrow/{}/job_42", alice().address()));
        let minted = chain.supply()["minted"].clone();
        (escrow, minted)
    };
    let (before, balance) = (held(chain), chain.balance(miner().address()));
    let by_the_miner = claim.sender == miner().address().to_string();
    let block = chain.commit([claim]);
    assert_eq!(block.code_name(0), code, "{}", block.result(0).log);
    assert_eq!(held(chain), before);
    let fee = if by_the_miner { block.result(0).fee } else { 0 };
    assert_eq!(chain.balance(miner().address()), balance - fee);
    block
}
