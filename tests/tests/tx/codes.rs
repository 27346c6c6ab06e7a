//! Codes: every one that a block can give is given, by the input that it is meant for.

mod staking;
mod work;

use std::collections::BTreeMap;

use ait_app::code::Code;
use ait_testkit::{
    actors::{Actor, admin, alice, arbiter, bob, coordinator, miner, validator, validator_key},
    chain::{Chain, authority, code_name, new_authority},
    draft::{Draft, canonical},
    work::{Work, attestation_entry},
};
use ait_tests::scenes::miner_with_money;
use serde_json::Value;

/// Only a node's pool gives these.
const OF_THE_POOL: [Code; 8] = [
    Code::NonceTooFarAhead,
    Code::NoncePending,
    Code::PoolFull,
    Code::ReplacementUnderpriced,
    Code::Dropped,
    Code::Contested,
    Code::TooManyWaiting,
    Code::TooManyParked,
];

/// Numbers that are given to nothing any more.
const RETIRED: [u32; 5] = [6, 7, 59, 60, 61];

/// The code that was expected, and the one that came.
type Given = (&'static str, &'static str);

/// A chain with open escrows of Alice's for jobs `a` to `c`, and one for `several` that two coordinators
/// must attest; and that chain after `a` was claimed.
fn chains() -> (Chain, Chain) {
    let mut chain = miner_with_money()
        .coordinators(&[&coordinator(), &arbiter()])
        .balance(&Actor::named("poor"), 5)
        .param("offence_limit", 2)
        .start();
    let mut opens: Vec<Draft> = ["a", "b", "c"]
        .iter()
        .map(|job| chain.open(&alice(), job, 60_000, 1_000))
        .collect();
    let two = vec![arbiter().address().to_string()];
    let several = chain.open(&alice(), "several", 60_000, 1_000);
    opens.push(several.with("attesters", two));
    let opens = opens.into_iter().zip(0..);
    let opens: Vec<_> = opens.map(|(open, n)| chain.priced(open).later(n)).collect();
    assert_eq!(chain.commit(opens).names(), [""; 4]);
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

/// The code of one transaction that pays what it must.
fn one(chain: &Chain, draft: Draft) -> &'static str {
    let (nonce, sender) = (draft.nonce, draft.signer.address());
    assert_eq!(nonce, chain.nonce(sender) + 1);
    last(chain, [chain.priced(draft)])
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
        (
            "unexpected_envelope",
            one(b"AIT-ENVELOPE/1\n{}\n{}".to_vec()),
        ),
    ]
}

fn of_coins(chain: &Chain) -> Vec<Given> {
    let newcomer = Actor::named("newcomer");
    vec![
        (
            "insufficient_balance",
            one(chain, chain.transfer(&bob(), &alice(), 2_000_000_000)),
        ),
        (
            "self_transfer",
            one(chain, chain.transfer(&bob(), &bob(), 1)),
        ),
        (
            "below_min_balance",
            one(chain, chain.transfer(&bob(), &newcomer, 999)),
        ),
    ]
}

fn of_escrows(chain: &Chain, settled: &Chain) -> Vec<Given> {
    let open = |job: &str| chain.open(&bob(), job, 5_000, 5);
    let unregistered = bob().address().to_string();
    let mut assigned = chain.clone();
    assigned.commit([
        chain.assign(&alice(), "b", &miner()),
        chain.assign(&alice(), "several", &miner()).later(1),
    ]);
    let extend = chain.top_up(&bob(), &alice(), "b", 5);
    let mut strict = chain.clone();
    strict.commit([chain.set_param("coordinator_min_bond", 5)]);
    let mut suspended = chain.clone();
    suspended.commit([evidence(chain, "b")]);
    let same_block = [
        open("x"),
        chain.release(&coordinator(), &bob(), "x"),
        open("x").later(1),
    ];
    vec![
        (
            "unknown_coordinator",
            one(chain, open("x").with("coordinator", unregistered)),
        ),
        (
            "ttl_too_long",
            one(chain, open("x").with("ttl_blocks", 100_001)),
        ),
        ("escrow_too_low", one(chain, open("x").with("amount", 999))),
        (
            "coordinator_suspended",
            one(&suspended, suspended.open(&alice(), "x", 5_000, 5)),
        ),
        (
            "bond_too_small",
            one(&strict, strict.open(&bob(), "x", 5_000, 5)),
        ),
        (
            "escrow_already_open",
            one(chain, chain.open(&alice(), "b", 5_000, 5)),
        ),
        (
            "escrow_already_settled",
            one(settled, settled.open(&alice(), "a", 5_000, 5)),
        ),
        ("opened_in_this_block", last(chain, same_block)),
        (
            "escrow_not_found",
            one(chain, chain.release(&coordinator(), &alice(), "none")),
        ),
        (
            "escrow_closed",
            one(settled, settled.release(&coordinator(), &alice(), "a")),
        ),
        (
            "not_the_coordinator",
            one(chain, chain.release(&bob(), &alice(), "b")),
        ),
        (
            "miner_bound",
            one(&assigned, assigned.cancel(&alice(), "b")),
        ),
        (
            "miner_fixed",
            one(&assigned, assigned.assign(&alice(), "several", &bob())),
        ),
        ("not_the_client", one(chain, extend.with("ttl_blocks", 5))),
    ]
}

/// Bob's evidence that the coordinator contradicted itself about a job.
fn evidence(chain: &Chain, job: &str) -> Draft {
    let work = work(chain, job);
    let (good, denial) = (
        work.attested_by(&coordinator(), 1),
        work.denied_by(&coordinator()),
    );
    chain.equivocation(&bob(), (&work, &good), (&work, &denial))
}

fn of_bonds(chain: &Chain) -> Vec<Given> {
    let mut bonded = chain.clone();
    bonded.commit([chain.bond(&bob(), 100)]);
    let ones = (0..17).map(|n| bonded.unbond(&bob(), 1).later(n));
    vec![
        (
            "bond_insufficient",
            one(&bonded, bonded.unbond(&bob(), 101)),
        ),
        ("too_many_bond_unbondings", last(&bonded, ones)),
    ]
}

fn of_params(chain: &Chain) -> Vec<Given> {
    let authorities = |entry: Value| {
        let first = authority(&validator(), &validator_key(), 10);
        chain.set_param("authorities", vec![first, entry])
    };
    let key = Actor::named("a key");
    let mut staked = chain.clone();
    staked.commit([chain.first_stake(&bob(), &key, 1_000)]);
    vec![
        (
            "not_the_admin",
            one(chain, chain.param_update(&alice(), "base_fee", 1)),
        ),
        ("unknown_param", one(chain, chain.set_param("none", 1))),
        (
            "param_fixed",
            one(chain, chain.set_param("evidence_max_age_num_blocks", 1)),
        ),
        (
            "invalid_param_value",
            one(chain, chain.set_param("base_fee", "1")),
        ),
        (
            "consensus_key_taken",
            one(&staked, authorities(new_authority(&alice(), &key, 1))),
        ),
        (
            "param_conflict",
            one(chain, chain.set_param("unbonding_blocks", 1)),
        ),
        ("not_named_admin", one(chain, chain.accept_admin(&admin()))),
        (
            "invalid_authority_proof",
            one(chain, authorities(authority(&alice(), &key, 1))),
        ),
        (
            "authorities_not_proven",
            one(chain, authorities(new_authority(&alice(), &key, 1_000))),
        ),
    ]
}

#[test]
fn every_code_that_a_block_can_give_is_given() {
    let (chain, settled) = chains();
    let given = [
        of_encoding_and_authentication(&chain),
        of_coins(&chain),
        of_escrows(&chain, &settled),
        work::of_claims(&chain, &settled),
        work::of_reports_and_evidence(&chain),
        of_bonds(&chain),
        of_params(&chain),
        staking::of_staking(&chain),
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

#[test]
fn a_number_that_was_given_up_is_given_to_nothing() {
    for number in RETIRED {
        assert_eq!(Code::from_number(number), None);
    }
}
