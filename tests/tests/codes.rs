//! Codes: every one that a block can give is given, by the input that it is meant for.

use std::collections::BTreeMap;

use ait_app::code::Code;
use ait_tests::{
    actors::{Actor, alice, bob, coordinator, miner, validator, validator_key},
    chain::{Chain, Setup, authority, code_name},
    draft::{Draft, canonical},
    work::{Says, Work, attestation_entry},
};
use serde_json::json;

/// Only a node's pool gives these.
const OF_THE_POOL: [Code; 4] = [
    Code::NonceTooFarAhead,
    Code::PoolFull,
    Code::ReplacementUnderpriced,
    Code::Dropped,
];

/// The code that was expected, and the one that came.
type Given = (&'static str, &'static str);

/// A chain with open escrows of Alice's for jobs `a` to `d`, and that chain after `a` was claimed.
fn chains() -> (Chain, Chain) {
    let mut chain = Setup::default()
        .balance(&Actor::named("poor"), 5)
        .param("mint_per_unit", 10)
        .param("max_mint_per_price", 10)
        .param("coordinator_epoch_mint_cap", 30_000)
        .param("offence_limit", 2)
        .start();
    let opens: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .zip(0..)
        .map(|(job, n)| chain.open(&alice(), job, 60_000, 1_000).later(n))
        .collect();
    chain.commit(opens);
    let mut settled = chain.clone();
    let claim = settled.claim(&miner(), &work(&settled, "a"));
    assert_eq!(settled.commit([claim]).codes(), [0]);
    (chain, settled)
}

fn work(chain: &Chain, job: &str) -> Work {
    chain.work(&alice(), job, &miner(), &format!("rcpt_{job}"))
}

/// The code of the last of these entries.
fn last<T: Into<Vec<u8>>>(chain: &Chain, entries: impl IntoIterator<Item = T>) -> &'static str {
    let (block, _) = chain.clone().finalize(entries);
    code_name(*block.codes().last().unwrap())
}

fn of_encoding_and_authentication(chain: &Chain) -> Vec<Given> {
    let good = chain.transfer(&alice(), &bob(), 1);
    let edit = |field: &str, value: &str| {
        let mut json = good.json();
        json[field] = value.into();
        canonical(&json)
    };
    let one = |wire: Vec<u8>| last(chain, [wire]);
    let draft = |draft: Draft| last(chain, [draft]);
    let poor = Actor::named("poor");
    vec![
        ("malformed_json", one(b"{".to_vec())),
        ("not_canonical", one([good.wire(), b" ".to_vec()].concat())),
        (
            "too_large",
            draft(good.clone().with("memo", "x".repeat(20_000))),
        ),
        ("invalid_field", draft(good.clone().with("amount", 0))),
        ("unknown_type", one(edit("type", "MINT"))),
        ("invalid_address", draft(good.clone().with("to", "ait1x"))),
        ("invalid_public_key", one(edit("pubkey", &"00".repeat(32)))),
        ("sender_mismatch", draft(good.clone().signed_by(&bob()))),
        ("invalid_signature", draft(good.clone().for_chain("other"))),
        ("nonce_used", draft(good.clone().nonce(4))),
        ("nonce_gap", draft(good.clone().later(1))),
        ("fee_too_low", draft(good.clone().fee(8))),
        (
            "fee_not_affordable",
            draft(chain.transfer(&poor, &bob(), 1)),
        ),
        ("unexpected_attestations", one(attestation_entry(&[]))),
    ]
}

fn of_coins_and_escrows(chain: &Chain, settled: &Chain) -> Vec<Given> {
    let draft = |draft: Draft| last(chain, [draft]);
    let unregistered = bob().address().to_string();
    vec![
        (
            "insufficient_balance",
            draft(chain.transfer(&bob(), &alice(), 2_000_000_000)),
        ),
        ("self_transfer", draft(chain.transfer(&bob(), &bob(), 1))),
        (
            "unknown_coordinator",
            draft(
                chain
                    .open(&bob(), "x", 5, 5)
                    .with("coordinator", unregistered),
            ),
        ),
        ("ttl_too_long", draft(chain.open(&bob(), "x", 5, 100_001))),
        (
            "escrow_already_open",
            draft(chain.open(&alice(), "a", 5, 5)),
        ),
        (
            "escrow_already_settled",
            last(settled, [settled.open(&alice(), "a", 5, 5)]),
        ),
        (
            "escrow_not_found",
            draft(chain.release(&coordinator(), &alice(), "none")),
        ),
        (
            "escrow_closed",
            last(settled, [settled.release(&coordinator(), &alice(), "a")]),
        ),
        (
            "not_the_coordinator",
            draft(chain.release(&bob(), &alice(), "a")),
        ),
    ]
}

fn of_claims(chain: &Chain, settled: &Chain) -> Vec<Given> {
    let draft = |draft: Draft| last(chain, [draft]);
    let b = work(chain, "b");
    let paid_not = Says {
        paid: false,
        ..b.praise()
    };
    let negative = b.answered_by(&coordinator(), 1, paid_not);
    let forged = b.attested_by(&bob(), 1);
    let with = |answer| chain.claim_with(&miner(), &b, answer);
    let signed_by_bob = b.claim(
        &b.signed_by(&bob()),
        Some(&b.attested_by(&coordinator(), 1)),
    );
    let stolen = settled.work(&alice(), "b", &bob(), "rcpt_a");
    let offences = [0, 1, 2].map(|n| with(Some(&negative)).later(n));
    vec![
        (
            "not_the_miner",
            draft(chain.draft(&bob(), "RECEIPT_CLAIM", signed_by_bob.clone())),
        ),
        ("miner_banned", last(chain, offences)),
        (
            "receipt_replayed",
            last(settled, [settled.claim(&miner(), &b.named("rcpt_a"))]),
        ),
        (
            "receipt_already_claimed",
            last(settled, [settled.claim(&bob(), &stolen)]),
        ),
        (
            "invalid_miner_signature",
            draft(chain.draft(&miner(), "RECEIPT_CLAIM", signed_by_bob)),
        ),
        ("attestation_missing", draft(with(None))),
        ("invalid_attestation", draft(with(Some(&forged)))),
        ("attestation_negative", draft(with(Some(&negative)))),
        (
            "escrow_too_small",
            draft(chain.claim(&miner(), &b.costing(1, 60_000))),
        ),
        (
            "mint_above_price",
            draft(chain.claim(&miner(), &b.costing(1_000, 10))),
        ),
        (
            "coordinator_cap_reached",
            last(settled, [settled.claim(&miner(), &b)]),
        ),
        ("supply_limit_reached", of_a_full_supply()),
    ]
}

fn of_a_full_supply() -> &'static str {
    let rest = (1 << 53) - 1 - 4_000_000_000;
    let whale = Actor::named("whale");
    let mut chain = Setup::default().balance(&whale, rest).start();
    let tx = chain.open(&alice(), "job", 60_000, 100);
    chain.commit([tx]);
    let work = chain.work(&alice(), "job", &miner(), "rcpt");
    last(&chain, [chain.claim(&miner(), &work)])
}

fn of_params(chain: &Chain) -> Vec<Given> {
    let draft = |draft: Draft| last(chain, [draft]);
    let update = json!({"key": "base_fee", "value": 1});
    let taken = json!([authority(&bob(), &validator_key(), 1)]);
    vec![
        (
            "not_the_admin",
            draft(chain.draft(&alice(), "PARAM_UPDATE", update)),
        ),
        ("unknown_param", draft(chain.set_param("none", 1))),
        ("param_fixed", draft(chain.set_param("admin", 1))),
        (
            "invalid_param_value",
            draft(chain.set_param("base_fee", "1")),
        ),
        (
            "consensus_key_taken",
            draft(chain.set_param("authorities", taken)),
        ),
    ]
}

fn of_staking(chain: &Chain) -> Vec<Given> {
    let draft = |draft: Draft| last(chain, [draft]);
    let key = |name: &str| Actor::named(name);
    let first = |actor: &Actor, name: &str| chain.first_stake(actor, &key(name), 100);
    let forged = chain.first_stake(&bob(), &key("k"), 100);
    let forged = forged.with("validator_sig", "00".repeat(64));
    let mut staked = chain.clone();
    staked.commit([first(&alice(), "k")]);
    let ones = (0..17).map(|n| staked.unstake(&alice(), 1).later(n));
    let of_staked = |draft: Draft| last(&staked, [draft]);
    let mut jailed = staked_and_elected(chain);
    jailed.misbehaviour = vec![key("k").consensus_address()];
    jailed.commit(Vec::<Vec<u8>>::new());
    let mut idle = staked_and_elected(chain);
    idle.all_sign(&[&key("k")]);
    idle.stops_signing(&key("k"));
    idle.advance_to(idle.height() + 4);
    vec![
        ("validator_key_missing", draft(chain.stake(&bob(), 1))),
        ("invalid_validator_signature", draft(forged)),
        (
            "validator_key_taken",
            of_staked(staked.first_stake(&bob(), &key("k"), 1)),
        ),
        (
            "validator_key_fixed",
            of_staked(staked.first_stake(&alice(), &key("other"), 1)),
        ),
        ("never_staked", draft(chain.unstake(&bob(), 1))),
        ("stake_too_small", of_staked(staked.unstake(&alice(), 101))),
        ("too_many_unbondings", last(&staked, ones)),
        ("not_jailed", of_staked(staked.unjail(&alice()))),
        ("jailed_for_good", last(&jailed, [jailed.unjail(&alice())])),
        ("jailed_still", last(&idle, [idle.unjail(&alice())])),
    ]
}

/// Alice and the only authority staked, and were elected.
fn staked_and_elected(chain: &Chain) -> Chain {
    let mut chain = chain.clone();
    let fund = chain.transfer(&bob(), &validator(), 500_000_000);
    chain.commit([fund]);
    chain.commit([
        chain.set_param("consensus_mode", "cbp"),
        chain.set_param("downtime_window", 4).later(1),
        chain.first_stake(&alice(), &Actor::named("k"), 10_000_000),
        chain.first_stake(&validator(), &validator_key(), 400_000_000),
    ]);
    chain.finish_epoch();
    assert!(chain.power(&alice()) > 0);
    chain
}

#[test]
fn every_code_that_a_block_can_give_is_given() {
    let (chain, settled) = chains();
    let given = [
        of_encoding_and_authentication(&chain),
        of_coins_and_escrows(&chain, &settled),
        of_claims(&chain, &settled),
        of_params(&chain),
        of_staking(&chain),
    ]
    .concat();
    for (expected, came) in &given {
        assert_eq!(came, expected);
    }
    let given: BTreeMap<_, _> = given.into_iter().collect();
    for code in Code::ALL {
        let in_blocks = !OF_THE_POOL.contains(code);
        assert_eq!(
            given.contains_key(code.name()),
            in_blocks,
            "{}",
            code.name()
        );
    }
}
