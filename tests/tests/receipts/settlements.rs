//! How a claim is settled among miner, coordinators, treasury, proposer and client, by the vectors and
//! where several coordinators attest.

use ait_app::address::Address;
use ait_testkit::{
    actors::{Actor, alice, arbiter, coordinator, miner, validator, witness},
    chain::Setup,
    draft::Draft,
};
use ait_tests::scenes::with_opening;
use serde_json::{Value, json};

const MOST: u64 = (1 << 53) - 1;

/// The chain on which a settlement of the vectors happens.
fn setting(case: &Value) -> Setup {
    let number = |name: &str| case[name].as_u64();
    let required = number("required").unwrap();
    // The miner has what it offers above the required fee, and not a uait more.
    let mut setup = Setup::default()
        .balance(&miner(), number("fee").unwrap() - required)
        .coordinators(&[&coordinator(), &arbiter(), &witness()])
        .param("base_fee", required)
        .param("fee_per_kib", 0)
        .param("min_escrow_amount", 1);
    for name in ["coordinator_bps", "treasury_bps", "mint_per_unit"] {
        if let Some(value) = number(name) {
            setup = setup.param(name, value);
        }
    }
    if let Some(left) = number("coordinator_left") {
        setup = setup.param("coordinator_epoch_mint_cap", left);
    }
    if let Some(left) = number("supply_left") {
        let rest: u64 = setup.accounts.values().sum();
        setup = setup.balance(&Actor::named("whale"), MOST - rest - left);
    }
    setup
}

#[test]
fn a_claim_credits_exactly_what_the_settlement_vector_says() {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/protocol.json")).unwrap();
    let cases = vectors["settlements"].as_array().unwrap();
    assert!(cases.len() >= 10);
    let all = [coordinator(), arbiter(), witness()];
    for case in cases {
        let number = |name: &str| case[name].as_u64().unwrap();
        let attesters: Vec<&Actor> = match case["attesters"].as_u64() {
            None => all.iter().take(1).collect(),
            Some(count) => all.iter().take(count.try_into().unwrap()).collect(),
        };
        let (mut chain, work) = with_opening(&setting(case), |chain| {
            let mut open = chain.open(&alice(), "job_42", number("remaining"), 1_000);
            if case["partial"] == true {
                open = open.with("partial", true);
            }
            if attesters.len() > 1 {
                let more = attesters[1..].iter().map(|a| a.address().to_string());
                open = open.with("attesters", more.collect::<Vec<_>>());
            }
            open
        });
        let work = work.costing(number("units"), number("price"));
        let claim = match &attesters[..] {
            [one] => chain.claim_with(&miner(), &work, Some(&work.attested_by(one, 1))),
            several => chain.claim_by(&miner(), &work, several),
        };
        assert_eq!(chain.required_fee(&claim), number("required"));
        let mut people = vec![
            (miner().address(), case["result"]["miner"].clone()),
            (Address::treasury(), case["result"]["treasury"].clone()),
            (validator().address(), case["result"]["proposer"].clone()),
        ];
        for (attester, part) in attesters
            .iter()
            .zip(case["result"]["coordinators"].as_array().unwrap())
        {
            people.push((attester.address(), part.clone()));
        }
        let before: Vec<u64> = people.iter().map(|(who, _)| chain.balance(*who)).collect();
        let client = chain.balance(alice().address());
        let block = chain.commit([claim.fee(number("fee"))]);
        assert_eq!(block.names(), [""], "{case}");
        for ((who, credit), before) in people.iter().zip(before) {
            let gained = chain.balance(*who) - before;
            assert_eq!(json!(gained), *credit, "{who} in {case}");
        }
        let escrow = chain.escrow(&alice(), "job_42");
        let returned = chain.balance(alice().address()) - client;
        let left = escrow["remaining"].as_u64().unwrap() + returned;
        assert_eq!(json!(left), case["result"]["remaining"], "{case}");
        let open = case["partial"] == true && left > 0;
        assert_eq!(escrow["status"], if open { "open" } else { "settled" });
        let receipt = chain.receipt(&miner(), "rcpt_7f3a");
        assert_eq!(receipt["minted"], case["result"]["minted"], "{case}");
        assert_eq!(
            receipt["limited_by"], case["result"]["limited_by"],
            "{case}"
        );
        assert_eq!(chain.supply()["minted"], case["result"]["minted"]);
        assert_eq!(
            chain.miner(&miner())["units_total"],
            case["result"]["counted"]
        );
    }
}

#[test]
fn only_coordinators_that_attested_answer_for_a_mint_and_share_it() {
    let (mut chain, work) = {
        let setup = Setup::default()
            .coordinators(&[&coordinator(), &arbiter(), &witness()])
            .param("coordinator_bps", 501);
        with_opening(&setup, |chain| {
            let more = [arbiter(), witness()].map(|a| a.address().to_string());
            chain
                .open(&alice(), "job_42", 60_000, 100)
                .with("attesters", more.to_vec())
                .with("threshold", 2)
        })
    };
    let claim = chain.claim_by(
        &miner(),
        &work.costing(1, 50_000),
        &[&coordinator(), &witness()],
    );
    let before = chain.balance(coordinator().address());
    assert_eq!(chain.commit([claim]).names(), [""]);
    // floor(1000 * 5.01 %) = 50: 25 each.
    assert_eq!(chain.balance(coordinator().address()), before + 25);
    assert_eq!(chain.balance(witness().address()), 25);
    assert_eq!(chain.balance(arbiter().address()), 0);
    for (who, minted) in [(coordinator(), 1_050), (arbiter(), 0), (witness(), 1_050)] {
        assert_eq!(
            chain.coordinator(&who)["epoch_minted"],
            minted,
            "{}",
            who.name
        );
    }
}

#[test]
fn the_poorest_of_the_attesting_coordinators_limits_the_mint() {
    let setup = Setup::default()
        .coordinators(&[&coordinator(), &arbiter()])
        .balance(&arbiter(), 10_000)
        .param("mint_cap_per_bond", 1);
    let (mut chain, work) = with_opening(&setup, |chain| {
        let more = [arbiter().address().to_string()];
        chain
            .open(&alice(), "job_42", 60_000, 100)
            .with("attesters", more.to_vec())
            .with("threshold", 2)
    });
    let txs: Vec<Draft> = vec![
        chain.bond(&coordinator(), 500_000),
        chain.bond(&arbiter(), 2_100),
    ];
    chain.commit(txs);
    let claim = chain.claim_by(&miner(), &work, &[&coordinator(), &arbiter()]);
    assert_eq!(chain.commit([claim]).names(), [""]);
    assert_eq!(chain.supply()["minted"], 2_100);
    assert_eq!(chain.balance(miner().address()), 50_000 + 2_000);
}
