//! Proofs: stock ICS-23 verifiers find every record, and the absence of any other, in two steps under the
//! app hash that the next header carries.

use ait_app::{
    address::Address,
    state::{
        AppHash, Key, State,
        app_hash::{ProofOp, verify},
        merkle::decode_proof,
    },
};
use ait_testkit::{
    actors::{Actor, alice, bob, coordinator, miner, validator, validator_key},
    chain::{Chain, Setup},
    draft::Draft,
};
use ics23::{
    CommitmentProof, HostFunctionsManager, commitment_proof::Proof, smt_spec, tendermint_spec,
    verify_membership, verify_non_membership,
};
use sha2::{Digest, Sha256};

/// What a stock verifier does with a chain of two proofs, as IBC clients and CometBFT's light client do:
/// the first op's proof gives the root that is the second one's value.
fn stock(app_hash: &AppHash, key: &[u8], value: Option<&[u8]>, ops: &[ProofOp]) -> bool {
    let [first, second] = ops else { return false };
    let proofs: Option<Vec<CommitmentProof>> =
        ops.iter().map(|op| decode_proof(&op.data)).collect();
    let Some([record, simple]) = proofs.as_deref() else {
        return false;
    };
    let Some(Proof::Exist(exist)) = &simple.proof else {
        return false;
    };
    let root = exist.value.clone();
    let header = app_hash.0.to_vec();
    let found = match value {
        Some(value) => {
            verify_membership::<HostFunctionsManager>(record, &smt_spec(), &root, key, value)
        }
        None => verify_non_membership::<HostFunctionsManager>(record, &smt_spec(), &root, key),
    };
    let under = verify_membership::<HostFunctionsManager>(
        simple,
        &tendermint_spec(),
        &header,
        &second.key,
        &root,
    );
    found && under && first.kind == "ics23:smt" && second.kind == "ics23:simple"
}

/// Both verifiers, which must agree.
fn proves(state: &State, path: &str, value: Option<&[u8]>, ops: &[ProofOp]) -> bool {
    let app_hash = state.app_hash();
    let own = verify(&app_hash, path.as_bytes(), value, ops);
    assert_eq!(own, stock(&app_hash, path.as_bytes(), value, ops), "{path}");
    own
}

fn prove(state: &State, path: &str) -> Vec<ProofOp> {
    state.prove(&Key::parse(path).unwrap()).unwrap().unwrap()
}

/// A chain with a record of every kind.
fn lived_in() -> Chain {
    let mut chain = Setup::default().balance(&validator(), 100_000).start();
    let opens = [
        chain.open(&alice(), "job_1", 60_000, 100),
        chain.open(&alice(), "job_2", 60_000, 100).later(1),
        chain.bond(&coordinator(), 5_000),
    ];
    chain.commit(opens);
    let work = chain.work(&alice(), "job_1", &miner(), "rcpt_1");
    let txs = [
        chain.claim(&miner(), &work),
        chain.first_stake(&validator(), &validator_key(), 1_000),
    ];
    assert_eq!(chain.commit(txs).codes(), [0, 0]);
    chain
}

fn kind(key: &str) -> &str {
    key.split('/').nth(1).unwrap()
}

#[test]
fn every_record_of_every_kind_is_proved_present() {
    let chain = lived_in();
    let mut kinds = std::collections::BTreeSet::new();
    for leaf in chain.state.entries().map(Result::unwrap) {
        let (path, value) = (leaf.key(), leaf.value());
        let path = String::from_utf8(path.to_vec()).unwrap();
        let ops = prove(&chain.state, &path);
        assert!(proves(&chain.state, &path, Some(value), &ops), "{path}");
        assert!(!proves(&chain.state, &path, None, &ops), "{path}");
        kinds.insert(kind(&path).to_owned());
    }
    let expected = [
        "account",
        "consensus",
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
    for n in 0..200 {
        let nobody = Actor::named(&format!("nobody {n}")).address();
        for path in [
            format!("/account/{nobody}"),
            format!("/escrow/{nobody}/job_1"),
            format!("/escrow/{}/none_{n}", alice().address()),
            format!("/miner/{nobody}"),
            format!("/coordinator/{nobody}"),
            format!("/receipt/{nobody}/rcpt_1"),
            format!("/receipt/{}/none_{n}", miner().address()),
            format!("/validator/{nobody}"),
        ] {
            let ops = prove(&chain.state, &path);
            assert!(proves(&chain.state, &path, None, &ops), "{path}");
            assert!(!proves(&chain.state, &path, Some(b"{}"), &ops), "{path}");
        }
    }
}

#[test]
fn a_proof_is_a_chain_of_two_whose_second_step_is_the_stores_leaf() {
    let chain = lived_in();
    let path = format!("/account/{}", alice().address());
    let ops = prove(&chain.state, &path);
    let shown: Vec<_> = ops.iter().map(|op| (op.kind, op.key.as_slice())).collect();
    let expected: [(&str, &[u8]); 2] = [("ics23:smt", path.as_bytes()), ("ics23:simple", b"ait")];
    assert_eq!(shown, expected);
    // The app hash by its definition alone.
    let image = [
        &[0, 3][..],
        b"ait",
        &[32],
        &Sha256::digest(chain.state.root()),
    ]
    .concat();
    let by_hand: [u8; 32] = Sha256::digest(image).into();
    assert_eq!(chain.state.app_hash().0, by_hand);
    assert_ne!(chain.state.app_hash().0, chain.state.root());
}

#[test]
fn a_proof_holds_for_its_own_key_value_and_app_hash_alone() {
    let mut chain = lived_in();
    let path = format!("/account/{}", alice().address());
    let key = Key::parse(&path).unwrap();
    let value = chain.state.bytes(&key).unwrap().unwrap();
    let (before, ops) = (chain.state.clone(), prove(&chain.state, &path));
    assert!(proves(&before, &path, Some(&value), &ops));
    let richer = String::from_utf8(value.clone())
        .unwrap()
        .replace("\"balance\":", "\"balance\":9");
    assert!(!proves(&before, &path, Some(richer.as_bytes()), &ops));
    let other = format!("/account/{}", bob().address());
    let app_hash = before.app_hash();
    assert!(!verify(&app_hash, other.as_bytes(), Some(&value), &ops));
    assert!(!verify(&app_hash, other.as_bytes(), None, &ops));
    let tx = chain.transfer(&alice(), &bob(), 1);
    chain.commit([tx]);
    assert!(
        !proves(&chain.state, &path, Some(&value), &ops),
        "it changed since"
    );
}

#[test]
fn a_chain_of_steps_that_is_not_whole_and_in_order_proves_nothing() {
    let chain = lived_in();
    let path = "/supply";
    let value = chain.state.bytes(&Key::Supply).unwrap().unwrap();
    let ops = prove(&chain.state, path);
    let app_hash = chain.state.app_hash();
    let holds = |ops: &[ProofOp]| verify(&app_hash, path.as_bytes(), Some(&value), ops);
    assert!(holds(&ops));
    let [record, simple] = [ops[0].clone(), ops[1].clone()];
    let changed = |change: &dyn Fn(&mut Vec<ProofOp>)| {
        let mut ops = ops.clone();
        change(&mut ops);
        ops
    };
    for wrong in [
        vec![],
        vec![record.clone()],
        vec![simple.clone()],
        vec![simple.clone(), record.clone()],
        vec![record.clone(), simple.clone(), simple.clone()],
        changed(&|ops| ops[1].key = b"bank".to_vec()),
        changed(&|ops| ops[0].key = b"/consensus".to_vec()),
        changed(&|ops| ops[0].kind = "ics23:iavl"),
        changed(&|ops| ops[0].data = vec![]),
        changed(&|ops| ops[1].data = vec![0xff; 40]),
        changed(&|ops| ops[1].data = record.data.clone()),
    ] {
        assert!(!holds(&wrong), "{wrong:?}");
    }
    // Every bit of the proofs counts.
    for (op, data) in ops.iter().enumerate() {
        for bit in (0..data.data.len() * 8).step_by(3) {
            let flipped = changed(&|ops| ops[op].data[bit / 8] ^= 1 << (bit % 8));
            let same = flipped[op].data == ops[op].data;
            let still = decode_proof(&flipped[op].data) == decode_proof(&ops[op].data);
            assert!(same || still || !holds(&flipped), "op {op}, bit {bit}");
        }
    }
}

#[test]
fn the_genesis_state_is_provable_as_any_other() {
    let chain = Chain::start();
    let path = format!("/account/{}", Address::treasury());
    let ops = prove(&chain.state, &path);
    assert!(proves(&chain.state, &path, None, &ops));
    let path = format!("/account/{}", alice().address());
    let value = chain
        .state
        .bytes(&Key::parse(&path).unwrap())
        .unwrap()
        .unwrap();
    let ops = prove(&chain.state, &path);
    assert!(proves(&chain.state, &path, Some(&value), &ops));
}

#[test]
fn a_deleted_record_is_proved_absent() {
    let setup = Setup::default().param("escrow_max_ttl_blocks", 2);
    let mut chain = setup.start();
    let tx = chain.open(&alice(), "job", 60_000, 2);
    chain.commit([tx]);
    let path = format!("/escrow/{}/job", alice().address());
    assert!(!proves(
        &chain.state,
        &path,
        None,
        &prove(&chain.state, &path)
    ));
    chain.advance_to(5);
    assert!(proves(
        &chain.state,
        &path,
        None,
        &prove(&chain.state, &path)
    ));
}

#[test]
fn an_older_state_stays_provable_while_the_chain_goes_on() {
    let mut chain = lived_in();
    let held = chain.state.clone();
    let (app_hash, records) = (held.app_hash(), chain.records());
    for n in 0..20 {
        let tx = chain.transfer(&alice(), &Actor::named(&format!("someone {n}")), 1_000);
        chain.commit([tx]);
    }
    chain.commit(Vec::<Draft>::new());
    assert_ne!(chain.state.app_hash(), app_hash);
    assert_eq!(
        (held.app_hash(), ait_testkit::chain::records(&held)),
        (app_hash, records)
    );
    for leaf in held.entries().map(Result::unwrap) {
        let (path, value) = (leaf.key(), leaf.value());
        let path = String::from_utf8(path.to_vec()).unwrap();
        let ops = prove(&held, &path);
        assert!(proves(&held, &path, Some(value), &ops), "{path}");
    }
}
