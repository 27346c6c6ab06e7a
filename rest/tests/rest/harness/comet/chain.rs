//! Owns what the stand-in for CometBFT remembers, and its answers out of that.

use std::collections::BTreeSet;

use ait_app::crypto::{PublicKey, sha256};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tendermint_proto::v0_38::{
    abci::{CommitInfo, Validator, VoteInfo},
    types::BlockIdFlag,
};

use crate::harness::CHAIN_ID;

/// What the stand-in remembers.
#[derive(Default)]
pub struct Chain {
    pub mempool: Vec<Vec<u8>>,
    pub cache: BTreeSet<Vec<u8>>,
    pub blocks: Vec<Block>,
    pub peers: Vec<Value>,
    pub dialled: Option<Vec<String>>,
    pub catching_up: bool,
    /// What it says of its consensus.
    pub consensus: Option<Value>,
    /// What the next broadcast is answered instead of being checked.
    pub mempool_error: Option<String>,
    pub broadcasts: usize,
    /// Whole blocks that were asked for.
    pub blocks_read: usize,
    pub consensus_key: Option<[u8; 32]>,
    /// Who is in the set, with proposer priority.
    pub validators: Vec<(PublicKey, i64)>,
    /// Those of the set who sign no block.
    pub absent: BTreeSet<PublicKey>,
}

/// A block that was made.
#[derive(Clone)]
pub struct Block {
    pub height: u64,
    pub hash: [u8; 32],
    pub parent: String,
    pub proposer: [u8; 20],
    pub txs: Vec<Vec<u8>>,
    pub data_hash: [u8; 32],
    pub app_hash_before: Vec<u8>,
}

impl Chain {
    /// Who signed the block before the next.
    pub fn last_commit(&self) -> CommitInfo {
        let vote = |(key, _): &(PublicKey, i64)| {
            let flag = if self.absent.contains(key) {
                BlockIdFlag::Absent
            } else {
                BlockIdFlag::Commit
            };
            VoteInfo {
                validator: Some(Validator {
                    address: sha256(key.as_bytes())[..20].to_vec().into(),
                    power: 1,
                }),
                block_id_flag: flag as i32,
            }
        };
        CommitInfo {
            round: 0,
            votes: self.validators.iter().map(vote).collect(),
        }
    }

    pub fn at(&self, params: &Value) -> Result<&Block, Value> {
        let height: u64 = params["height"].as_str().unwrap().parse().unwrap();
        let head = self.blocks.last().map_or(0, |block| block.height);
        self.blocks
            .iter()
            .find(|block| block.height == height)
            .ok_or_else(|| {
                internal(&format!(
                    "height {height} must be less than or equal to the current blockchain height {head}"
                ))
            })
    }

    pub fn commit(&self, params: &Value) -> Result<Value, Value> {
        let block = self.at(params)?;
        let head = self.blocks.last().map_or(0, |block| block.height);
        Ok(json!({
            "signed_header": {
                "header": block.header(),
                "commit": {"height": block.height.to_string(), "round": 0,
                    "block_id": {"hash": hex::encode_upper(block.hash)}, "signatures": [
                    {"block_id_flag": 1, "validator_address": "", "signature": null,
                     "timestamp": "0001-01-01T00:00:00Z"},
                    {"block_id_flag": 2, "validator_address": hex::encode_upper(block.proposer),
                     "timestamp": block.time(), "signature": STANDARD.encode(block.signature())},
                ]},
            },
            "canonical": block.height < head,
        }))
    }

    pub fn validators(&self, params: &Value) -> Result<Value, Value> {
        let number = |name: &str| -> usize { params[name].as_str().unwrap().parse().unwrap() };
        let (page, per_page, total) = (
            number("page"),
            number("per_page").min(100),
            self.validators.len(),
        );
        let pages = total.div_ceil(per_page).max(1);
        if !(1..=pages).contains(&page) {
            return Err(internal(&format!(
                "page should be within [1, {pages}] range, given {page}"
            )));
        }
        let head = self.blocks.last().map_or(0, |block| block.height);
        let newest = (head + 1).to_string();
        let shown = self.validators.chunks(per_page).nth(page - 1);
        let shown: Vec<Value> = shown
            .unwrap_or_default()
            .iter()
            .map(|(key, priority)| {
                json!({
                    "address": hex::encode_upper(&sha256(key.as_bytes())[..20]),
                    "pub_key": {
                        "type": "tendermint/PubKeyEd25519",
                        "value": STANDARD.encode(key.as_bytes()),
                    },
                    "voting_power": "1",
                    "proposer_priority": priority.to_string(),
                })
            })
            .collect();
        Ok(json!({
            "block_height": params["height"].as_str().unwrap_or(&newest),
            "count": shown.len().to_string(),
            "total": total.to_string(),
            "validators": shown,
        }))
    }

    /// Takes the hash in hex, as CometBFT does here alone: `block_by_hash` has base64.
    pub fn header_by_hash(&self, params: &Value) -> Result<Value, Value> {
        let hash = hex::decode(params["hash"].as_str().unwrap()).map_err(|error| {
            let data = format!("error converting json params to arguments: {error}");
            json!({"code": -32602, "message": "Invalid params", "data": data})
        })?;
        let found = self.blocks.iter().find(|block| block.hash[..] == hash);
        Ok(json!({"header": found.map(Block::header)}))
    }
}

impl Block {
    fn time(&self) -> String {
        let second = self.height;
        assert!(second < 60, "the stand-in's clock has one minute");
        format!("2026-01-01T00:00:{second:02}.123456789Z")
    }

    fn signature(&self) -> [u8; 64] {
        [self.height as u8; 64]
    }

    pub fn header(&self) -> Value {
        json!({
            "version": {"block": "11", "app": "1"},
            "chain_id": CHAIN_ID,
            "height": self.height.to_string(),
            "time": self.time(),
            "last_block_id": {"hash": self.parent},
            "data_hash": hex::encode_upper(self.data_hash),
            "app_hash": hex::encode_upper(&self.app_hash_before),
            "proposer_address": hex::encode_upper(self.proposer),
        })
    }

    pub fn answer(&self) -> Value {
        let txs: Vec<String> = self.txs.iter().map(|tx| STANDARD.encode(tx)).collect();
        json!({
            "block_id": {"hash": hex::encode_upper(self.hash)},
            "block": {
                "header": self.header(),
                "data": {"txs": if txs.is_empty() { Value::Null } else { json!(txs) }},
                "evidence": {"evidence": []},
                "last_commit": null,
            },
        })
    }
}

/// CometBFT's root of a block's entries (RFC 6962).
pub fn data_hash(txs: &[Vec<u8>]) -> [u8; 32] {
    match txs {
        [] => sha256(b""),
        [tx] => sha256(&[&[0][..], &sha256(tx)].concat()),
        many => {
            let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
            sha256(&[&[1][..], &data_hash(left), &data_hash(right)].concat())
        }
    }
}

/// A JSON-RPC error of CometBFT.
pub fn internal(data: &str) -> Value {
    json!({"code": -32603, "message": "Internal error", "data": data})
}
