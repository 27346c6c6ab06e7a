//! Blocks and the head.

use serde_json::{Value, json};

use crate::harness::{
    Chain,
    comet::EPOCH,
    hash_of,
    keys::{ALICE, BOB, CONSENSUS, VALIDATOR},
};
use ait_app::address::Address;

#[tokio::test]
async fn a_block_is_found_by_height_and_by_hash_in_either_case() {
    let chain = Chain::start().await;
    let tx = ALICE.transfer(1, BOB, 250);
    chain.send(&tx).await.ok();
    chain.comet.make_block().await;
    chain.comet.make_block().await;

    let block = chain.get("/rpc/getBlock/2").await.ok();
    let hash = block["hash"].as_str().unwrap();
    for name in [hash.to_owned(), hash.to_lowercase()] {
        assert_eq!(
            chain.get(&format!("/rpc/getBlock/{name}")).await.ok(),
            block
        );
    }
    assert_eq!(block["height"], 2);
    assert_eq!(block["timestamp"], EPOCH + 2);
    assert_eq!(block["proposer"], VALIDATOR.address().to_string());
    assert_eq!(block["txs"], json!([hash_of(&tx).to_string()]));
    assert_eq!(block["sig"], "02".repeat(64));
}

#[tokio::test]
async fn a_blocks_transactions_are_shown_whole_where_asked_for() {
    let chain = Chain::start().await;
    let tx = ALICE.transfer(1, BOB, 250);
    chain.send(&tx).await.ok();
    chain.comet.make_block().await;
    let hashes = chain.get("/rpc/getBlock/2").await.ok();
    let mut block = chain.get("/rpc/getBlock/2?txs=full").await.ok();
    let txs = block["txs"].as_array().unwrap().clone();
    assert_eq!(txs.len(), 1);
    assert_eq!(txs[0]["hash"], hash_of(&tx).to_string());
    assert_eq!(txs[0]["type"], "TRANSFER");
    assert_eq!(txs[0]["payload"]["amount"], 250);
    // All else is the same.
    block["txs"] = hashes["txs"].clone();
    assert_eq!(block, hashes);
    let answer = chain.get("/rpc/getBlock/2?txs=hashes").await;
    assert_eq!(answer.refusal(), (400, "invalid_request"));
}

#[tokio::test]
async fn blocks_are_a_chain_whose_state_roots_follow_the_state() {
    let chain = Chain::start().await;
    let first = chain.get("/rpc/getBlock/1").await.ok();
    assert_eq!(first["parent"], "");
    assert_eq!(first["sig"], Value::Null, "there is no next block yet");
    let head = chain.get("/rpc/getHead").await.ok();
    assert_eq!(
        head,
        json!({
            "height": 1, "hash": first["hash"], "timestamp": EPOCH + 1, "stateRoot": first["stateRoot"],
        })
    );

    chain.send(&ALICE.transfer(1, BOB, 250)).await.ok();
    chain.comet.make_block().await;
    let second = chain.get("/rpc/getBlock/2").await.ok();
    assert_eq!(second["parent"], first["hash"]);
    assert_ne!(second["stateRoot"], first["stateRoot"]);
    let first_again = chain.get("/rpc/getBlock/1").await.ok();
    assert_eq!(first_again["stateRoot"], first["stateRoot"]);
    assert_eq!(first_again["sig"], "01".repeat(64));
    let head = chain.get("/rpc/getHead").await.ok();
    assert_eq!(head["stateRoot"], second["stateRoot"]);
}

#[tokio::test]
async fn the_block_of_an_unknown_key_is_the_treasurys() {
    let chain = Chain::start().await;
    assert_ne!(CONSENSUS.secret().public_key().as_bytes(), &[9; 32]);
    chain.comet.propose_as([9; 32]);
    chain.comet.make_block().await;
    let block = chain.get("/rpc/getBlock/2").await.ok();
    assert_eq!(block["proposer"], Address::treasury().to_string());
}
