//! Proofs: a stock ICS-23 verifier finds every record, and the absence of any other, under the root
//! that validators agreed upon.

use ait_app::state::Key;
use ait_tests::{
    actors::{Actor, alice, bob, miner},
    chain::Chain,
    draft::Draft,
};
use ics23::{
    CommitmentProof, HostFunctionsManager, smt_spec, verify_membership, verify_non_membership,
};

fn present(root: [u8; 32], proof: &CommitmentProof, key: &str, value: &[u8]) -> bool {
    let (spec, root) = (smt_spec(), root.to_vec());
    verify_membership::<HostFunctionsManager>(proof, &spec, &root, key.as_bytes(), value)
}

fn absent(root: [u8; 32], proof: &CommitmentProof, key: &str) -> bool {
    let (spec, root) = (smt_spec(), root.to_vec());
    verify_non_membership::<HostFunctionsManager>(proof, &spec, &root, key.as_bytes())
}

/// A chain with a record of every kind.
fn lived_in() -> Chain {
    let mut chain = Chain::start();
    let opens = [
        chain.open(&alice(), "job_1", 60_000, 100),
        chain.open(&alice(), "job_2", 60_000, 100).later(1),
    ];
    chain.commit(opens);
    let work = chain.work(&alice(), "job_1", &miner(), "rcpt_1");
    let claim = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([claim]).codes(), [0]);
    chain
}

fn kind(key: &str) -> &str {
    key.split('/').nth(1).unwrap()
}

#[test]
fn every_record_of_every_kind_is_proved_present() {
    let chain = lived_in();
    let root = chain.state.root();
    let mut kinds = std::collections::BTreeSet::new();
    for (path, value) in chain.state.entries() {
        let path = String::from_utf8(path.to_vec()).unwrap();
        let proof = chain.state.prove(&Key::parse(&path).unwrap()).unwrap();
        assert!(present(root, &proof, &path, value), "{path}");
        assert!(!absent(root, &proof, &path), "{path}");
        kinds.insert(kind(&path).to_owned());
    }
    let expected = [
        "account",
        "coordinator",
        "escrow",
        "miner",
        "param",
        "receipt",
        "supply",
        "validator",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_not_there_is_proved_absent() {
    let chain = lived_in();
    let root = chain.state.root();
    for n in 0..200 {
        let nobody = Actor::named(&format!("nobody {n}")).address();
        for path in [
            format!("/account/{nobody}"),
            format!("/escrow/{nobody}/job_1"),
            format!("/miner/{nobody}"),
            format!("/receipt/rcpt_none_{n}"),
            format!("/param/nonsense_{n}"),
            format!("/validator/{nobody}"),
        ] {
            let key = Key::parse(&path).unwrap();
            let proof = chain.state.prove(&key).unwrap();
            assert!(absent(root, &proof, &path), "{path}");
            assert!(!present(root, &proof, &path, b"{}"), "{path}");
        }
    }
}

#[test]
fn a_proof_holds_for_its_own_key_value_and_root_alone() {
    let mut chain = lived_in();
    let path = format!("/account/{}", alice().address());
    let key = Key::parse(&path).unwrap();
    let value = ait_app::state::overlay::View::bytes(&chain.state, path.as_bytes()).unwrap();
    let (root, proof) = (chain.state.root(), chain.state.prove(&key).unwrap());
    assert!(present(root, &proof, &path, &value));
    let richer = String::from_utf8(value.to_vec())
        .unwrap()
        .replace("\"balance\":", "\"balance\":9");
    assert!(!present(root, &proof, &path, richer.as_bytes()));
    let other = format!("/account/{}", bob().address());
    assert!(!present(root, &proof, &other, &value));
    assert!(!absent(root, &proof, &other));
    let tx = chain.transfer(&alice(), &bob(), 1);
    chain.commit([tx]);
    assert!(
        !present(chain.state.root(), &proof, &path, &value),
        "it changed since"
    );
}

#[test]
fn an_older_state_stays_provable_while_the_chain_goes_on() {
    let mut chain = lived_in();
    let held = chain.state.clone();
    let (root, records) = (held.root(), chain.records());
    for n in 0..20 {
        let tx = chain.transfer(&alice(), &Actor::named(&format!("someone {n}")), 1);
        chain.commit([tx]);
    }
    chain.commit(Vec::<Draft>::new());
    assert_ne!(chain.state.root(), root);
    assert_eq!(
        (held.root(), ait_tests::chain::records(&held)),
        (root, records)
    );
    for (path, value) in held.entries() {
        let path = String::from_utf8(path.to_vec()).unwrap();
        let proof = held.prove(&Key::parse(&path).unwrap()).unwrap();
        assert!(present(root, &proof, &path, value), "{path}");
    }
}
