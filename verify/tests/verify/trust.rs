//! What can't be told from a trusted header: by its age, the clock, its height. And a fork of it.

use ait_verify::{Bundle, Policy, Rejection, UnixTime, Verified};
use serde_json::{Value, json};

use crate::chain::{Chain, advance, all, commit, equals, light_block, time_of, verify};

const POLICY: Policy = Policy {
    trusting_period_seconds: 1_000,
    clock_drift_seconds: 10,
};

fn at(now: UnixTime, trusted: u64, header: u64) -> Result<Verified, Rejection> {
    let chain = Chain::of(equals(4));
    let bundle = chain.bundle(header - 1, "/account/7").to_string();
    let bundle = Bundle::parse(bundle.as_bytes()).unwrap();
    chain.trusted(trusted).verify(&bundle, now, &POLICY)
}

#[test]
fn nothing_follows_from_a_header_whose_trust_expired() {
    at(time_of(1_009), 10, 20).unwrap();
    for now in [1_010, 100_000] {
        let refused = at(time_of(now), 10, 20).unwrap_err();
        assert!(!refused.is_refuted());
        let (expired, now) = (time_of(1_010), time_of(now));
        assert_eq!(refused, Rejection::Expired { expired, now });
    }
}

#[test]
fn what_is_under_the_trusted_header_itself_holds_however_old_it_is() {
    at(time_of(100_000), 20, 20).unwrap();
    at(UnixTime::from_seconds(0), 20, 20).unwrap();
}

#[test]
fn a_header_from_the_future_is_accepted_within_the_drift_only() {
    at(time_of(11), 10, 20).unwrap();
    let refused = at(time_of(10), 10, 20).unwrap_err();
    assert!(!refused.is_refuted());
    let (time, now, drift) = (time_of(20), time_of(10), 10);
    assert_eq!(refused, Rejection::Future { time, now, drift });
}

#[test]
fn a_header_before_the_trusted_one_cannot_be_told() {
    let refused = at(time_of(30), 20, 19).unwrap_err();
    assert!(!refused.is_refuted());
    let (trusted, height) = (20, 19);
    assert_eq!(refused, Rejection::Older { trusted, height });
    assert_eq!(refused.needs_between(), None);
}

#[test]
fn a_refuted_bundle_is_refuted_also_where_it_could_not_be_told() {
    let chain = Chain::of(equals(4));
    let mut bundle = chain.bundle(20, "/account/7");
    bundle["value"] = "{}".into();
    let bundle = Bundle::parse(bundle.to_string().as_bytes()).unwrap();
    for (trusted, now) in [(10, 100_000), (10, 1), (30, 40)] {
        let refused = chain
            .trusted(trusted)
            .verify(&bundle, time_of(now), &POLICY);
        assert_eq!(refused.unwrap_err().code(), 19);
    }
}

/// The block of a height, otherwise than the chain has it and signed by all.
fn forked(chain: &Chain, height: u64, change: impl Fn(&mut Value)) -> Value {
    let mut header = chain.header(height);
    change(&mut header);
    let set = chain.set(height);
    let commit = commit(&header, &set, &all(&set));
    json!({
        "signed_header": {"header": header, "commit": commit},
        "validators": chain.light_block(height)["validators"],
    })
}

#[test]
fn another_block_of_the_trusted_height_is_a_fork() {
    let chain = Chain::of(equals(4));
    let other = forked(&chain, 20, |header| {
        header["data_hash"] = "CD".repeat(32).into()
    });
    let refused = advance(&chain.trusted(20), &other).unwrap_err();
    assert!(refused.is_refuted());
    let Rejection::Fork { height: 20, .. } = refused else {
        panic!("{refused}")
    };
    let mut bundle = chain.bundle(19, "/account/7");
    bundle["signed_header"] = other["signed_header"].clone();
    assert_eq!(verify(&chain.trusted(20), &bundle).unwrap_err().code(), 14);
}

#[test]
fn a_later_block_of_a_time_that_is_not_later_is_refuted() {
    let chain = Chain::of(equals(4));
    for height in [21, 40] {
        let block = forked(&chain, height, |header| {
            header["time"] = time_of(20).to_string().into();
        });
        let refused = advance(&chain.trusted(20), &block).unwrap_err();
        let (trusted, got) = (time_of(20), time_of(20));
        assert_eq!(
            refused,
            Rejection::TimeNotLater {
                height,
                trusted,
                got
            }
        );
        assert!(refused.is_refuted());
    }
}

#[test]
fn the_trusted_block_itself_changes_nothing() {
    let chain = Chain::of(equals(4));
    let trusted = chain.trusted(20);
    let same = advance(&trusted, &chain.light_block(20)).unwrap();
    assert_eq!(same, trusted);
    assert_eq!(light_block(&chain.light_block(20)).hash(), trusted.hash());
}

#[test]
fn extreme_clocks_and_policies_end_in_an_answer() {
    let chain = Chain::of(equals(4));
    let block = light_block(&chain.light_block(30));
    let largest = Policy {
        trusting_period_seconds: u64::MAX,
        clock_drift_seconds: u64::MAX,
    };
    let end = UnixTime::from_seconds(u64::MAX);
    assert_eq!(end.to_string(), "9999-12-31T23:59:59Z");
    for now in [UnixTime::from_seconds(0), time_of(40)] {
        chain.trusted(20).advance(&block, now, &largest).unwrap();
    }
    let none = Policy {
        trusting_period_seconds: 0,
        clock_drift_seconds: 0,
    };
    for now in [UnixTime::from_seconds(0), time_of(40), end] {
        let refused = chain.trusted(20).advance(&block, now, &none).unwrap_err();
        assert!(!refused.is_refuted());
    }
}
