//! Trust begins at the block of the height and hash that somebody trusts, and is kept as JSON.

use ait_verify::{Rejection, Trusted};
use serde_json::{Value, json};

use crate::chain::{
    Ballot, CHAIN, Chain, advance, commit, equals, light_block, listed, time_of, verify,
};

#[test]
fn it_takes_the_block_of_that_chain_height_and_hash_only() {
    let chain = Chain::of(equals(4));
    let block = light_block(&chain.light_block(20));
    let hash = block.hash();
    let trusted = Trusted::begin(CHAIN, 20, hash, &block).unwrap();
    assert_eq!((trusted.chain_id(), trusted.height()), (CHAIN, 20));
    assert_eq!((trusted.hash(), trusted.time()), (hash, time_of(20)));

    let refused = Trusted::begin("ait-other", 20, hash, &block).unwrap_err();
    assert_eq!(refused.code(), 2);
    let refused = Trusted::begin(CHAIN, 21, hash, &block).unwrap_err();
    let (expected, got) = (21, 20);
    assert_eq!(refused, Rejection::OtherHeight { expected, got });
    let refused = Trusted::begin(CHAIN, 20, [0; 32], &block).unwrap_err();
    assert_eq!(refused.code(), 4);
}

#[test]
fn it_refuses_another_set_and_a_commit_that_does_not_hold() {
    let chain = Chain::of(equals(4));
    let mut json = chain.light_block(20);
    json["validators"] = listed(&equals(5));
    let block = light_block(&json);
    let refused = Trusted::begin(CHAIN, 20, block.hash(), &block).unwrap_err();
    assert_eq!(refused.code(), 5);

    let mut json = chain.light_block(20);
    let ballots = [Ballot::For, Ballot::For, Ballot::Absent, Ballot::Nil];
    json["signed_header"]["commit"] = commit(&chain.header(20), &chain.set(20), &ballots);
    let block = light_block(&json);
    let refused = Trusted::begin(CHAIN, 20, block.hash(), &block).unwrap_err();
    assert_eq!(refused.code(), 11);
}

#[test]
fn it_is_kept_as_json_and_goes_on_from_it() {
    let chain = Chain::changing(|height| equals(4 + height % 2));
    let trusted = chain.trusted(20);
    let kept = serde_json::to_value(&trusted).unwrap();
    let expected = json!({
        "format": 1,
        "chain_id": CHAIN,
        "height": 20,
        "hash": hex::encode_upper(trusted.hash()),
        "time": time_of(20).to_string(),
        "next_validators": listed(&equals(5)),
    });
    assert_eq!(kept, expected);
    let read: Trusted = serde_json::from_value(kept).unwrap();
    assert_eq!(read, trusted);
    verify(&read, &chain.bundle(20, "/account/7")).unwrap();
    assert_eq!(advance(&read, &chain.light_block(21)).unwrap().height(), 21);
}

#[test]
fn json_of_it_that_is_damaged_is_refused_with_the_field() {
    let kept = serde_json::to_value(Chain::of(equals(4)).trusted(20)).unwrap();
    let damages: [(&str, Value); 9] = [
        ("format", 2.into()),
        ("height", 0.into()),
        ("height", u64::MAX.into()),
        ("hash", "AB".into()),
        ("hash", "ab".repeat(32).into()),
        ("time", "2026-01-31T12:00:00+00:00".into()),
        ("time", "1969-12-31T23:59:59Z".into()),
        ("next_validators", json!([])),
        ("chain_id", "x".repeat(60).into()),
    ];
    for (field, value) in damages {
        let mut damaged = kept.clone();
        damaged[field] = value.clone();
        let refused = serde_json::from_value::<Trusted>(damaged).unwrap_err();
        let said = refused.to_string();
        let named = said.contains(field) || field == "chain_id";
        assert!(named, "{field} {value}: {said}");
    }
    let mut more = kept;
    more["more"] = 1.into();
    serde_json::from_value::<Trusted>(more).unwrap_err();
}
