//! Attacks by params, windows and proposers, each by what users need.

use ait_app::{
    block::{BlockInput, execute},
    tx::Anew,
};
use ait_testkit::{
    actors::{Actor, alice, bob, coordinator, miner},
    chain::{Chain, Live, Setup, Staker, elected},
    draft::Draft,
};
use serde_json::json;

const MOST: u64 = (1 << 53) - 1;

fn empty(chain: &mut Chain) {
    chain.commit(Vec::<Draft>::new());
}

#[test]
fn no_slash_breaks_an_invariant() {
    let ann = Staker::named("ann", MOST - 5_000_000_000 - 300_000_000);
    let ben = Staker::named("ben", 2_000_000);
    let setup = Setup::default()
        .param("slash_double_sign_bps", 10_000)
        .param("mint_per_unit", 1_000_000_000_u64)
        .param("max_mint_per_price", 1_000_000_000_u64)
        .param("coordinator_epoch_mint_cap", MOST)
        .param("coordinator_bps", 0);
    let mut chain = elected(setup, &[ann.clone(), ben.clone()]);
    chain.misbehaviour = vec![ann.key.consensus_address()];
    empty(&mut chain);
    assert_eq!(chain.supply()["burned"], ann.stake);
    // What was burned can't be minted again.
    chain.commit([chain.open(&alice(), "big", 50_000_000, 1_000)]);
    let work = chain
        .work(&alice(), "big", &ben.account, "big")
        .costing(9_000_000, 40_000_000);
    assert_eq!(
        chain.commit([chain.claim(&ben.account, &work)]).codes(),
        [0]
    );
    let supply = chain.supply();
    let issued = supply["genesis"].as_u64().unwrap() + supply["minted"].as_u64().unwrap();
    assert!(issued <= MOST);
    let all = chain.balance(ben.account.address()) - 1_000;
    assert_eq!(chain.commit([chain.stake(&ben.account, all)]).codes(), [0]);
    let misbehaviour = vec![ben.key.consensus_address()];
    let input = BlockInput {
        misbehaviour,
        ..chain.input()
    };
    let outcome = execute(&chain.state, &[], &input, &Anew);
    let violation = outcome.err().map(|violation| violation.to_string());
    assert_eq!(violation, None, "every node stops, for ever");
}

#[test]
fn raising_min_stake_leaves_time_until_the_election() {
    let mut stakers: Vec<Staker> = (0..9)
        .map(|n| Staker::named(&format!("v{n}"), 100_000_000))
        .collect();
    stakers.push(Staker::named("lone", 150_000_000));
    let mut chain = elected(Setup::default(), &stakers);
    chain.commit([chain.set_param("min_stake", 120_000_000)]);
    empty(&mut chain);
    assert_eq!(
        chain.set().len(),
        10,
        "one node would decide alone, and when it is down the chain is"
    );
    // They stake more in time.
    let more: Vec<Draft> = stakers[..9]
        .iter()
        .map(|staker| chain.stake(&staker.account, 20_000_000))
        .collect();
    assert_eq!(chain.commit(more).codes(), [0; 9]);
    chain.finish_epoch();
    assert_eq!(chain.set().len(), 10);
}

#[test]
fn an_attestation_given_before_a_key_rotation_still_pays() {
    let rotated = json!({coordinator().address().to_string(): bob().pubkey().to_string()});
    for value in [json!({}), rotated] {
        let mut chain = Setup::default().start();
        chain.commit([chain.open(&alice(), "job", 60_000, 50)]);
        let work = chain.work(&alice(), "job", &miner(), "r");
        let claim = chain.claim(&miner(), &work);
        chain.commit([chain.set_param("coordinators", value.clone())]);
        let block = chain.commit([claim]);
        assert_eq!(block.code_name(0), "", "{value}");
    }
}

#[test]
fn a_proposer_earns_nothing_from_making_others_fail() {
    let mut chain = Setup::default().start();
    let carl = Actor::named("carl");
    chain.commit([chain.transfer(&alice(), &carl, 10_000)]);
    // Carl awaits 50,000 from Bob and has sent it on already; an honest pool parks it.
    let onward = chain.transfer(&carl, &alice(), 55_000);
    let required = onward.fee;
    let offered = onward.fee(9_000);
    // Left out it earns nothing, included where it fails less than included where it succeeds.
    assert!(chain.propose(&[(offered.wire(), None)]).is_empty());
    let block = chain.commit([offered]);
    assert_eq!(block.code_name(0), "insufficient_balance");
    assert_eq!(block.result(0).fee.get(), required);
    assert!(required < 9_000);
}

#[test]
fn authorities_prove_their_keys() {
    let mut chain = Setup::default().start();
    let stranger = Actor::named("nobody holds this key");
    let value = json!([{
        "address": alice().address().to_string(),
        "pubkey": stranger.pubkey().to_string(),
        "power": 10,
    }]);
    let set = chain.set();
    let block = chain.commit([chain.set_param("authorities", value)]);
    assert_eq!(block.code_name(0), "invalid_authority_proof");
    empty(&mut chain);
    assert_eq!(chain.set(), set, "the chain would halt two blocks later");
    // The key's real owner can still use it.
    let block = chain.commit([chain.first_stake(&bob(), &stranger, 2_000_000)]);
    assert_eq!(block.codes(), [0]);
}

#[test]
fn leaving_before_the_window_ends_does_not_save_from_judgement() {
    let stakers = [
        Staker::named("ann", 10_000_000),
        Staker::named("ben", 100_000_000),
    ];
    let mut live = Live::elected(Setup::default(), &stakers);
    let ann = &stakers[0];
    live.stop(&ann.key);
    let mut jailed = 0;
    while jailed == 0 && live.height() < 500 {
        let missed = live.validator(&ann.account)["missed_blocks"]
            .as_u64()
            .unwrap();
        // Shortly before the judgement it goes out for the rest of the epoch and comes in again.
        let dodges = missed % 90 > 85 && live.power(&ann.account) > 0;
        let txs = if dodges {
            let all = live.validator(&ann.account)["stake"].as_u64().unwrap();
            vec![
                live.unstake(&ann.account, all),
                live.stake(&ann.account, all).later(1),
            ]
        } else {
            Vec::new()
        };
        jailed += live.commit(txs).events("jailed").len();
    }
    assert_eq!(jailed, 1);
    assert!(live.height() < 200, "{}", live.height());
}

#[test]
fn units_of_proof_of_authority_do_not_count_as_one_epoch() {
    let ann = Staker::named("ann", 10_000_000);
    let mut chain = Setup::default().balance(&ann.account, 100_000_000).start();
    chain.commit([chain.first_stake(&ann.account, &ann.key, 1)]);
    for _ in 0..30 {
        chain.deliver(&ann.account, 2_500);
    }
    let record = chain.miner(&ann.account);
    assert!(record["epoch_units"].as_u64().unwrap() <= 5 * 2_500);
    assert!(record["score"].as_u64().unwrap() < 30 * 2_500);
}
