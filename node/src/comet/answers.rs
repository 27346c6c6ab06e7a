//! Owns the shapes of CometBFT's answers, as far as they are used (CometBFT RPC, `ResultBlock` and others).

use std::{fmt::Display, str::FromStr};

use ait_app::crypto::PublicKey;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

#[derive(Debug, Clone, Deserialize)]
pub struct NodeStatus {
    /// How far it is.
    pub sync_info: SyncInfo,
}

/// A part of `status`.
#[derive(Debug, Clone, Deserialize)]
pub struct SyncInfo {
    /// Whether it fetches blocks that others already have.
    pub catching_up: bool,
}

/// `broadcast_tx_sync`.
#[derive(Debug, Clone, Deserialize)]
pub struct BroadcastAnswer {
    /// CheckTx's code.
    pub code: u32,
    /// Its message.
    #[serde(default)]
    pub log: String,
}

/// `block` and `block_by_hash`.
#[derive(Debug, Clone, Deserialize)]
pub struct BlockAnswer {
    /// What names the block.
    pub block_id: BlockId,
    pub block: Option<Block>,
}

/// What names a block.
#[derive(Debug, Clone, Deserialize)]
pub struct BlockId {
    /// Its hash, upper-case hex; empty before the first block.
    pub hash: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Block {
    pub header: Header,
    /// What it holds.
    pub data: Data,
}

/// The entries of a block.
#[derive(Debug, Clone, Deserialize)]
pub struct Data {
    /// Base64 each; null where there are none.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub txs: Vec<String>,
}

/// The header of a block.
#[derive(Debug, Clone, Deserialize)]
pub struct Header {
    #[serde(deserialize_with = "number_in_text")]
    pub height: u64,
    /// RFC 3339.
    pub time: String,
    /// The block before.
    pub last_block_id: BlockId,
    /// The state's root after the block before, hex.
    pub app_hash: String,
    /// The proposer's consensus address, hex.
    pub proposer_address: String,
    /// The Merkle root of the hashes of its entries, hex.
    #[serde(default)]
    pub data_hash: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct HeaderAnswer {
    pub header: Option<Header>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct CommitAnswer {
    /// The header and who signed it.
    pub signed_header: SignedHeader,
    /// Whether these are the signatures that the next block holds.
    pub canonical: bool,
}

/// `commit`, of which nothing is read here.
#[derive(Debug, Clone, Deserialize)]
pub struct SignedHeaderAnswer {
    /// The header and who signed it; null where the block was pruned.
    pub signed_header: Value,
}

/// A part of `commit`.
#[derive(Debug, Clone, Deserialize)]
pub struct SignedHeader {
    /// What is signed.
    pub header: Header,
    /// The signatures.
    pub commit: Option<Commit>,
}

/// The signatures under a block.
#[derive(Debug, Clone, Deserialize)]
pub struct Commit {
    /// The block that they are under.
    pub block_id: BlockId,
    /// One a validator.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub signatures: Vec<CommitSignature>,
}

/// One validator's part of a commit.
#[derive(Debug, Clone, Deserialize)]
pub struct CommitSignature {
    /// 1 absent, 2 for the block, 3 for none.
    pub block_id_flag: u8,
    /// The consensus address, hex.
    pub validator_address: String,
    /// Base64; null or empty where absent.
    pub signature: Option<String>,
}

/// A page of `validators`.
#[derive(Debug, Clone, Deserialize)]
pub struct ValidatorsAnswer {
    /// The height whose set it is.
    #[serde(deserialize_with = "number_in_text")]
    pub block_height: u64,
    /// The page.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub validators: Vec<ValidatorEntry>,
    /// How many the set has on all pages.
    #[serde(deserialize_with = "number_in_text")]
    pub total: usize,
}

/// A validator of CometBFT's set.
#[derive(Debug, Clone, Deserialize)]
pub struct ValidatorEntry {
    /// Its consensus key.
    pub pub_key: TypedKey,
    /// Voting power.
    #[serde(deserialize_with = "number_in_text")]
    pub voting_power: u64,
    /// Power adds to it with every block; who has the most proposes, and loses the power of the
    /// whole set.
    #[serde(deserialize_with = "number_in_text")]
    pub proposer_priority: i64,
}

impl ValidatorEntry {
    /// Its consensus key; `None` where that is no ed25519 key.
    pub fn pubkey(&self) -> Option<PublicKey> {
        let bytes = STANDARD.decode(&self.pub_key.value).ok()?;
        PublicKey::from_bytes(bytes.try_into().ok()?).ok()
    }
}

/// A key in amino JSON.
#[derive(Debug, Clone, Deserialize)]
pub struct TypedKey {
    /// Base64.
    pub value: String,
}

/// `net_info`.
#[derive(Debug, Clone, Deserialize)]
pub struct NetInfo {
    #[serde(default, deserialize_with = "null_as_empty")]
    pub peers: Vec<Peer>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Peer {
    /// What it says of itself.
    pub node_info: NodeInfo,
    /// Whether this node dialled it.
    pub is_outbound: bool,
    /// Where it is.
    pub remote_ip: String,
}

/// What a peer says of itself.
#[derive(Debug, Clone, Deserialize)]
pub struct NodeInfo {
    /// The id of its node key, hex.
    pub id: String,
    /// Where it says it listens.
    #[serde(default)]
    pub listen_addr: String,
    /// Its name.
    #[serde(default)]
    pub moniker: String,
}

/// CometBFT writes 64-bit integers as text.
pub(super) fn number_in_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

pub(super) fn null_as_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_of_cometbft_is_read() {
        let answer: Option<CommitAnswer> = serde_json::from_str(
            r#"{"signed_header":{"header":{"version":{"block":"11"},"chain_id":"c","height":"5",
                "time":"2024-01-01T00:00:00Z","last_block_id":{"hash":"AA"},"data_hash":"EE",
                "app_hash":"CC","proposer_address":"DD"},
                "commit":{"height":"5","round":0,"block_id":{"hash":"AB"},"signatures":[
                {"block_id_flag":2,"validator_address":"00","timestamp":"2024-01-01T00:00:00Z","signature":"AA=="},
                {"block_id_flag":1,"validator_address":"","timestamp":"0001-01-01T00:00:00Z","signature":null}]}},
                "canonical":true}"#,
        )
        .unwrap();
        let answer = answer.unwrap();
        assert!(answer.canonical);
        assert_eq!(answer.signed_header.header.data_hash, "EE");
        let commit = answer.signed_header.commit.unwrap();
        assert_eq!(commit.block_id.hash, "AB");
        let signatures = commit.signatures;
        assert_eq!(signatures.len(), 2);
        assert_eq!(signatures[1].signature, None);
    }

    #[test]
    fn a_validator_of_cometbft_is_read() {
        let answer: ValidatorsAnswer = serde_json::from_str(
            r#"{"block_height":"7","validators":[{"address":"1C304EA8E41A7BC1A80E62800834CF17997F4311",
                "pub_key":{"type":"tendermint/PubKeyEd25519",
                "value":"aKSdpWDQSbYftYDdEMDBMd2hTYqJJpcjCr4lTpQyhCY="},
                "voting_power":"10","proposer_priority":"-20"}],"count":"1","total":"101"}"#,
        )
        .unwrap();
        assert_eq!((answer.block_height, answer.total), (7, 101));
        let validator = &answer.validators[0];
        assert_eq!(validator.proposer_priority, -20);
        assert_eq!(
            validator.pubkey().unwrap().to_string(),
            "68a49da560d049b61fb580dd10c0c131dda14d8a892697230abe254e94328426"
        );
    }

    #[test]
    fn a_pruned_block_is_read_as_none() {
        let answer: BlockAnswer = serde_json::from_str(
            r#"{"block_id":{"hash":"","parts":{"total":0,"hash":""}},"block":null}"#,
        )
        .unwrap();
        assert!(answer.block.is_none());
        let commit: Option<CommitAnswer> = serde_json::from_str("null").unwrap();
        assert!(commit.is_none());
    }
}
