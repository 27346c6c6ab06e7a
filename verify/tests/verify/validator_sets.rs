//! A set is the one that its header names, and the next block's is the one that was announced.

use ait_verify::{LightBlock, Malformed, Rejection, Trusted};
use serde_json::json;

use crate::chain::{
    CHAIN, Chain, Signer, advance, all, commit, equals, header, light_block, listed, set, verify,
};

#[test]
fn a_set_that_the_header_does_not_name_is_refuted() {
    let chain = Chain::of(equals(4));
    let mut bundle = chain.bundle(20, "/account/7");
    let mut others = chain.set(21);
    others[3] = Signer::new(77, 10);
    others.sort_by_key(Signer::address);
    for set in [
        others,
        equals(5),
        equals(3),
        set([(0, 11), (1, 10), (2, 10), (3, 10)]),
    ] {
        bundle["validators"] = listed(&set);
        assert_eq!(verify(&chain.trusted(20), &bundle).unwrap_err().code(), 5);
    }
}

#[test]
fn the_next_block_is_signed_by_the_announced_set_alone() {
    let chain = Chain::of(equals(4));
    // All of them sign the usurper's block too, but the trusted header announced another set.
    let larger = equals(5);
    let header = header(21, chain.state.app_hash(), &larger, &larger);
    let block = json!({
        "signed_header": {"header": header, "commit": commit(&header, &larger, &all(&larger))},
        "validators": listed(&larger),
    });
    let refused = advance(&chain.trusted(20), &block).unwrap_err();
    assert_eq!(refused, Rejection::UnexpectedSet { height: 21 });
    assert!(refused.is_refuted());
    advance(&chain.trusted(19), &block).unwrap();
}

#[test]
fn next_validators_that_the_header_does_not_name_are_refuted() {
    let chain = Chain::changing(|height| equals(4 + height % 2));
    let mut block = chain.light_block(21);
    block["next_validators"] = listed(&equals(6));
    let refused = advance(&chain.trusted(20), &block).unwrap_err();
    assert_eq!(refused.code(), 6);
    block.as_object_mut().unwrap().remove("next_validators");
    let refused = advance(&chain.trusted(20), &block).unwrap_err();
    assert_eq!(refused.code(), 6);
    let parsed = light_block(&block);
    let begun = Trusted::begin(CHAIN, 21, parsed.hash(), &parsed);
    assert_eq!(begun.unwrap_err().code(), 6);
}

#[test]
fn next_validators_are_left_out_where_they_are_the_same() {
    let chain = Chain::of(equals(4));
    let mut block = chain.light_block(21);
    block.as_object_mut().unwrap().remove("next_validators");
    advance(&chain.trusted(20), &block).unwrap();
}

fn refused_set(change: impl Fn(&mut Vec<serde_json::Value>)) -> String {
    let mut block = Chain::of(equals(4)).light_block(21);
    change(block["validators"].as_array_mut().unwrap());
    let refused = LightBlock::parse(block.to_string().as_bytes()).unwrap_err();
    let Malformed::Field { field, .. } = refused else {
        panic!("{refused}")
    };
    field
}

#[test]
fn a_list_that_is_no_set_names_its_field() {
    assert_eq!(refused_set(|set| set.clear()), "validators");
    assert_eq!(refused_set(|set| set.swap(0, 1)), "validators");
    assert_eq!(refused_set(|set| set[1] = set[0].clone()), "validators");
    let most = json!((i64::MAX / 8).to_string());
    assert_eq!(
        refused_set(|set| set[0]["power"] = most.clone()),
        "validators"
    );
    for power in ["0", "-1", "+1", "010", "1.5", "", "9223372036854775808"] {
        let field = refused_set(|set| set[2]["power"] = power.into());
        assert_eq!(field, "validators[2].power", "{power}");
    }
    for key in ["", "AAAA", "not base64", &"A".repeat(43)] {
        let field = refused_set(|set| set[1]["pub_key"] = key.into());
        assert_eq!(field, "validators[1].pub_key", "{key}");
    }
}
