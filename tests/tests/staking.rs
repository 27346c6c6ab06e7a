//! Staking: coins are bonded under a validator key that the staker holds, and come back by themselves.

use ait_tests::{
    actors::{Actor, alice, bob, validator, validator_key},
    chain::{Block, Chain, Setup, authority},
    draft::Draft,
};
use serde_json::json;

fn key() -> Actor {
    Actor::named("alice's consensus key")
}

fn staked(amount: u64) -> Chain {
    let mut chain = Chain::start();
    let block = chain.commit([chain.first_stake(&alice(), &key(), amount)]);
    assert_eq!(block.codes(), [0], "{}", block.result(0).log);
    chain
}

/// The only code of a block with this transaction, which is then dropped; nothing but nonce and fee
/// may have changed where it is a failure.
fn tried(chain: &Chain, draft: Draft) -> &'static str {
    let mut after = chain.clone();
    let (block, _) = after.finalize([draft]);
    if block.result(0).code != 0 {
        let unchanged = |chain: &Chain| {
            let mut records = chain.records();
            records.retain(|key, _| key.starts_with("/validator/") || key.starts_with("/miner/"));
            records
        };
        assert_eq!(unchanged(&after), unchanged(chain));
        assert_eq!(after.supply()["stakes"], chain.supply()["stakes"]);
    }
    block.code_name(0)
}

fn empty(chain: &mut Chain) -> Block {
    chain.commit(Vec::<Draft>::new())
}

#[test]
fn stake_leaves_the_balance_and_comes_back_when_unbonded() {
    let mut chain = Chain::start();
    let before = chain.balance(alice().address());
    let stake = chain.first_stake(&alice(), &key(), 5_000_000);
    let mut fees = stake.fee;
    let block = chain.commit([stake]);
    assert_eq!(block.events("staked")[0].get("amount"), Some("5000000"));
    assert_eq!(chain.balance(alice().address()), before - 5_000_000 - fees);
    assert_eq!(chain.supply()["stakes"], 5_000_000);

    let unstake = chain.unstake(&alice(), 2_000_000);
    fees += unstake.fee;
    let block = chain.commit([unstake]);
    let due = block.height + 100;
    assert_eq!(chain.validator(&alice())["stake"], 3_000_000);
    assert_eq!(
        chain.validator(&alice())["unbonding"],
        json!([{"amount": 2_000_000, "due_height": due}])
    );
    assert_eq!(chain.supply()["unbonding"], 2_000_000);

    chain.advance_to(due - 1);
    assert_eq!(chain.balance(alice().address()), before - 5_000_000 - fees);
    let block = empty(&mut chain);
    assert_eq!(block.events("unbonded")[0].get("amount"), Some("2000000"));
    assert_eq!(chain.balance(alice().address()), before - 3_000_000 - fees);
    assert_eq!(chain.supply()["unbonding"], 0);
    assert_eq!(chain.validator(&alice())["unbonding"], json!([]));
}

#[test]
fn what_unbonds_in_a_block_can_be_spent_in_it() {
    let mut chain = Setup::default().balance(&bob(), 1_000_200).start();
    chain.commit([chain.first_stake(&bob(), &key(), 1_000_000)]);
    let due = chain.commit([chain.unstake(&bob(), 1_000_000)]).height + 100;
    chain.advance_to(due - 1);
    let spend = chain.transfer(&bob(), &alice(), 1_000_000);
    assert_eq!(tried(&chain, spend), "");
}

#[test]
fn a_validator_key_needs_proof_of_possession() {
    let chain = Chain::start();
    let first = chain.first_stake(&alice(), &key(), 5);
    assert_eq!(tried(&chain, first.clone()), "");
    // Somebody who saw the proof cannot use it for an account of his own.
    let stolen = chain.draft(&bob(), "STAKE", first.payload.clone());
    assert_eq!(tried(&chain, stolen), "invalid_validator_signature");
    let other = chain.first_stake(&bob(), &key(), 5).payload;
    let swapped = first
        .clone()
        .with("validator_sig", other["validator_sig"].clone());
    assert_eq!(tried(&chain, swapped), "invalid_validator_signature");
    let elsewhere = ait_tests::chain::first_stake("other-chain", &alice(), &key(), 5);
    let elsewhere = chain.draft(&alice(), "STAKE", elsewhere);
    assert_eq!(tried(&chain, elsewhere), "invalid_validator_signature");
}

#[test]
fn a_validator_key_belongs_to_its_first_account_for_ever() {
    let mut chain = staked(5);
    let taken = chain.first_stake(&bob(), &key(), 5);
    assert_eq!(tried(&chain, taken), "validator_key_taken");
    // An authority's too.
    let authority = chain.first_stake(&bob(), &validator_key(), 5);
    assert_eq!(tried(&chain, authority), "validator_key_taken");
    // And after all was unstaked.
    chain.commit([chain.unstake(&alice(), 5)]);
    chain.advance_to(chain.height() + 101);
    let taken = chain.first_stake(&bob(), &key(), 5);
    assert_eq!(tried(&chain, taken), "validator_key_taken");
    // In the very block that registers it, the first wins.
    let fresh = Actor::named("a fresh key");
    let both = [
        chain.first_stake(&bob(), &fresh, 5),
        chain.first_stake(&Actor::named("coordinator"), &fresh, 5),
    ];
    let block = chain.commit(both);
    assert_eq!(block.code_name(0), "");
    assert_eq!(block.code_name(1), "validator_key_taken");
}

#[test]
fn an_account_keeps_its_first_validator_key() {
    let mut chain = staked(5);
    let another = chain.first_stake(&alice(), &Actor::named("another key"), 5);
    assert_eq!(tried(&chain, another), "validator_key_fixed");
    chain.commit([chain.first_stake(&alice(), &key(), 5)]);
    chain.commit([chain.stake(&alice(), 7)]);
    assert_eq!(chain.validator(&alice())["stake"], 17);
    assert_eq!(
        chain.validator(&alice())["keys"],
        json!([key().pubkey().to_string()])
    );
}

#[test]
fn malformed_stakes_are_refused_by_field() {
    let chain = staked(1_000);
    let first = chain.first_stake(&bob(), &key(), 5);
    let without = |field: &str| {
        let mut payload = first.payload.clone();
        payload.as_object_mut().unwrap().remove(field);
        tried(&chain, chain.draft(&bob(), "STAKE", payload))
    };
    assert_eq!(without("validator_sig"), "invalid_field");
    assert_eq!(without("validator_pubkey"), "invalid_field");
    assert_eq!(
        tried(&chain, chain.stake(&bob(), 5)),
        "validator_key_missing"
    );
    for bad in [
        "",
        "00",
        &"zz".repeat(32),
        &"AB".repeat(32),
        &"00".repeat(32),
    ] {
        let draft = first.clone().with("validator_pubkey", bad);
        assert_eq!(tried(&chain, draft), "invalid_public_key", "{bad:?}");
    }
    assert_eq!(
        tried(&chain, first.clone().with("amount", 0)),
        "invalid_field"
    );
    assert_eq!(tried(&chain, chain.unstake(&alice(), 0)), "invalid_field");
    let extra = chain.draft(&alice(), "UNJAIL", json!({"now": true}));
    assert_eq!(tried(&chain, extra), "invalid_field");
    let rich = chain.balance(alice().address());
    let all = chain.stake(&alice(), rich);
    assert_eq!(tried(&chain, all), "insufficient_balance");
    assert_eq!(
        tried(&chain, chain.unstake(&alice(), 1_001)),
        "stake_too_small"
    );
    assert_eq!(tried(&chain, chain.unstake(&bob(), 1)), "never_staked");
    assert_eq!(tried(&chain, chain.unjail(&bob())), "never_staked");
    assert_eq!(tried(&chain, chain.unjail(&alice())), "not_jailed");
}

#[test]
fn sixteen_unbondings_of_an_account_are_the_most_at_once() {
    let mut chain = staked(1_000);
    let unstakes = (0..17).map(|n| chain.unstake(&alice(), 1).later(n));
    let block = chain.commit(unstakes.collect::<Vec<_>>());
    assert!(block.codes()[..16].iter().all(|code| *code == 0));
    assert_eq!(block.code_name(16), "too_many_unbondings");
    assert_eq!(chain.validator(&alice())["stake"], 984);
    chain.advance_to(block.height + 100);
    assert_eq!(chain.supply()["unbonding"], 0);
    assert_eq!(tried(&chain, chain.unstake(&alice(), 984)), "");
}

#[test]
fn a_former_authority_is_shown_with_the_key_it_will_validate_with() {
    let setup = Setup::default().balance(&validator(), 10_000_000);
    let mut chain = setup.start();
    let list = json!([authority(&bob(), &Actor::named("bob's key"), 1)]);
    chain.commit([chain.set_param("authorities", list)]);
    empty(&mut chain);
    assert_eq!(chain.power(&validator()), 0);
    let pubkey = |chain: &Chain| chain.validator(&validator())["pubkey"].clone();
    assert_eq!(pubkey(&chain), validator_key().pubkey().to_string());
    chain.commit([chain.first_stake(&validator(), &key(), 5)]);
    assert_eq!(pubkey(&chain), key().pubkey().to_string());
    // One in the set keeps the key that it signs with.
    let other = Actor::named("another key");
    chain.commit([chain.first_stake(&bob(), &other, 5)]);
    let bob_signs_with = Actor::named("bob's key").pubkey().to_string();
    assert_eq!(chain.validator(&bob())["pubkey"], bob_signs_with);
}

/// A chain on which this many people staked; in the order of the keys of their records.
fn chain_of(count: usize) -> (Chain, Vec<Actor>) {
    let mut people: Vec<Actor> = (0..count)
        .map(|n| Actor::named(&format!("staker {n}")))
        .collect();
    people.sort_by_key(|person| person.address().to_string());
    let setup = people.iter().fold(Setup::default(), |setup, person| {
        setup.balance(person, 1_000_000)
    });
    let mut chain = setup.start();
    let keyed = |person: &Actor| Actor::named(&format!("{}'s key", person.name));
    let stakes: Vec<Draft> = people
        .iter()
        .map(|person| chain.first_stake(person, &keyed(person), 16))
        .collect();
    chain.commit(stakes);
    (chain, people)
}

/// Everybody unstakes 1 uait so often in one block, whose height comes back.
fn all_unstake(chain: &mut Chain, people: &[Actor], times: u64) -> u64 {
    let mut unstakes = Vec::new();
    for person in people {
        unstakes.extend((0..times).map(|n| chain.unstake(person, 1).later(n)));
    }
    let block = chain.commit(unstakes);
    assert!(block.codes().iter().all(|code| *code == 0));
    block.height
}

fn unbondings(chain: &Chain, person: &Actor) -> usize {
    let record = chain.validator(person);
    record["unbonding"].as_array().unwrap().len()
}

#[test]
fn a_thousand_unbondings_are_paid_in_a_block_and_the_rest_in_the_next() {
    let (mut chain, people) = chain_of(63);
    let height = all_unstake(&mut chain, &people, 16);
    assert_eq!(chain.supply()["unbonding"], 1_008);
    chain.advance_to(height + 100);
    // The last by key wait.
    assert_eq!(chain.supply()["unbonding"], 8);
    assert_eq!(unbondings(&chain, people.last().unwrap()), 8);
    empty(&mut chain);
    assert_eq!(chain.supply()["unbonding"], 0);
}

#[test]
fn what_was_due_first_is_paid_first() {
    let (mut chain, people) = chain_of(130);
    let height = all_unstake(&mut chain, &people, 8);
    all_unstake(&mut chain, &people, 8);
    chain.advance_to(height + 100);
    // 40 of 1,040 wait: those of the last five accounts.
    let left = |chain: &Chain, person: usize| unbondings(chain, &people[person]);
    assert_eq!([left(&chain, 124), left(&chain, 125)], [8, 16]);
    empty(&mut chain);
    // They came before all that was due a block later, of which the last 80 wait now.
    assert_eq!(chain.supply()["unbonding"], 80);
    let waiting: Vec<usize> = (118..130).map(|person| left(&chain, person)).collect();
    assert_eq!(waiting, [0, 0, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8]);
}
