//! Owns a chain that signs real commits: its validators, headers, light blocks and bundles, as JSON that a
//! test may change before it is verified.

use std::time::Duration;

use ait_verify::{Bundle, LightBlock, Policy, Rejection, Trusted, UnixTime, Verified};
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use tendermint::{
    Hash, Vote,
    block::{Header, Id},
    vote::{SignedVote, Type},
};

use crate::state::{self, State, sha256};

pub const CHAIN: &str = "ait-test";
const GENESIS: u64 = 1_767_225_600;

/// A validator with its key.
#[derive(Clone)]
pub struct Signer {
    key: SigningKey,
    power: u64,
}

impl Signer {
    pub fn new(number: u64, power: u64) -> Self {
        let seed = sha256(format!("validator {number}").as_bytes());
        let key = SigningKey::from_bytes(&seed);
        Self { key, power }
    }

    pub fn address(&self) -> String {
        hex::encode_upper(&sha256(self.key.verifying_key().as_bytes())[..20])
    }

    pub fn json(&self) -> Value {
        let key = STANDARD.encode(self.key.verifying_key().as_bytes());
        json!({"pub_key": key, "power": self.power.to_string()})
    }
}

/// Validators with these powers, in CometBFT's order.
pub fn set(numbered: impl IntoIterator<Item = (u64, u64)>) -> Vec<Signer> {
    let mut set: Vec<_> = numbered
        .into_iter()
        .map(|(number, power)| Signer::new(number, power))
        .collect();
    set.sort_by_key(|signer| (core::cmp::Reverse(signer.power), signer.address()));
    set
}

/// So many validators of 10 power each.
pub fn equals(count: u64) -> Vec<Signer> {
    set((0..count).map(|number| (number, 10)))
}

pub fn listed(set: &[Signer]) -> Value {
    set.iter().map(Signer::json).collect()
}

pub fn set_hash(set: &[Signer]) -> String {
    let infos = set.iter().map(|signer| {
        let key = signer.key.verifying_key();
        let key = tendermint::PublicKey::from_raw_ed25519(key.as_bytes()).unwrap();
        tendermint::validator::Info::new(key, signer.power.try_into().unwrap())
    });
    tendermint::validator::Set::without_proposer(infos.collect())
        .hash()
        .to_string()
}

/// When the block of a height is made; a second passes between two.
pub fn time_of(height: u64) -> UnixTime {
    UnixTime::from(Duration::new(GENESIS + height, 123_456_780))
}

/// What a validator does with a block.
#[derive(Clone, Copy, PartialEq)]
pub enum Ballot {
    For,
    Nil,
    Absent,
}

/// What is signed: that of the header, unless a test says otherwise.
#[derive(Clone)]
pub struct Signed {
    pub chain_id: String,
    pub height: u64,
    pub hash: Hash,
}

impl Signed {
    pub fn of(header: &Value) -> Self {
        let header = parsed(header);
        Self {
            chain_id: header.chain_id.to_string(),
            height: header.height.value(),
            hash: header.hash(),
        }
    }
}

fn parsed(header: &Value) -> Header {
    serde_json::from_value(header.clone()).unwrap()
}

pub fn header_hash(header: &Value) -> [u8; 32] {
    parsed(header).hash().as_bytes().try_into().unwrap()
}

/// A header of the test chain.
pub fn header(height: u64, app_hash: [u8; 32], set: &[Signer], next: &[Signer]) -> Value {
    let some = |name: &str| hex::encode_upper(sha256(format!("{name} {height}").as_bytes()));
    let last = match height {
        1 => json!({"hash": "", "parts": {"total": 0, "hash": ""}}),
        _ => json!({"hash": some("block"), "parts": {"total": 1, "hash": some("parts")}}),
    };
    json!({
        "version": {"block": "11", "app": "3"},
        "chain_id": CHAIN,
        "height": height.to_string(),
        "time": time_of(height).to_string(),
        "last_block_id": last,
        "last_commit_hash": some("commit"),
        "data_hash": some("data"),
        "validators_hash": set_hash(set),
        "next_validators_hash": set_hash(next),
        "consensus_hash": some("consensus"),
        "app_hash": hex::encode_upper(app_hash),
        "last_results_hash": some("results"),
        "evidence_hash": some("evidence"),
        "proposer_address": set[0].address(),
    })
}

/// The commit of a header by those who vote for it.
pub fn commit(header: &Value, set: &[Signer], ballots: &[Ballot]) -> Value {
    commit_over(header, set, ballots, |_, signed| signed)
}

/// The same, where the validator in a place signs something else.
pub fn commit_over(
    header: &Value,
    set: &[Signer],
    ballots: &[Ballot],
    what: impl Fn(usize, Signed) -> Signed,
) -> Value {
    let of_header = Signed::of(header);
    let parts = json!({"total": 1, "hash": "AB".repeat(32)});
    let signatures: Value = set
        .iter()
        .zip(ballots)
        .enumerate()
        .map(|(index, (signer, ballot))| {
            entry(signer, *ballot, index, &what(index, of_header.clone()))
        })
        .collect();
    json!({
        "height": header["height"],
        "round": 2,
        "block_id": {"hash": of_header.hash.to_string(), "parts": parts},
        "signatures": signatures,
    })
}

fn entry(signer: &Signer, ballot: Ballot, index: usize, signed: &Signed) -> Value {
    if ballot == Ballot::Absent {
        return json!({"block_id_flag": 1, "validator_address": "", "timestamp": "0001-01-01T00:00:00Z", "signature": null});
    }
    let second = Duration::from_millis(1_500 + 7 * u64::try_from(index).unwrap());
    let time = UnixTime::from(Duration::from_secs(time_of(signed.height).seconds()) + second);
    let parts: tendermint::block::parts::Header =
        serde_json::from_value(json!({"total": 1, "hash": "AB".repeat(32)})).unwrap();
    let id = Id {
        hash: signed.hash,
        part_set_header: parts,
    };
    let vote = Vote {
        vote_type: Type::Precommit,
        height: signed.height.try_into().unwrap(),
        round: 2u16.into(),
        block_id: (ballot == Ballot::For).then_some(id),
        timestamp: Some(tendermint::Time::parse_from_rfc3339(&time.to_string()).unwrap()),
        validator_address: signer.address().parse().unwrap(),
        validator_index: 0u32.try_into().unwrap(),
        // What is signed does not depend on it; the type wants one.
        signature: tendermint::Signature::new([0; 64]).unwrap(),
        extension: Vec::new(),
        extension_signature: None,
    };
    let chain = signed.chain_id.parse().unwrap();
    let bytes = SignedVote::from_vote(vote, chain).unwrap().sign_bytes();
    json!({
        "block_id_flag": if ballot == Ballot::For { 2 } else { 3 },
        "validator_address": signer.address(),
        "timestamp": time.to_string(),
        "signature": STANDARD.encode(signer.key.sign(&bytes).to_bytes()),
    })
}

/// All for the block.
pub fn all(set: &[Signer]) -> Vec<Ballot> {
    vec![Ballot::For; set.len()]
}

/// A chain whose set may change with the height, over one state.
pub struct Chain {
    pub state: State,
    set_at: Box<dyn Fn(u64) -> Vec<Signer>>,
}

impl Chain {
    pub fn of(set: Vec<Signer>) -> Self {
        Self::changing(move |_| set.clone())
    }

    pub fn changing(set_at: impl Fn(u64) -> Vec<Signer> + 'static) -> Self {
        Self {
            state: State::of_accounts(40),
            set_at: Box::new(set_at),
        }
    }

    pub fn set(&self, height: u64) -> Vec<Signer> {
        (self.set_at)(height)
    }

    pub fn header(&self, height: u64) -> Value {
        let app_hash = self.state.app_hash();
        header(height, app_hash, &self.set(height), &self.set(height + 1))
    }

    /// A header and its commit by the whole set.
    pub fn signed_header(&self, height: u64) -> Value {
        let (header, set) = (self.header(height), self.set(height));
        let commit = commit(&header, &set, &all(&set));
        json!({"header": header, "commit": commit})
    }

    pub fn light_block(&self, height: u64) -> Value {
        json!({
            "signed_header": self.signed_header(height),
            "validators": listed(&self.set(height)),
            "next_validators": listed(&self.set(height + 1)),
        })
    }

    /// The bundle of a key after the block of a height.
    pub fn bundle(&self, height: u64, key: &str) -> Value {
        let state = &self.state;
        json!({
            "format": 1,
            "height": height,
            "key": key,
            "value": state.value(key),
            "app_hash": hex::encode(state.app_hash()),
            "ops": state::ops(key, &state.record_proof(key), &state.root_proof()),
            "signed_header": self.signed_header(height + 1),
            "validators": listed(&self.set(height + 1)),
        })
    }

    /// Begins at the chain's block of a height.
    pub fn trusted(&self, height: u64) -> Trusted {
        let block = light_block(&self.light_block(height));
        Trusted::begin(CHAIN, height, block.hash(), &block).unwrap()
    }
}

pub fn light_block(json: &Value) -> LightBlock {
    LightBlock::parse(json.to_string().as_bytes()).unwrap()
}

/// Advances to a block as its JSON says it, an hour after the chain began.
pub fn advance(trusted: &Trusted, block: &Value) -> Result<Trusted, Rejection> {
    let block = LightBlock::parse(block.to_string().as_bytes())?;
    trusted.advance(&block, time_of(3_600), &Policy::default())
}

/// Verifies a bundle's JSON, an hour after the chain began.
pub fn verify(trusted: &Trusted, bundle: &Value) -> Result<Verified, Rejection> {
    verify_bytes(trusted, bundle.to_string().as_bytes())
}

pub fn verify_bytes(trusted: &Trusted, bundle: &[u8]) -> Result<Verified, Rejection> {
    let bundle = Bundle::parse(bundle)?;
    trusted.verify(&bundle, time_of(3_600), &Policy::default())
}
