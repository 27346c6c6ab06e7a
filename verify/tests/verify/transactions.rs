//! A transaction's place in a block and its code are verified, and nothing else is taken for them.

use ait_verify::{Policy, Rejection, Trusted, TxBundle, VerifiedTx};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    chain::{Chain, all, commit, equals, header_hash, listed, time_of},
    single_bytes::refuses_neighbours,
    state::sha256,
};

const HEIGHT: u64 = 20;

/// Codes of the block's transactions: of every length as a varint.
const CODES: [u32; 7] = [0, 3, 0, 300, 0, 70_000, 127];

fn txs(count: usize) -> Vec<Vec<u8>> {
    let tx = |number| format!("{{\"transaction\":{number}}}").into_bytes();
    (0..count).map(tx).collect()
}

/// As protobuf writes an `ExecTxResult` with this code, by hand.
fn result(code: u32) -> Vec<u8> {
    if code == 0 {
        return Vec::new();
    }
    let (mut bytes, mut rest) = (vec![8], code);
    while rest > 127 {
        bytes.push(u8::try_from(rest & 127).unwrap() | 128);
        rest >>= 7;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes
}

fn results(count: usize) -> Vec<Vec<u8>> {
    let codes = CODES.iter().cycle().take(count);
    codes.map(|code| result(*code)).collect()
}

/// The root and the path of a place, as RFC 6962 writes them.
fn tree(leaves: &[Vec<u8>], place: usize) -> ([u8; 32], Vec<Value>) {
    if let [leaf] = leaves {
        return (sha256(&[&[0][..], leaf].concat()), Vec::new());
    }
    let split = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(split);
    let node = |left: [u8; 32], right: [u8; 32]| sha256(&[&[1][..], &left, &right].concat());
    if place < split {
        let ((root, mut path), (other, _)) = (tree(left, place), tree(right, 0));
        path.push(json!({"right": hex::encode(other)}));
        (node(root, other), path)
    } else {
        let ((root, mut path), (other, _)) = (tree(right, place - split), tree(left, 0));
        path.push(json!({"left": hex::encode(other)}));
        (node(other, root), path)
    }
}

/// The bundle of a place in a block of so many transactions.
fn bundle(chain: &Chain, count: usize, place: usize) -> Value {
    let (txs, results) = (txs(count), results(count));
    let hashes: Vec<Vec<u8>> = txs.iter().map(|tx| sha256(tx).to_vec()).collect();
    let (data_hash, tx_path) = tree(&hashes, place);
    let (results_hash, result_path) = tree(&results, place);
    let mut header = chain.header(HEIGHT);
    header["data_hash"] = hex::encode_upper(data_hash).into();
    let mut next = chain.header(HEIGHT + 1);
    next["last_block_id"]["hash"] = hex::encode_upper(header_hash(&header)).into();
    next["last_results_hash"] = hex::encode_upper(results_hash).into();
    let set = chain.set(HEIGHT + 1);
    let commit = commit(&next, &set, &all(&set));
    json!({
        "format": 1,
        "height": HEIGHT,
        "tx": STANDARD.encode(&txs[place]),
        "tx_path": tx_path,
        "result": STANDARD.encode(&results[place]),
        "result_path": result_path,
        "header": header,
        "signed_header": {"header": next, "commit": commit},
        "validators": listed(&set),
    })
}

fn verify(trusted: &Trusted, bundle: &[u8]) -> Result<VerifiedTx, Rejection> {
    let bundle = TxBundle::parse(bundle)?;
    trusted.verify_tx(&bundle, time_of(3_600), &Policy::default())
}

fn code_of(rejection: Result<VerifiedTx, Rejection>) -> u16 {
    rejection.unwrap_err().code()
}

#[test]
fn every_transaction_of_blocks_of_any_size_is_verified_with_its_code() {
    let chain = Chain::of(equals(4));
    let trusted = chain.trusted(10);
    for count in 1..=17 {
        for place in 0..count {
            let bundle = bundle(&chain, count, place).to_string();
            let verified = verify(&trusted, bundle.as_bytes()).unwrap();
            assert_eq!(verified.tx, txs(count)[place]);
            assert_eq!(verified.code, CODES[place % CODES.len()]);
            assert_eq!(
                (verified.height, verified.header_height),
                (HEIGHT, HEIGHT + 1)
            );
            assert_eq!(verified.time, time_of(HEIGHT));
        }
    }
}

#[test]
fn a_transaction_of_another_block_another_code_and_another_place_are_refused() {
    let chain = Chain::of(equals(4));
    let trusted = chain.trusted(10);
    let good = bundle(&chain, 7, 3);
    let other = bundle(&chain, 7, 5);
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut lie = good.clone();
        change(&mut lie);
        code_of(verify(&trusted, lie.to_string().as_bytes()))
    };
    let (other_header, not_in_block) = (21, 22);
    assert_eq!(
        refused(&|lie| lie["tx"] = other["tx"].clone()),
        not_in_block
    );
    assert_eq!(refused(&|lie| lie["result"] = "".into()), not_in_block);
    // Another transaction's result, with the path that leads there.
    let taken = refused(&|lie| {
        lie["result"] = other["result"].clone();
        lie["result_path"] = other["result_path"].clone();
    });
    assert_eq!(taken, not_in_block);
    let header = refused(&|lie| lie["header"]["data_hash"] = "AB".repeat(32).into());
    assert_eq!(header, other_header);
    let shorter = refused(&|lie| {
        lie["tx_path"].as_array_mut().unwrap().pop();
    });
    assert_eq!(shorter, not_in_block);
}

#[test]
fn every_change_of_one_byte_is_refused() {
    let chain = Chain::of(equals(4));
    let trusted = chain.trusted(10);
    let good = bundle(&chain, 6, 3);
    refuses_neighbours(&good, |bytes| verify(&trusted, bytes).is_ok());
}
