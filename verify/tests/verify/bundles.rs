//! A good bundle is verified: records and absences, by sets of any size, from a header near or far.

use crate::chain::{CHAIN, Chain, equals, header_hash, set, time_of, verify};

const PRESENT: &str = "/account/7";
const ABSENT: &str = "/account/none";

#[test]
fn records_and_absences_are_verified_under_the_trusted_header_the_next_and_a_far_one() {
    for validators in [1, 4, 100] {
        let chain = Chain::of(equals(validators));
        let trusted = chain.trusted(10);
        for height in [9, 10, 500] {
            for key in [PRESENT, ABSENT] {
                let verified = verify(&trusted, &chain.bundle(height, key)).unwrap();
                assert_eq!(verified.key, key);
                assert_eq!(verified.value.as_deref(), chain.state.value(key));
                assert_eq!(verified.value.is_some(), key == PRESENT);
                assert_eq!(verified.height, height);
                assert_eq!(verified.header_height, height + 1);
                assert_eq!(verified.chain_id, CHAIN);
                assert_eq!(verified.app_hash, chain.state.app_hash());
                assert_eq!(verified.time, time_of(height + 1));
                let hash = header_hash(&chain.header(height + 1));
                assert_eq!(verified.header_hash, hash);
            }
        }
    }
}

#[test]
fn the_state_that_the_first_block_builds_on_is_verified() {
    let chain = Chain::of(equals(4));
    let verified = verify(&chain.trusted(1), &chain.bundle(0, PRESENT)).unwrap();
    assert_eq!((verified.height, verified.header_height), (0, 1));
}

#[test]
fn every_record_and_absences_on_all_sides_are_verified() {
    let chain = Chain::of(equals(1));
    let trusted = chain.trusted(10);
    for number in 0..80 {
        let key = format!("/account/{number}");
        let verified = verify(&trusted, &chain.bundle(10, &key)).unwrap();
        assert_eq!(verified.value.as_deref(), chain.state.value(&key));
    }
}

#[test]
fn a_state_of_one_record_proves_it_and_the_absence_of_others() {
    let mut chain = Chain::of(equals(1));
    chain.state = crate::state::State::of_accounts(1);
    for key in ["/account/0", "/account/1", "/account/2"] {
        let verified = verify(&chain.trusted(10), &chain.bundle(10, key)).unwrap();
        assert_eq!(verified.value.is_some(), key == "/account/0");
    }
}

#[test]
fn validators_of_unequal_power_sign_by_it() {
    let chain = Chain::of(set([(0, 1), (1, 500), (2, 30), (3, 30), (4, 7)]));
    verify(&chain.trusted(10), &chain.bundle(10, PRESENT)).unwrap();
}
