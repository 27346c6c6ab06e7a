//! Staking: coins are bonded under a validator key that the staker holds, and come back by themselves.

use ait_testkit::{
    actors::{Actor, alice, bob, validator, validator_key},
    chain::{Block, Chain, Live, Setup, authority, new_authority},
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
    let due = block.height + 120;
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
    let mut chain = Setup::default().balance(&bob(), 1_001_500).start();
    chain.commit([chain.first_stake(&bob(), &key(), 1_000_000)]);
    let unstake = chain.unstake(&bob(), 1_000_000);
    let due = chain.commit([unstake]).height + 120;
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
    let elsewhere = ait_testkit::chain::first_stake("other-chain", &alice(), &key(), 5);
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
    chain.advance_to(chain.height() + 121);
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
        assert_eq!(tried(&chain, draft), "invalid_field", "{bad:?}");
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
    chain.advance_to(block.height + 120);
    assert_eq!(chain.supply()["unbonding"], 0);
    assert_eq!(tried(&chain, chain.unstake(&alice(), 984)), "");
}

#[test]
fn a_former_authority_is_shown_with_the_key_it_will_validate_with() {
    let setup = Setup::default().balance(&validator(), 10_000_000);
    let mut live = Live::of(setup.start());
    live.empty();
    let bobs = Actor::named("bob's key");
    let bob_joins = json!([
        authority(&validator(), &validator_key(), 10),
        new_authority(&bob(), &bobs, 1)
    ]);
    live.commit([live.set_param("authorities", bob_joins)]);
    live.advance_to(6);
    let bob_alone = json!([authority(&bob(), &bobs, 1)]);
    let block = live.commit([live.set_param("authorities", bob_alone)]);
    assert_eq!(block.codes(), [0]);
    live.empty();
    assert_eq!(live.power(&validator()), 0);
    let pubkey = |live: &Live, account: &Actor| live.validator(account)["pubkey"].clone();
    assert_eq!(
        pubkey(&live, &validator()),
        validator_key().pubkey().to_string()
    );
    live.commit([live.first_stake(&validator(), &key(), 5)]);
    assert_eq!(pubkey(&live, &validator()), key().pubkey().to_string());
    // One in the set keeps the key that it signs with.
    let other = Actor::named("another key");
    live.commit([live.first_stake(&bob(), &other, 5)]);
    assert_eq!(pubkey(&live, &bob()), bobs.pubkey().to_string());
    assert_eq!(
        live.validator(&bob())["stake_pubkey"],
        other.pubkey().to_string()
    );
    assert_eq!(live.validator(&bob())["proven"], true);
}

#[test]
fn the_first_stake_of_an_account_pays_for_its_record() {
    let mut chain = Chain::start();
    let first = chain.first_stake(&alice(), &key(), 5);
    assert_eq!(chain.required_fee(&first), first.fee);
    let cheap = first.clone().fee(first.fee - 1);
    assert_eq!(chain.reject([cheap]).code.name(), "fee_too_low");
    // A second one in the same block does not: the record is there by then.
    let again = chain.stake(&alice(), 5).later(1);
    let block = chain.commit([first.clone(), again.clone().fee(again.fee - 1_000)]);
    assert_eq!(block.codes(), [0, 0]);
    assert_eq!(chain.stake(&alice(), 5).fee, again.fee - 1_000);
    // An authority has its record already.
    assert_eq!(
        first.fee - chain.draft(&validator(), "STAKE", first.payload).fee,
        1_000
    );
}

/// A chain whose stakes and bonds are due at one height; in the order of their records' keys.
fn three_leave_at_once() -> (Chain, Vec<Actor>, u64) {
    let mut people: Vec<Actor> = ["p", "q", "r"]
        .iter()
        .map(|name| Actor::named(name))
        .collect();
    people.sort_by_key(|person| person.address().to_string());
    let setup = people.iter().fold(Setup::default(), |setup, person| {
        setup.balance(person, 1_000_000)
    });
    // Bonds are due by an escrow's longest life later.
    let mut chain = setup.param("escrow_max_ttl_blocks", 1).start();
    let mut txs = Vec::new();
    for person in &people {
        let key = Actor::named(&format!("{}'s key", person.name));
        txs.push(chain.first_stake(person, &key, 100));
        txs.push(chain.bond(person, 100).later(1));
    }
    chain.commit(txs);
    let unbonds: Vec<Draft> = people
        .iter()
        .rev()
        .flat_map(|person| [chain.unbond(person, 7), chain.unbond(person, 3).later(1)])
        .collect();
    chain.commit(unbonds);
    let unstakes: Vec<Draft> = people
        .iter()
        .rev()
        .flat_map(|person| [chain.unstake(person, 9), chain.unstake(person, 2).later(1)])
        .collect();
    let due = chain.commit(unstakes).height + 120;
    (chain, people, due)
}

#[test]
fn what_is_due_is_paid_in_the_order_of_its_records_keys() {
    let (mut chain, people, due) = three_leave_at_once();
    chain.advance_to(due - 1);
    assert_eq!(chain.supply()["unbonding"], 63);
    let block = empty(&mut chain);
    assert_eq!(chain.supply()["unbonding"], 0);
    let paid: Vec<(String, String, String)> = block
        .events("unbonded")
        .into_iter()
        .map(|event| {
            let text = |name: &str| event.get(name).unwrap().to_owned();
            (text("account"), text("kind"), text("amount"))
        })
        .collect();
    let expected: Vec<(String, String, String)> = [("bond", ["7", "3"]), ("stake", ["9", "2"])]
        .into_iter()
        .flat_map(|(kind, amounts)| {
            let of = |person: &Actor| {
                let account = person.address().to_string();
                amounts.map(|amount| (account.clone(), kind.to_owned(), amount.to_owned()))
            };
            people.iter().flat_map(of).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(paid, expected);
}

#[test]
fn a_longer_or_shorter_unbonding_holds_for_what_is_unstaked_from_then_on() {
    let mut chain = staked(1_000);
    let first = chain.unstake(&alice(), 1);
    let first = chain.commit([first]).height;
    chain.commit([chain.set_param("unbonding_blocks", 200)]);
    let second = chain.unstake(&alice(), 2);
    let second = chain.commit([second]).height;
    chain.commit([chain.set_param("unbonding_blocks", 112)]);
    let third = chain.unstake(&alice(), 4);
    let third = chain.commit([third]).height;
    assert_eq!(
        chain.validator(&alice())["unbonding"],
        json!([
            {"amount": 1, "due_height": first + 120},
            {"amount": 2, "due_height": second + 200},
            {"amount": 4, "due_height": third + 112},
        ])
    );
    chain.advance_to(first + 120);
    assert_eq!(chain.supply()["unbonding"], 2, "each leaves when it is due");
}
