//! The attestation entry: what a proposer puts in front of its block for claims that bring no
//! attestation of their own, and when honest validators reject it.

use ait_app::block::Entry;
use ait_testkit::{
    actors::{Actor, alice, arbiter, bob, coordinator, miner},
    chain::{Chain, read_entries},
    draft::{Draft, canonical},
    work::{Says, Work, attestation_entry},
};
use ait_tests::scenes::{miner_with_money, with_attesters};
use serde_json::{Value, json};

/// A chain with escrows of Alice's for jobs `a`, `b` and `c`, opened in block 1, and a miner that can pay
/// for its failures.
fn with_escrows() -> Chain {
    let mut chain = miner_with_money().start();
    let opens: Vec<_> = ["a", "b", "c"]
        .iter()
        .zip(0..)
        .map(|(job, n)| chain.open(&alice(), job, 60_000, 100).later(n))
        .collect();
    assert_eq!(chain.commit(opens).codes(), [0; 3]);
    chain
}

fn work(chain: &Chain, job: &str) -> Work {
    chain.work(&alice(), job, &miner(), &format!("rcpt_{job}"))
}

fn bare(chain: &Chain, job: &str) -> Draft {
    chain.claim_with(&miner(), &work(chain, job), None)
}

fn answer(chain: &Chain, job: &str) -> Value {
    work(chain, job).attested_by(&coordinator(), 1)
}

fn rejected<T: Into<Vec<u8>>>(chain: &Chain, entries: impl IntoIterator<Item = T>) -> String {
    let refusal = chain.reject(entries);
    assert_eq!(refusal.code.name(), "unexpected_attestations", "{refusal}");
    refusal.message
}

#[test]
fn attestations_in_front_settle_the_claims_that_have_none_in_block_order() {
    let mut chain = with_escrows();
    let front = attestation_entry(&[answer(&chain, "a"), answer(&chain, "c")]);
    let entries = [
        front,
        bare(&chain, "a").wire(),
        chain.transfer(&bob(), &alice(), 1).wire(),
        chain.claim(&miner(), &work(&chain, "b")).later(1).wire(),
        bare(&chain, "c").later(2).wire(),
    ];
    let block = chain.commit(entries);
    assert_eq!(block.codes(), [0; 5]);
    let entry = block.result(0);
    assert_eq!(
        (block.fee(0), entry.events.len(), entry.log.as_str()),
        (0, 0, "")
    );
    for job in ["a", "b", "c"] {
        assert_eq!(chain.escrow(&alice(), job)["status"], "settled", "{job}");
    }
}

#[test]
fn a_damning_attestation_may_stand_in_front_and_is_the_miners_offence() {
    let mut chain = with_escrows();
    let front = attestation_entry(&[work(&chain, "a").denied_by(&coordinator())]);
    let entries = [front, bare(&chain, "a").wire()];
    let block = chain.commit(entries);
    assert_eq!(block.code_name(1), "attestation_negative");
    assert_eq!(chain.miner(&miner())["offences"], 1);
}

#[test]
fn a_negative_one_that_does_not_blame_the_miner_may_stand_in_front_too_and_is_no_offence() {
    let mut chain = with_escrows();
    let work = work(&chain, "a");
    let says = Says {
        not_double_spent: false,
        ..work.praise()
    };
    let front = attestation_entry(&[work.answered_by(&coordinator(), 1, says)]);
    let entries = [front, bare(&chain, "a").wire()];
    let block = chain.commit(entries);
    assert_eq!(block.code_name(1), "attestation_negative");
    let record = chain.record(&format!("/miner/{}", miner().address()));
    assert_eq!(record, None);
}

#[test]
fn a_block_with_a_claim_that_nobody_attested_is_rejected() {
    let mut chain = with_escrows();
    let message = rejected(&chain, [bare(&chain, "a")]);
    assert!(message.contains("no attestation"), "{message}");
    // A replica that two thirds of the others overrule still has one result for each.
    let claim = bare(&chain, "a");
    let (block, refusal) = chain.finalize([claim]);
    assert!(refusal.is_some());
    assert_eq!(block.code_name(0), "attestation_missing");
    assert_eq!(chain.supply()["minted"], 0);
    let record = chain.record(&format!("/miner/{}", miner().address()));
    assert_eq!(record, None, "no offence");
}

#[test]
fn there_is_exactly_one_attestation_for_each_claim_that_needs_one() {
    let chain = with_escrows();
    let (a, b) = (answer(&chain, "a"), answer(&chain, "b"));
    let (claim_a, claim_b) = (bare(&chain, "a").wire(), bare(&chain, "b").later(1).wire());
    let both = [claim_a.clone(), claim_b.clone()];
    let block = |given: &[Value], claims: &[Vec<u8>]| {
        [vec![attestation_entry(given)], claims.to_vec()].concat()
    };
    rejected(&chain, block(std::slice::from_ref(&a), &both));
    rejected(&chain, block(&[a.clone(), b.clone(), b.clone()], &both));
    rejected(&chain, block(&[b.clone(), a.clone()], &both));
    rejected(&chain, block(&[a.clone(), a.clone()], &both));
    rejected(&chain, block(&[], &both));
    rejected(&chain, block(&[a.clone(), b.clone()], &both[..1]));
    assert_eq!(chain.clone().commit(block(&[a, b], &both)).codes(), [0; 3]);
}

#[test]
fn no_entry_stands_where_none_is_needed() {
    let chain = with_escrows();
    let transfer = chain.transfer(&bob(), &alice(), 1).wire();
    rejected(&chain, [attestation_entry(&[]), transfer.clone()]);
    rejected(
        &chain,
        [attestation_entry(&[answer(&chain, "a")]), transfer],
    );
    rejected(&chain, [attestation_entry(&[])]);
    let inline = chain.claim(&miner(), &work(&chain, "a")).wire();
    rejected(&chain, [attestation_entry(&[answer(&chain, "a")]), inline]);
}

#[test]
fn the_entry_stands_first_and_once() {
    let chain = with_escrows();
    let front = attestation_entry(&[answer(&chain, "a")]);
    let claim = bare(&chain, "a").wire();
    rejected(&chain, [claim.clone(), front.clone()]);
    rejected(&chain, [front.clone(), claim.clone(), front.clone()]);
    rejected(&chain, [front.clone(), front, claim]);
}

#[test]
fn in_front_stands_only_what_the_escrows_registered_coordinator_signed() {
    let chain = with_escrows();
    let work = work(&chain, "a");
    let claim = bare(&chain, "a").wire();
    let elsewhere = Work {
        chain_id: "other-chain".into(),
        ..work.clone()
    };
    let mut forged = work.attested_by(&Actor::named("mallory"), 1);
    forged["coordinator"] = coordinator().address().to_string().into();
    let mut misnamed = work.attested_by(&coordinator(), 1);
    misnamed["coordinator"] = bob().address().to_string().into();
    for wrong in [
        forged,
        misnamed,
        work.attested_by(&bob(), 1),
        work.attested_by(&coordinator(), 2),
        work.named("rcpt_other").attested_by(&coordinator(), 1),
        elsewhere.attested_by(&coordinator(), 1),
    ] {
        rejected(&chain, [attestation_entry(&[wrong]), claim.clone()]);
    }
}

#[test]
fn a_claim_without_an_open_escrow_before_the_block_cannot_be_attested() {
    let chain = with_escrows();
    let work = chain.work(&alice(), "d", &miner(), "rcpt_d").opened_in(2);
    let front = attestation_entry(&[work.attested_by(&coordinator(), 2)]);
    let entries = [
        front,
        chain.open(&alice(), "d", 60_000, 100).wire(),
        chain.claim_with(&miner(), &work, None).wire(),
    ];
    rejected(&chain, entries);
}

#[test]
fn what_earlier_transactions_of_the_block_change_fails_the_claim_and_not_the_block() {
    let mut chain = with_escrows();
    let answers = ["a", "b", "c"].map(|job| answer(&chain, job));
    let entries = [
        attestation_entry(&answers),
        chain.release(&coordinator(), &alice(), "a").wire(),
        bare(&chain, "a").wire(),
        chain.release(&coordinator(), &alice(), "b").later(1).wire(),
        chain.open(&alice(), "b", 50_100, 100).wire(),
        bare(&chain, "b").later(1).wire(),
        chain.assign(&alice(), "c", &bob()).later(2).wire(),
        bare(&chain, "c").later(2).wire(),
    ];
    let block = chain.commit(entries);
    assert_eq!(block.code_name(2), "escrow_closed");
    assert_eq!(block.code_name(5), "invalid_miner_signature");
    assert_eq!(block.code_name(7), "bound_to_another_miner");
    let record = chain.record(&format!("/miner/{}", miner().address()));
    assert_eq!(record, None, "such a failure is no offence");
}

#[test]
fn a_key_that_is_revoked_in_the_block_still_signs_what_stands_in_front_of_it() {
    let chain = with_escrows();
    let revoked = [coordinator().pubkey().to_string()];
    let entries = |chain: &Chain| {
        let front = attestation_entry(&[answer(chain, "a")]);
        [front, bare(chain, "a").wire()]
    };
    let revoke = chain.set_param("revoked_keys", &revoked[..]).wire();
    let [front, claim] = entries(&chain);
    let mut same_block = chain.clone();
    let block = same_block.commit([front, revoke.clone(), claim]);
    assert_eq!(block.names(), [""; 3]);
    let mut next_block = chain.clone();
    next_block.commit([revoke]);
    rejected(&next_block, entries(&next_block));
}

#[test]
fn what_several_coordinators_could_attest_is_never_attested_in_front() {
    for threshold in [1, 2] {
        let (chain, work) = with_attesters(&miner_with_money(), threshold);
        let claim = chain.claim_with(&miner(), &work, None).wire();
        let front = attestation_entry(&[work.attested_by(&coordinator(), 1)]);
        rejected(&chain, [claim.clone()]);
        rejected(&chain, [front, claim.clone()]);
        let by_another = attestation_entry(&[work.attested_by(&arbiter(), 1)]);
        rejected(&chain, [by_another, claim]);
    }
}

#[test]
fn a_claim_that_names_another_opening_cannot_stand_in_a_block_without_an_attestation_of_its_own() {
    let chain = with_escrows();
    let named = |opened: u64| {
        let work = work(&chain, "a").opened_in(opened);
        let claim = chain.claim_with(&miner(), &work, None);
        let front = attestation_entry(&[work.attested_by(&coordinator(), opened)]);
        let claim = chain.priced(claim.with("opened_height", opened));
        [front, claim.wire()]
    };
    rejected(&chain, named(2));
    rejected(&chain, named(0));
    assert_eq!(chain.clone().commit(named(1)).names(), ["", ""]);
}

#[test]
fn an_escrow_that_is_due_in_the_block_was_open_before_it() {
    let mut chain = miner_with_money().start();
    let tx = chain.open(&alice(), "a", 60_000, 3);
    chain.commit([tx]);
    chain.advance_to(3);
    let entries = [
        attestation_entry(&[answer(&chain, "a")]),
        bare(&chain, "a").wire(),
    ];
    let block = chain.commit(entries);
    assert_eq!(block.height, 4);
    assert_eq!(block.code_name(1), "escrow_closed");
    let entries = [
        attestation_entry(&[answer(&chain, "a")]),
        bare(&chain, "a").wire(),
    ];
    rejected(&chain, entries);
}

#[test]
fn an_entry_has_one_encoding_and_nothing_else_in_it() {
    let chain = with_escrows();
    let good = answer(&chain, "a");
    let claim = bare(&chain, "a").wire();
    let entry = String::from_utf8(attestation_entry(std::slice::from_ref(&good))).unwrap();
    let altered = |from: &str, to: &str| {
        assert!(entry.contains(from), "{from}");
        entry.replacen(from, to, 1).into_bytes()
    };
    let cases = [
        (altered(",\"type\"", ", \"type\""), "not_canonical"),
        (
            altered("\"type\":\"ATTESTATIONS\"", "\"type\":\"TRANSFER\""),
            "invalid_field",
        ),
        (altered(",\"type\":\"ATTESTATIONS\"", ""), "invalid_field"),
        (altered("\"type\"", "\"time\":1,\"type\""), "invalid_field"),
        (altered("\"paid\":true", "\"paid\":1"), "invalid_field"),
        (altered("\"paid\":true,", ""), "invalid_field"),
        (altered("\"paid\":true", "\"paid\":null"), "invalid_field"),
        (
            altered("\"price\":50000", "\"price\":50000.0"),
            "invalid_field",
        ),
        (
            altered("\"price\":50000", "\"price\":9007199254740992"),
            "invalid_field",
        ),
        (
            altered("\"paid\":true", "\"paid\":true,\"paid\":true"),
            "malformed_json",
        ),
        (altered("}]", "}"), "malformed_json"),
        (
            canonical(&json!({"attestations": {}, "type": "ATTESTATIONS"})),
            "invalid_field",
        ),
    ];
    for (wire, code) in cases {
        let shown = String::from_utf8_lossy(&wire).into_owned();
        let Entry::Invalid(refusal) = read_entries(std::slice::from_ref(&wire)).remove(0) else {
            panic!("{shown} was read");
        };
        assert_eq!(refusal.code.name(), code, "{shown}");
        chain.reject([wire, claim.clone()]);
    }
    assert_eq!(
        chain.clone().commit([entry.into_bytes(), claim]).codes(),
        [0, 0]
    );
}

#[test]
fn no_transaction_is_of_the_entrys_kind() {
    let chain = with_escrows();
    let draft = chain.draft(&alice(), "ATTESTATIONS", json!({"attestations": []}));
    assert_eq!(chain.reject([draft]).code.name(), "unknown_type");
}

#[test]
fn an_honest_proposer_attests_what_needs_it_and_is_accepted() {
    let chain = with_escrows();
    let negative = work(&chain, "c").denied_by(&coordinator());
    let candidates = [
        (bare(&chain, "a").wire(), Some(answer(&chain, "a"))),
        (chain.transfer(&bob(), &bob(), 1).wire(), None),
        (
            chain.claim(&miner(), &work(&chain, "b")).later(1).wire(),
            None,
        ),
        (bare(&chain, "c").later(2).wire(), Some(negative)),
    ];
    let proposal = chain.propose(&candidates);
    assert_eq!(
        proposal.len(),
        4,
        "the entry, two claims and an offence; a failing transfer is left out"
    );
    let block = chain.clone().commit(proposal);
    let names: Vec<_> = (0..4).map(|i| block.code_name(i)).collect();
    assert_eq!(names, ["", "", "", "attestation_negative"]);
}

#[test]
fn an_honest_proposer_leaves_a_claim_for_an_escrow_of_the_same_block_to_the_next_one() {
    let chain = with_escrows();
    let work = chain.work(&alice(), "d", &miner(), "rcpt_d").opened_in(2);
    let open = chain.open(&alice(), "d", 60_000, 100).wire();
    let candidates = [
        (open.clone(), None),
        (
            chain.claim_with(&miner(), &work, None).wire(),
            Some(work.attested_by(&coordinator(), 2)),
        ),
    ];
    let proposal = chain.propose(&candidates);
    assert_eq!(proposal, [open]);
    assert_eq!(chain.clone().commit(proposal).codes(), [0]);
}
