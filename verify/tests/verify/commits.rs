//! A commit counts only if more than 2/3 of the power signed just this block of this chain, each validator
//! once and in its place.

use ait_verify::Rejection;
use serde_json::Value;

use crate::chain::{
    Ballot::{self, Absent, For, Nil},
    Chain, Signed, all, commit, commit_over, equals, set, verify,
};

/// What becomes of a bundle whose block is signed so; the trusted header is the one before.
fn judged(chain: &Chain, commit: Value) -> Result<(), Rejection> {
    let mut bundle = chain.bundle(20, "/account/7");
    bundle["signed_header"]["commit"] = commit;
    verify(&chain.trusted(20), &bundle).map(|_| ())
}

fn signed_so(chain: &Chain, ballots: &[Ballot]) -> Result<(), Rejection> {
    judged(chain, commit(&chain.header(21), &chain.set(21), ballots))
}

fn signed_over(what: impl Fn(Signed) -> Signed) -> Result<(), Rejection> {
    let chain = Chain::of(equals(4));
    let (header, set) = (chain.header(21), chain.set(21));
    let commit = commit_over(&header, &set, &all(&set), |index, signed| match index {
        2 => what(signed),
        _ => signed,
    });
    judged(&chain, commit)
}

#[test]
fn more_than_two_thirds_suffice_and_two_thirds_do_not() {
    let chain = Chain::of(equals(3));
    signed_so(&chain, &[For, For, For]).unwrap();
    let refused = signed_so(&chain, &[For, Absent, For]).unwrap_err();
    let (signed, total) = (20, 30);
    assert_eq!(refused, Rejection::Power { signed, total });
    assert!(refused.is_refuted());

    let chain = Chain::of(set([(0, 21), (1, 9)]));
    signed_so(&chain, &[For, Absent]).unwrap();
    let chain = Chain::of(set([(0, 20), (1, 10)]));
    assert_eq!(signed_so(&chain, &[For, Absent]).unwrap_err().code(), 11);
}

#[test]
fn a_vote_against_the_block_adds_no_power() {
    let chain = Chain::of(equals(4));
    signed_so(&chain, &[For, Nil, For, For]).unwrap();
    let refused = signed_so(&chain, &[For, Nil, For, Nil]).unwrap_err();
    let (signed, total) = (20, 40);
    assert_eq!(refused, Rejection::Power { signed, total });
}

#[test]
fn a_commit_that_nobody_signed_is_refuted() {
    let chain = Chain::of(equals(4));
    assert_eq!(signed_so(&chain, &[Absent; 4]).unwrap_err().code(), 11);
}

#[test]
fn a_signature_for_another_chain_height_or_block_is_refuted_though_others_suffice() {
    let other_chain = signed_over(|signed| Signed {
        chain_id: "ait-other".into(),
        ..signed
    });
    let other_height = signed_over(|signed| Signed {
        height: 22,
        ..signed
    });
    let other_block = signed_over(|signed| Signed {
        hash: tendermint::Hash::Sha256([7; 32]),
        ..signed
    });
    for refused in [other_chain, other_height, other_block] {
        let Err(Rejection::Signature { index: 2, .. }) = refused else {
            panic!("{refused:?}")
        };
    }
    signed_over(|signed| signed).unwrap();
}

#[test]
fn a_vote_against_the_block_with_a_false_signature_is_refuted() {
    let chain = Chain::of(equals(4));
    let ballots = [For, For, For, Nil];
    let mut commit = commit(&chain.header(21), &chain.set(21), &ballots);
    commit["signatures"][3]["signature"] = commit["signatures"][0]["signature"].clone();
    assert_eq!(judged(&chain, commit).unwrap_err().code(), 10);
}

#[test]
fn a_validator_who_signs_in_the_place_of_another_too_is_refuted() {
    let chain = Chain::of(equals(4));
    let set = chain.set(21);
    let mut twice = commit(&chain.header(21), &set, &all(&set));
    twice["signatures"][1] = twice["signatures"][0].clone();
    let refused = judged(&chain, twice).unwrap_err();
    let Rejection::Signer { index: 1, .. } = refused else {
        panic!("{refused}")
    };
}

#[test]
fn a_commit_with_an_entry_too_few_or_too_many_is_refuted() {
    let chain = Chain::of(equals(4));
    let set = chain.set(21);
    for change in [
        |entries: &mut Vec<Value>| drop(entries.pop()),
        |entries: &mut Vec<Value>| entries.push(entries[0].clone()),
    ] {
        let mut commit = commit(&chain.header(21), &set, &all(&set));
        change(commit["signatures"].as_array_mut().unwrap());
        assert_eq!(judged(&chain, commit).unwrap_err().code(), 8);
    }
}

#[test]
fn the_commit_of_another_block_is_refuted() {
    let chain = Chain::of(equals(4));
    let mut other = chain.header(21);
    other["data_hash"] = "CD".repeat(32).into();
    let set = chain.set(21);
    let refused = judged(&chain, commit(&other, &set, &all(&set)));
    assert_eq!(refused.unwrap_err().code(), 7);
}

#[test]
fn the_commit_of_another_height_is_refused() {
    let chain = Chain::of(equals(4));
    let set = chain.set(22);
    let refused = judged(&chain, commit(&chain.header(22), &set, &all(&set)));
    assert!(refused.unwrap_err().is_refuted());
}
