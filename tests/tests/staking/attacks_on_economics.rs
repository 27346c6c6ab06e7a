//! Attacks on power, pay and offences, each by what users need.

use ait_testkit::{
    actors::{Actor, alice, bob, coordinator, miner, validator, validator_key},
    chain::{Chain, Live, Setup, Staker, elected},
    draft::Draft,
    work::Says,
};

/// Four big ones, and Eve with 1 AIT at stake.
fn four_and_eve() -> (Vec<Staker>, Staker) {
    let mut stakers: Vec<Staker> = (0..4)
        .map(|n| Staker::named(&format!("val{n}"), 1_000_000_000_000))
        .collect();
    let eve = Staker::named("eve", 1_000_000);
    stakers.push(eve.clone());
    (stakers, eve)
}

/// Eve is client and miner of a small job of her own; the coordinator is honest.
fn serves_herself(chain: &mut Chain, eve: &Actor) {
    chain.commit([chain.open(eve, "own", 2_000, 1_000)]);
    let work = chain.work(eve, "own", eve, "own_r").costing(10, 1_000);
    let block = chain.commit([chain.claim(eve, &work)]);
    assert_eq!(block.codes(), [0], "{}", block.result(0).log);
}

#[test]
fn a_small_job_does_not_buy_a_third_of_the_power() {
    let (stakers, eve) = four_and_eve();
    let mut chain = elected(Setup::default(), &stakers);
    serves_herself(&mut chain, &eve.account);
    for _ in 0..3 {
        chain.finish_epoch();
        assert_eq!(chain.power(&eve.account), 1);
        assert!(chain.power(&eve.account) * 3 < chain.whole_power());
    }
}

#[test]
fn a_key_that_nobody_runs_does_not_stop_the_chain_however_much_it_staked_and_worked() {
    let (stakers, _) = four_and_eve();
    let mut live = Live::elected(Setup::default(), &stakers[..4]);
    let eve = Staker::named("rich eve", 900_000_000);
    live.stop(&eve.key);
    live.commit([live.transfer(&alice(), &eve.account, 950_000_000)]);
    live.commit([live.first_stake(&eve.account, &eve.key, eve.stake)]);
    let opened = live.open(&eve.account, "own", 60_000, 1_000);
    live.commit([opened]);
    let work = live.work(&eve.account, "own", &eve.account, "own_r");
    assert_eq!(live.commit([live.claim(&eve.account, &work)]).codes(), [0]);
    for _ in 0..30 {
        live.empty();
        assert!(live.goes_on());
        assert!(live.power(&eve.account) <= 1);
    }
}

#[test]
fn an_outsider_cannot_block_the_change_to_compute_backed_proof() {
    let outsider = Staker::named("outsider", 1_000_000);
    let mut chain = Setup::default()
        .balance(&validator(), 2_000_000_000_000)
        .balance(&outsider.account, 100_000_000)
        .start();
    chain.commit([
        chain.first_stake(&outsider.account, &outsider.key, 1_000_000),
        chain.first_stake(&validator(), &validator_key(), 1_000_000_000_000),
    ]);
    serves_herself(&mut chain, &outsider.account);
    chain.commit([chain.set_param("consensus_mode", "cbp")]);
    chain.finish_epoch();
    assert_eq!(chain.mode(), "cbp");
}

#[test]
fn a_client_cannot_void_a_delivered_and_attested_receipt() {
    let mut chain = Setup::default().start();
    let alt = Actor::named("alice's other self");
    // The real job: 50,000 uait for 2,500 units, delivered and attested.
    chain.commit([chain.open(&alice(), "real", 60_000, 20)]);
    let real = chain.work(&alice(), "real", &miner(), "rcpt_7f3a");
    let claim = chain.claim(&miner(), &real);
    // Alice saw the name. Her other self mines a job of her own under it, at a fee that comes first.
    chain.commit([chain.open(&alice(), "decoy", 1_000, 20)]);
    let decoy = chain
        .work(&alice(), "decoy", &alt, "rcpt_7f3a")
        .costing(1, 1);
    let block = chain.commit([chain.claim(&alt, &decoy), claim]);
    assert_eq!(block.code_name(1), "", "the miner is not paid");
    assert!(chain.balance(miner().address()) >= 50_000);
}

#[test]
fn a_price_is_paid_where_the_coordinators_limit_is_used_up() {
    let setup = Setup::default().param("coordinator_epoch_mint_cap", 3_000_000);
    let mut chain = setup.start();
    let eve = Actor::named("eve");
    chain.commit([
        chain.open(&alice(), "job", 60_000, 7),
        chain.open(&bob(), "own", 60_000, 100),
    ]);
    let own = chain.work(&bob(), "own", &eve, "own");
    let honest = chain.work(&alice(), "job", &miner(), "honest");
    let block = chain.commit([chain.claim(&eve, &own), chain.claim(&miner(), &honest)]);
    assert_eq!(block.codes(), [0, 0]);
    assert!(chain.balance(miner().address()) >= 50_000);
}

#[test]
fn a_price_is_paid_where_a_param_changed_since_the_work() {
    let mut chain = Setup::default().start();
    chain.commit([chain.open(&alice(), "job", 60_000, 100)]);
    let work = chain
        .work(&alice(), "job", &miner(), "r")
        .costing(50_000, 50_000);
    chain.commit([chain.set_param("mint_per_unit", 1_001)]);
    assert_eq!(chain.commit([chain.claim(&miner(), &work)]).codes(), [0]);
    assert!(chain.balance(miner().address()) >= 50_000);
}

#[test]
fn a_price_is_paid_where_no_more_can_be_minted() {
    let most: u64 = (1 << 53) - 1;
    let whale = Actor::named("whale");
    let mut chain = Setup::default()
        .balance(&whale, most - 4_000_000_000 - 1_000)
        .start();
    chain.commit([chain.open(&alice(), "job", 60_000, 100)]);
    let work = chain.work(&alice(), "job", &miner(), "r");
    let block = chain.commit([chain.claim(&miner(), &work)]);
    assert_eq!(block.codes(), [0]);
    assert_eq!(
        block.events("receipt_claimed")[0].get("limited_by"),
        Some("supply")
    );
    assert!(chain.balance(miner().address()) >= 50_000);
    assert!(chain.supply()["total"].as_u64().unwrap() <= most);
}

#[test]
fn a_price_is_paid_out_of_an_escrow_of_the_price_exactly() {
    let mut chain = Setup::default().start();
    chain.commit([chain.open(&alice(), "job", 50_000, 100)]);
    let work = chain.work(&alice(), "job", &miner(), "r");
    let claim = chain.claim(&miner(), &work);
    let fee = claim.fee;
    assert_eq!(chain.commit([claim]).codes(), [0]);
    assert_eq!(chain.balance(miner().address()), 50_000 - fee + 2_500_000);
}

#[test]
fn an_empty_account_does_not_escape_its_offences() {
    let mut chain = Setup::default().start();
    chain.commit([chain.open(&alice(), "job", 60_000, 1_000)]);
    let work = chain.work(&alice(), "job", &miner(), "r");
    let says = Says {
        exists: false,
        ..work.praise()
    };
    let negative = work.answered_by(&coordinator(), work.opened_height, says);
    // A claim that fails and can't pay has no place in a block: nobody pays for it.
    let claim = chain.claim_with(&miner(), &work, None);
    let proposal = chain.propose(&[(claim.wire(), Some(negative.clone()))]);
    assert!(proposal.is_empty());
    // So whoever was to be cheated reports it.
    let report = work.report(&work.signed_by(&miner()), &[negative]);
    let report = report_with_key(report);
    let tx = chain.draft(&alice(), "RECEIPT_REPORT", report);
    let block = chain.commit([tx]);
    assert_eq!(block.codes(), [0], "{}", block.result(0).log);
    assert_eq!(chain.miner(&miner())["offences"], 1);
}

/// The miner has no account yet: the report brings its key.
fn report_with_key(mut report: serde_json::Value) -> serde_json::Value {
    report["miner_pubkey"] = miner().pubkey().to_string().into();
    report
}

#[test]
fn failing_claims_of_empty_accounts_leave_no_record() {
    let mut chain = Setup::default().start();
    chain.commit([chain.open(&alice(), "job", 60_000, 1_000)]);
    let records = chain.records();
    let claims: Vec<Draft> = (0..200)
        .map(|n| {
            let nobody = Actor::named(&format!("nobody{n}"));
            let work = chain.work(&alice(), "job", &nobody, &format!("r{n}"));
            // A wrong inline attestation.
            let attestation = work.attested_by(&nobody, work.opened_height);
            chain.claim_with(&nobody, &work, Some(&attestation))
        })
        .collect();
    let (block, refusal) = chain.finalize(claims);
    assert!(refusal.is_some(), "no honest validator accepts the block");
    assert!(
        block
            .outcome
            .results
            .iter()
            .all(|result| result.fee.get() == 0)
    );
    assert_eq!(chain.records(), records);
}

#[test]
fn no_param_locks_stakes_for_ever() {
    let ann = Staker::named("ann", 10_000_000);
    let mut chain = elected(Setup::default(), std::slice::from_ref(&ann));
    for beyond in [10_000_001, (1_u64 << 53) - 1] {
        let refusal = chain.reject([chain.set_param("unbonding_blocks", beyond)]);
        assert_eq!(refusal.code.name(), "invalid_param_value");
    }
    assert_eq!(
        chain
            .commit([chain.set_param("unbonding_blocks", 10_000_000)])
            .codes(),
        [0]
    );
    assert_eq!(
        chain
            .commit([chain.unstake(&ann.account, 10_000_000)])
            .codes(),
        [0]
    );
    let due = &chain.validator(&ann.account)["unbonding"][0]["due_height"];
    assert!(due.as_u64().unwrap() < 100_000_000);
}

#[test]
fn power_never_outlives_the_stake_behind_it() {
    let stakers = [
        Staker::named("ann", 10_000_000),
        Staker::named("ben", 10_000_000),
    ];
    let mut live = Live::elected(Setup::default(), &stakers);
    let eve = Staker::named("eve", 900_000_000);
    live.commit([live.transfer(&alice(), &eve.account, 950_000_000)]);
    live.commit([live.first_stake(&eve.account, &eve.key, eve.stake)]);
    live.finish_epoch();
    // An epoch that is longer than the unbonding can't be.
    let block = live.commit([live.set_param("epoch_blocks", 1_000)]);
    assert_eq!(block.code_name(0), "param_conflict");
    let long = [
        live.set_param("unbonding_blocks", 302),
        live.set_param("epoch_blocks", 200).later(1),
    ];
    assert_eq!(live.commit(long).codes(), [0, 0]);
    live.finish_epoch();
    let power = live.power(&eve.account);
    assert!(power * 2 > live.whole_power());
    live.commit([live.unstake(&eve.account, 899_000_000)]);
    assert!(live.power(&eve.account) * 10 < power);
    // All of it answers for what she signs while evidence lasts.
    live.advance_to(live.height() + 99);
    live.misbehaviour = vec![eve.key.consensus_address()];
    let block = live.empty();
    assert_eq!(block.events("slashed")[0].get("amount"), Some("45000000"));
}

#[test]
fn downtime_of_the_big_ones_does_not_hand_the_chain_to_a_dwarf() {
    let mut stakers: Vec<Staker> = (0..3)
        .map(|n| Staker::named(&format!("val{n}"), 1_000_000_000))
        .collect();
    stakers.push(Staker::named("dwarf", 1_000_000));
    let mut chain = elected(Setup::default(), &stakers);
    // Flags of the three are left out of the commits.
    stakers[..3]
        .iter()
        .for_each(|staker| chain.stops_signing(&staker.key));
    chain.advance_to(chain.height() + 150);
    assert!(chain.set().len() > 1);
    assert!(chain.power(&stakers[3].account) * 3 < chain.whole_power());
}
