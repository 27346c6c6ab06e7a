//! An earlier header is trusted by the hashes that headers have of those before them.

use ait_verify::{LightBlock, Trusted, WayBack};
use serde_json::{Value, json};

use crate::chain::{CHAIN, Chain, all, commit, equals, header_hash, listed};

/// The signed headers of the blocks from 1 on, each naming the one before.
fn linked(chain: &Chain, count: u64) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    for height in 1..=count {
        let mut header = chain.header(height);
        if let Some(before) = blocks.last() {
            let hash = header_hash(&before["header"]);
            header["last_block_id"]["hash"] = hex::encode_upper(hash).into();
        }
        let set = chain.set(height);
        let commit = commit(&header, &set, &all(&set));
        blocks.push(json!({"header": header, "commit": commit}));
    }
    blocks
}

fn trusted_in(chain: &Chain, last: &Value, height: u64) -> Trusted {
    let block = json!({"signed_header": last, "validators": listed(&chain.set(height))});
    let block = LightBlock::parse(block.to_string().as_bytes()).unwrap();
    Trusted::begin(CHAIN, height, block.hash(), &block).unwrap()
}

fn bytes(block: &Value) -> Vec<u8> {
    json!({"signed_header": block}).to_string().into_bytes()
}

#[test]
fn the_way_leads_back_to_the_first_block_and_no_further() {
    let chain = Chain::of(equals(4));
    let blocks = linked(&chain, 12);
    let mut way = WayBack::from(&trusted_in(&chain, &blocks[11], 12));
    for height in (2..=12).rev() {
        assert_eq!(way.height(), height);
        way.take(&bytes(&blocks[usize::try_from(height).unwrap() - 1]))
            .unwrap();
        let before = usize::try_from(height).unwrap() - 2;
        assert_eq!(way.hash(), header_hash(&blocks[before]["header"]));
    }
    assert_eq!(way.height(), 1);
    assert!(!way.take(&bytes(&blocks[0])).unwrap_err().is_refuted());
    assert_eq!(way.height(), 1);
}

#[test]
fn another_block_leads_nowhere() {
    let chain = Chain::of(equals(4));
    let blocks = linked(&chain, 5);
    let mut way = WayBack::from(&trusted_in(&chain, &blocks[4], 5));
    assert_eq!(way.take(&bytes(&blocks[3])).unwrap_err().code(), 3);
    let mut other = blocks[4].clone();
    other["header"]["app_hash"] = "AB".repeat(32).into();
    assert_eq!(way.take(&bytes(&other)).unwrap_err().code(), 4);
    assert_eq!(way.take(b"{}").unwrap_err().code(), 1);
    assert_eq!(way.height(), 5);
    way.take(&bytes(&blocks[4])).unwrap();
    assert_eq!(way.height(), 4);
}
