//! Headers, commits and sets that the real CometBFT (0.38) made: four validators, of whom one was absent,
//! and one block of a second round.

use ait_verify::{LightBlock, Policy, Trusted, UnixTime, Walk};
use serde_json::Value;

fn recorded() -> Vec<Value> {
    serde_json::from_str(include_str!("../data/cometbft.json")).unwrap()
}

fn parsed() -> Vec<LightBlock> {
    let recorded = recorded();
    let blocks = recorded.iter().map(Value::to_string);
    blocks
        .map(|json| LightBlock::parse(json.as_bytes()).unwrap())
        .collect()
}

fn begun(block: &LightBlock) -> Trusted {
    Trusted::begin(block.chain_id(), block.height(), block.hash(), block).unwrap()
}

fn now(blocks: &[LightBlock]) -> UnixTime {
    UnixTime::from_seconds(blocks.last().unwrap().time().seconds() + 60)
}

#[test]
fn its_hashes_are_those_that_it_signed() {
    for (json, block) in recorded().iter().zip(parsed()) {
        let signed = &json["signed_header"]["commit"]["block_id"]["hash"];
        assert_eq!(*signed, hex::encode_upper(block.hash()));
        let time = &json["signed_header"]["header"]["time"];
        assert_eq!(*time, block.time().to_string());
        begun(&block);
    }
}

#[test]
fn its_blocks_are_followed_one_by_one_and_skipping() {
    let blocks = parsed();
    assert!(blocks.len() >= 4);
    let now = now(&blocks);
    let mut trusted = begun(&blocks[0]);
    for block in &blocks[1..] {
        trusted = trusted.advance(block, now, &Policy::default()).unwrap();
        assert_eq!(trusted.hash(), block.hash());
    }
    let last = blocks.last().unwrap().clone();
    let mut walk = Walk::to(begun(&blocks[0]), last.height());
    walk.take(last.clone(), now, &Policy::default()).unwrap();
    assert_eq!(walk.trusted().hash(), last.hash());
    assert_eq!(walk.wants(), None);
}

#[test]
fn a_signature_of_it_over_another_time_is_refuted() {
    let mut block = recorded().remove(1);
    let entries = &mut block["signed_header"]["commit"]["signatures"];
    entries[2]["timestamp"] = entries[1]["timestamp"].clone();
    let block = LightBlock::parse(block.to_string().as_bytes()).unwrap();
    let first = &parsed()[0];
    let refused = begun(first).advance(&block, now(&parsed()), &Policy::default());
    assert_eq!(refused.unwrap_err().code(), 10);
}
