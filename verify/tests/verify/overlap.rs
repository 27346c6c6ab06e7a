//! A far block needs more than 1/3 of the trusted power; else a block between is asked for.

use ait_verify::Rejection;

use crate::chain::{Chain, advance, equals, set, verify};

/// Two thirds of six validators change at height 100.
fn chain_that_changes(kept: u64) -> Chain {
    Chain::changing(move |height| match height {
        ..100 => equals(6),
        _ => set((6 - kept..12 - kept).map(|number| (number, 10))),
    })
}

#[test]
fn a_third_is_not_enough_and_more_than_a_third_is() {
    let trusted_set = 60;
    let chain = chain_that_changes(2);
    let refused = advance(&chain.trusted(20), &chain.light_block(200)).unwrap_err();
    let expected = Rejection::Overlap {
        trusted: 20,
        height: 200,
        signed: 20,
        total: trusted_set,
    };
    assert_eq!(refused, expected);
    assert!(!refused.is_refuted());
    assert_eq!(refused.needs_between(), Some(110));

    let chain = chain_that_changes(3);
    advance(&chain.trusted(20), &chain.light_block(200)).unwrap();
}

#[test]
fn a_bundle_asks_for_a_block_between_too_and_is_verified_from_there() {
    let chain = chain_that_changes(0);
    let bundle = chain.bundle(199, "/account/7");
    let mut trusted = chain.trusted(98);
    let between = verify(&trusted, &bundle).unwrap_err().needs_between();
    assert_eq!(between, Some(149));
    for height in [99, 100] {
        trusted = advance(&trusted, &chain.light_block(height)).unwrap();
    }
    verify(&trusted, &bundle).unwrap();
}
