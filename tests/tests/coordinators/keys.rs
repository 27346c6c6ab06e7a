//! Whose signature counts for an escrow: the keys of its opening, until they are revoked.

use ait_testkit::{
    actors::{Actor, admin, alice, bob, coordinator, miner},
    chain::{Chain, Setup},
    work::Work,
};
use ait_tests::scenes::{miner_with_money, refused, with_escrow};
use serde_json::{Value, json};

/// The key that the coordinator attests with, apart from its account's.
fn attestation_key() -> Actor {
    Actor::named("coordinator's attestation key")
}

/// `coordinators` with this key for the usual coordinator.
fn named(key: &Actor) -> Value {
    json!({coordinator().address().to_string(): key.pubkey().to_string()})
}

/// A good attestation in the coordinator's name by any key.
fn signed_by(work: &Work, key: &Actor) -> Value {
    work.answered_with(&coordinator(), key, work.opened_height, work.praise())
}

/// A chain whose coordinator attests with a key of its own, and its escrow.
fn with_own_key() -> (Chain, Work) {
    let setup = miner_with_money().param("coordinators", named(&attestation_key()));
    with_escrow(&setup, 60_000)
}

fn set(chain: &mut Chain, name: &str, value: Value) {
    let tx = chain.set_param(name, value);
    assert_eq!(chain.commit([tx]).names(), [""]);
}

fn claim_signed_by(chain: &mut Chain, work: &Work, key: &Actor) -> &'static str {
    let claim = chain.claim_with(&miner(), work, Some(&signed_by(work, key)));
    chain.commit([claim]).code_name(0)
}

fn revoked(keys: &[&Actor]) -> Value {
    let keys = keys.iter().map(|key| key.pubkey().to_string());
    keys.collect::<Vec<_>>().into()
}

#[test]
fn the_key_that_the_params_name_attests_and_the_account_key_does_not() {
    let (mut chain, work) = with_own_key();
    assert_eq!(
        claim_signed_by(&mut chain, &work, &coordinator()),
        "invalid_attestation"
    );
    assert_eq!(claim_signed_by(&mut chain, &work, &attestation_key()), "");
}

#[test]
fn a_rotated_or_removed_coordinators_open_jobs_are_still_paid() {
    let new_key = Actor::named("coordinator's new key");
    for value in [named(&new_key), json!({})] {
        let (mut chain, work) = with_own_key();
        set(&mut chain, "coordinators", value);
        assert_eq!(
            claim_signed_by(&mut chain, &work, &new_key),
            "invalid_attestation"
        );
        assert_eq!(claim_signed_by(&mut chain, &work, &attestation_key()), "");
    }
}

#[test]
fn the_admin_cannot_name_a_key_that_takes_escrows() {
    let (mut chain, _) = with_own_key();
    set(&mut chain, "coordinators", named(&admin()));
    let forged = chain.work(&alice(), "job_42", &miner(), "forged");
    let code = claim_signed_by(&mut chain, &forged, &admin());
    assert_eq!(code, "invalid_attestation");
}

#[test]
fn an_escrow_opened_after_a_rotation_has_the_new_key() {
    let (mut chain, _) = with_own_key();
    let new_key = Actor::named("coordinator's new key");
    // In the block of the rotation, the key is the one of the block before.
    let txs = [
        chain.set_param("coordinators", named(&new_key)),
        chain.open(&alice(), "same_block", 60_000, 100),
    ];
    chain.commit(txs);
    let tx = chain.open(&alice(), "later", 60_000, 100);
    chain.commit([tx]);
    for (job, key) in [("same_block", attestation_key()), ("later", new_key)] {
        let keys = json!([key.pubkey().to_string()]);
        assert_eq!(chain.escrow(&alice(), job)["keys"], keys, "{job}");
        let work = chain.work(&alice(), job, &miner(), job);
        assert_eq!(claim_signed_by(&mut chain, &work, &key), "");
    }
}

#[test]
fn a_revoked_key_is_worth_nothing_and_the_account_key_takes_its_place() {
    let (mut chain, work) = with_own_key();
    // The chain knows an account's key from its first transaction on.
    let tx = chain.transfer(&coordinator(), &bob(), 1);
    chain.commit([tx]);
    set(&mut chain, "revoked_keys", revoked(&[&attestation_key()]));
    assert_eq!(
        claim_signed_by(&mut chain, &work, &attestation_key()),
        "invalid_attestation"
    );
    assert_eq!(claim_signed_by(&mut chain, &work, &coordinator()), "");
}

#[test]
fn a_key_counts_as_revoked_from_the_next_block_on() {
    let (mut chain, work) = with_own_key();
    let answer = signed_by(&work, &attestation_key());
    let txs = [
        chain.set_param("revoked_keys", revoked(&[&attestation_key()])),
        chain.claim_with(&miner(), &work, Some(&answer)),
    ];
    assert_eq!(chain.commit(txs).names(), ["", ""]);
}

#[test]
fn without_a_known_account_key_nothing_takes_a_revoked_keys_place() {
    let (mut chain, work) = with_own_key();
    set(&mut chain, "revoked_keys", revoked(&[&attestation_key()]));
    assert_eq!(
        claim_signed_by(&mut chain, &work, &coordinator()),
        "invalid_attestation"
    );
    let tx = chain.transfer(&coordinator(), &bob(), 1);
    chain.commit([tx]);
    assert_eq!(claim_signed_by(&mut chain, &work, &coordinator()), "");
}

#[test]
fn a_revoked_account_key_takes_nothings_place() {
    let (mut chain, work) = with_own_key();
    let tx = chain.transfer(&coordinator(), &bob(), 1);
    chain.commit([tx]);
    let both = revoked(&[&attestation_key(), &coordinator()]);
    set(&mut chain, "revoked_keys", both);
    for key in [attestation_key(), coordinator()] {
        assert_eq!(
            claim_signed_by(&mut chain, &work, &key),
            "invalid_attestation"
        );
    }
    // Where the key of the opening was the account's own, there is no other.
    let (mut chain, work) = with_escrow(&miner_with_money(), 60_000);
    let tx = chain.transfer(&coordinator(), &bob(), 1);
    chain.commit([tx]);
    set(&mut chain, "revoked_keys", revoked(&[&coordinator()]));
    let claim = chain.claim(&miner(), &work);
    refused(&mut chain, claim, "invalid_attestation");
}

#[test]
fn a_key_that_is_no_longer_revoked_counts_again() {
    let (mut chain, work) = with_own_key();
    set(&mut chain, "revoked_keys", revoked(&[&attestation_key()]));
    set(&mut chain, "revoked_keys", json!([]));
    assert_eq!(claim_signed_by(&mut chain, &work, &attestation_key()), "");
}

#[test]
fn reports_and_evidence_by_a_revoked_key_do_not_count() {
    let (mut chain, work) = with_escrow(&miner_with_money(), 60_000);
    let (good, denial) = (
        work.attested_by(&coordinator(), 1),
        work.denied_by(&coordinator()),
    );
    let tx = chain.transfer(&miner(), &bob(), 1);
    chain.commit([tx]);
    set(&mut chain, "revoked_keys", revoked(&[&coordinator()]));
    let tx = chain.report(&bob(), &miner(), &work, std::slice::from_ref(&denial));
    refused(&mut chain, tx, "invalid_attestation");
    let tx = chain.equivocation(&bob(), (&work, &good), (&work, &denial));
    refused(&mut chain, tx, "invalid_attestation");
}

#[test]
fn a_revoked_key_can_be_named_for_new_escrows_and_attests_nothing() {
    let mut chain = Setup::default()
        .param("revoked_keys", revoked(&[&attestation_key()]))
        .param("coordinators", named(&attestation_key()))
        .balance(&miner(), 10_000)
        .start();
    let tx = chain.open(&alice(), "job_42", 60_000, 100);
    assert_eq!(chain.commit([tx]).names(), [""]);
    let work = chain.work(&alice(), "job_42", &miner(), "rcpt");
    assert_eq!(
        claim_signed_by(&mut chain, &work, &attestation_key()),
        "invalid_attestation"
    );
}
