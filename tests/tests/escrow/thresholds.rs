//! Escrows with several coordinators: how many must attest, in which form, and that none of them alone
//! can keep a miner from its price.

use ait_testkit::{
    actors::{Actor, alice, arbiter, bob, coordinator, miner, witness},
    chain::Chain,
    draft::Draft,
    work::{Says, Work},
};
use ait_tests::scenes::{miner_with_money, refused, three, with_attesters, with_escrow};
use serde_json::Value;

fn escrow_of(threshold: u64) -> (Chain, Work) {
    with_attesters(&miner_with_money(), threshold)
}

fn good(work: &Work, who: &Actor) -> Value {
    work.attested_by(who, work.opened_height)
}

/// The code of a claim that carries the list of attestations.
fn of_list(threshold: u64, who: &[Actor]) -> &'static str {
    let (mut chain, work) = escrow_of(threshold);
    let who: Vec<&Actor> = who.iter().collect();
    let claim = chain.claim_by(&miner(), &work, &who);
    chain.commit([claim]).code_name(0)
}

/// The code of a claim that brings nothing, which only two thirds of mad validators put into a block.
fn of_nothing(chain: &Chain, work: &Work) -> &'static str {
    let claim = chain.claim_with(&miner(), work, None);
    let refusal = chain.reject([claim.clone()]);
    assert_eq!(refusal.code.name(), "unexpected_attestations");
    let (block, _) = chain.clone().finalize([claim]);
    block.code_name(0)
}

fn no_offence(chain: &Chain) {
    let record = chain.record(&format!("/miner/{}", miner().address()));
    assert_eq!(record, None);
}

#[test]
fn with_a_threshold_of_one_any_of_the_coordinators_attests() {
    for who in three() {
        let (mut chain, work) = escrow_of(1);
        let claim = chain.claim_with(&miner(), &work, Some(&good(&work, &who)));
        assert_eq!(chain.commit([claim]).names(), [""], "{}", who.name);
        let receipt = chain.receipt(&miner(), "rcpt_7f3a");
        let first = coordinator().address().to_string();
        assert_eq!(
            receipt["coordinator"], first,
            "the escrow's, whoever attested"
        );
        assert_eq!(chain.coordinator(&who)["epoch_minted"], 2_625_000);
    }
}

#[test]
fn with_a_threshold_of_one_the_list_is_the_wrong_form() {
    for who in [&three()[..1], &three()[..]] {
        assert_eq!(of_list(1, who), "invalid_attestation");
    }
    let (mut chain, work) = with_escrow(&miner_with_money(), 60_000);
    let claim = chain.claim_by(&miner(), &work, &[&coordinator()]);
    refused(&mut chain, claim, "invalid_attestation");
}

#[test]
fn above_one_exactly_as_many_as_the_threshold_attest_in_the_escrows_order() {
    let [a, b, c] = three();
    let list = |who: &[&Actor]| who.iter().map(|who| (*who).clone()).collect::<Vec<_>>();
    for fitting in [[&a, &b], [&a, &c], [&b, &c]] {
        assert_eq!(of_list(2, &list(&fitting)), "");
    }
    for wrong in [
        list(&[&b, &a]),
        list(&[&c, &a]),
        list(&[&a, &a]),
        list(&[&a]),
        list(&[&a, &b, &c]),
        list(&[&a, &bob()]),
    ] {
        assert_eq!(of_list(2, &wrong), "invalid_attestation", "{wrong:?}");
    }
    assert_eq!(of_list(3, &list(&[&a, &b, &c])), "");
    assert_eq!(of_list(3, &list(&[&a, &b])), "invalid_attestation");
}

#[test]
fn above_one_a_single_attestation_is_the_wrong_form_and_none_is_missing() {
    let (mut chain, work) = escrow_of(2);
    assert_eq!(of_nothing(&chain, &work), "attestation_missing");
    let claim = chain.claim(&miner(), &work);
    refused(&mut chain, claim, "invalid_attestation");
    let (chain, work) = escrow_of(1);
    assert_eq!(of_nothing(&chain, &work), "attestation_missing");
}

#[test]
fn all_are_rightly_signed_before_any_is_read() {
    let (mut chain, work) = escrow_of(2);
    let mut forged = good(&work, &bob());
    forged["coordinator"] = arbiter().address().to_string().into();
    let answers = [work.denied_by(&coordinator()), forged];
    let claim = chain.claim_with_several(&miner(), &work, &answers);
    refused(&mut chain, claim, "invalid_attestation");
}

#[test]
fn one_negative_among_them_fails_the_claim_and_is_no_offence() {
    let (mut chain, work) = escrow_of(2);
    let answers = [good(&work, &coordinator()), work.denied_by(&witness())];
    let claim = chain.claim_with_several(&miner(), &work, &answers);
    refused(&mut chain, claim, "attestation_negative");
    no_offence(&chain);
}

#[test]
fn where_several_could_attest_a_damning_one_alone_is_no_offence() {
    let (mut chain, work) = escrow_of(1);
    for who in three() {
        let claim = chain.claim_with(&miner(), &work, Some(&work.denied_by(&who)));
        refused(&mut chain, claim, "attestation_negative");
    }
    no_offence(&chain);
}

#[test]
fn one_attesters_veto_does_not_keep_a_miner_from_its_price() {
    for absent in three() {
        let (mut chain, work) = escrow_of(2);
        let all = three();
        let rest: Vec<&Actor> = all.iter().filter(|who| who.name != absent.name).collect();
        let claim = chain.claim_by(&miner(), &work, &rest);
        assert_eq!(chain.commit([claim]).names(), [""]);
        assert_eq!(chain.coordinator(&absent)["epoch_minted"], 0);
        assert_eq!(
            chain.coordinator(&absent)["settled"],
            1,
            "its escrow all the same"
        );
    }
}

#[test]
fn what_each_says_is_for_this_receipt_and_this_opening() {
    let (mut chain, work) = escrow_of(2);
    let first = good(&work, &coordinator());
    for other in [
        good(&work.named("other"), &arbiter()),
        good(&work.costing(2_500, 49_999), &arbiter()),
        work.attested_by(&arbiter(), 2),
    ] {
        let claim = chain.claim_with_several(&miner(), &work, &[first.clone(), other]);
        refused(&mut chain, claim, "invalid_attestation");
    }
}

#[test]
fn each_may_quote_more_than_the_others() {
    let (mut chain, work) = escrow_of(2);
    let says = Says {
        quote_price: 1 << 40,
        ..work.praise()
    };
    let answers = [
        good(&work, &coordinator()),
        work.answered_by(&witness(), 1, says),
    ];
    let claim = chain.claim_with_several(&miner(), &work, &answers);
    assert_eq!(chain.commit([claim]).names(), [""]);
}

#[test]
fn five_coordinators_may_all_be_asked_for() {
    let names = ["c1", "c2", "c3", "c4", "c5"].map(Actor::named);
    let all: Vec<&Actor> = names.iter().collect();
    let mut chain = miner_with_money().coordinators(&all).start();
    let more: Vec<String> = all[1..].iter().map(|a| a.address().to_string()).collect();
    let tx = chain
        .open(&alice(), "job_42", 60_000, 100)
        .with("coordinator", all[0].address().to_string())
        .with("attesters", more);
    let tx = chain.priced(tx);
    assert_eq!(chain.commit([tx]).names(), [""]);
    let work = chain.work(&alice(), "job_42", &miner(), "rcpt");
    let four = chain.claim_by(&miner(), &work, &all[..4]);
    refused(&mut chain, four, "invalid_attestation");
    let five: Draft = chain.claim_by(&miner(), &work, &all);
    assert_eq!(chain.commit([five]).names(), [""]);
    // 125,000 of the mint: 25,000 each.
    for who in all {
        assert_eq!(chain.balance(who.address()), 25_000);
    }
}
