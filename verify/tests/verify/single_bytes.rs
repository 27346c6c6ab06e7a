//! No byte of a good document is without meaning: change or drop any one, and it is refused.

use ait_verify::{LightBlock, Policy, Trusted};
use serde_json::Value;

use crate::chain::{Ballot, Chain, commit, equals, time_of, verify_bytes};

/// Every document that differs from this one in one byte: with other bits, or without it.
fn neighbours(document: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    (0..document.len()).flat_map(move |place| {
        let flips = [0x01, 0x02, 0x20].map(|bits| {
            let mut changed = document.to_vec();
            changed[place] ^= bits;
            changed
        });
        let mut blank = document.to_vec();
        blank[place] = b' ';
        let mut shorter = document.to_vec();
        shorter.remove(place);
        flips
            .into_iter()
            .chain([blank, shorter])
            .filter(move |changed| changed != document)
            .map(move |changed| (place, changed))
    })
}

pub fn refuses_neighbours(document: &Value, is_verified: impl Fn(&[u8]) -> bool) {
    let document = document.to_string();
    assert!(is_verified(document.as_bytes()), "{document}");
    let mut count = 0;
    for (place, changed) in neighbours(document.as_bytes()) {
        let shown = String::from_utf8_lossy(&changed[place.saturating_sub(40)..]);
        let shown: String = shown.chars().take(80).collect();
        assert!(!is_verified(&changed), "byte {place} changed: …{shown}…");
        count += 1;
    }
    assert!(count > 4 * document.len());
}

/// Four validators, of whom one is absent; in the larger, one of seven votes against the block too.
fn signed_by_some(signed_header: &mut Value, chain: &Chain, height: u64) {
    let set = chain.set(height);
    let mut ballots = vec![Ballot::For; set.len()];
    ballots[1] = Ballot::Absent;
    if set.len() > 4 {
        ballots[3] = Ballot::Nil;
    }
    signed_header["commit"] = commit(&chain.header(height), &set, &ballots);
}

fn bundle_is_strict(trusted_height: u64, key: &str, validators: u64) {
    let chain = Chain::of(equals(validators));
    let trusted = chain.trusted(trusted_height);
    let mut bundle = chain.bundle(20, key);
    signed_by_some(&mut bundle["signed_header"], &chain, 21);
    refuses_neighbours(&bundle, |bytes| verify_bytes(&trusted, bytes).is_ok());
}

#[test]
fn of_a_bundle_with_a_record_under_a_far_header() {
    bundle_is_strict(10, "/account/7", 4);
}

#[test]
fn of_a_bundle_with_an_absence_under_the_next_header() {
    bundle_is_strict(20, "/account/none", 7);
}

#[test]
fn of_a_bundle_under_the_trusted_header() {
    bundle_is_strict(21, "/account/7", 4);
}

fn light_block_is_strict(trusted: &Trusted, chain: &Chain, height: u64) {
    let mut block = chain.light_block(height);
    signed_by_some(&mut block["signed_header"], chain, height);
    refuses_neighbours(&block, |bytes| {
        LightBlock::parse(bytes).is_ok_and(|block| {
            let policy = Policy::default();
            trusted.advance(&block, time_of(3_600), &policy).is_ok()
        })
    });
}

#[test]
fn of_a_light_block() {
    let chain = Chain::changing(|height| equals(4 + height / 12 * 3));
    light_block_is_strict(&chain.trusted(10), &chain, 11);
    light_block_is_strict(&chain.trusted(10), &chain, 16);
}
