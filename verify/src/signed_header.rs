//! Owns the reading of a header and its commit as CometBFT's RPC writes them, and the judging of the
//! commit by the set that the header names. What somebody trusts plays no part here.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};
use tendermint::{
    Hash, Vote,
    block::{Commit, CommitSig, Header, signed_header::SignedHeader},
    crypto::default::signature::Verifier,
    trust_threshold::TrustThreshold as _,
    validator::Set,
    vote::{SignedVote, Type, ValidatorIndex},
};
use tendermint_light_client_verifier::types::TrustThreshold;

use crate::{malformed::Malformed, rejection::Rejection, unix_time::UnixTime};

const FIELD: &str = "signed_header";

/// What CometBFT wrote, and nothing else: what tendermint-rs read, written as CometBFT writes it, has to be
/// the same JSON again but for white space and the order of fields.
///
/// # Errors
/// [`Malformed`] names the first field that differs, or `commit.height` where that is another block's.
pub(crate) fn read(raw: &RawValue) -> Result<SignedHeader, Malformed> {
    let error = |error: serde_json::Error| Malformed::json(FIELD, &error);
    check_signatures(raw)?;
    let mut reader = serde_json::Deserializer::from_str(raw.get());
    let read = SignedHeader::deserialize(&mut reader).map_err(error)?;
    if read.header.height.value() == 0 || UnixTime::of_header(read.header.time).is_none() {
        let reason = "is of no block: heights begin at 1, times in 1970";
        return Err(Malformed::field("signed_header.header", reason));
    }
    if read.commit.height != read.header.height {
        let reason = "is not that of the header";
        return Err(Malformed::field("signed_header.commit.height", reason));
    }
    let given: Value = serde_json::from_str(raw.get()).map_err(error)?;
    let canonical = as_cometbft_writes(serde_json::to_value(&read).map_err(error)?);
    match difference(FIELD, &given, &canonical) {
        None => Ok(read),
        Some(field) => Err(Malformed::field(
            field,
            "is not written as CometBFT writes it",
        )),
    }
}

/// The signatures alone, read before tendermint-rs reads them: its decoder of base64 panics at some texts.
#[derive(Deserialize)]
struct Signatures {
    commit: SignaturesOfCommit,
}

#[derive(Deserialize)]
struct SignaturesOfCommit {
    signatures: Vec<SignatureOfEntry>,
}

#[derive(Deserialize)]
struct SignatureOfEntry {
    signature: Option<String>,
}

/// Whether each is null or 64 bytes in base64.
fn check_signatures(raw: &RawValue) -> Result<(), Malformed> {
    let read: Signatures =
        serde_json::from_str(raw.get()).map_err(|error| Malformed::json(FIELD, &error))?;
    for (index, entry) in read.commit.signatures.iter().enumerate() {
        let Some(text) = &entry.signature else {
            continue;
        };
        if STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == 64) {
            continue;
        }
        let field = format!("{FIELD}.commit.signatures[{index}].signature");
        let reason = "is neither null nor 64 bytes in base64";
        return Err(Malformed::field(field, reason));
    }
    Ok(())
}

/// A header alone, by the same rule.
///
/// # Errors
/// [`Malformed`] names the first field that differs.
pub(crate) fn read_header(raw: &RawValue) -> Result<Header, Malformed> {
    const FIELD: &str = "header";
    let error = |error: serde_json::Error| Malformed::json(FIELD, &error);
    let read: Header = serde_json::from_str(raw.get()).map_err(error)?;
    let given: Value = serde_json::from_str(raw.get()).map_err(error)?;
    let mut written = serde_json::to_value(&read).map_err(error)?;
    header_as_cometbft_writes(&mut written);
    match difference(FIELD, &given, &written) {
        None => Ok(read),
        Some(field) => Err(Malformed::field(
            field,
            "is not written as CometBFT writes it",
        )),
    }
}

/// Two places where tendermint-rs writes what CometBFT writes otherwise.
fn header_as_cometbft_writes(header: &mut Value) {
    if header["version"]["app"] == "0"
        && let Some(version) = header["version"].as_object_mut()
    {
        version.remove("app");
    }
    if header["last_block_id"].is_null() {
        header["last_block_id"] = json!({"hash": "", "parts": {"total": 0, "hash": ""}});
    }
}

/// And a third one.
fn as_cometbft_writes(mut written: Value) -> Value {
    header_as_cometbft_writes(&mut written["header"]);
    let signatures = written["commit"]["signatures"].as_array_mut();
    for signature in signatures.into_iter().flatten() {
        if signature["signature"] == "" {
            signature["signature"] = Value::Null;
        }
    }
    written
}

/// The path of the first place where two JSON values differ.
fn difference(path: &str, given: &Value, expected: &Value) -> Option<String> {
    match (given, expected) {
        (Value::Object(given), Value::Object(expected)) => {
            let missing = |one: &Map<String, Value>, other: &Map<String, Value>| {
                let name = one.keys().find(|name| !other.contains_key(*name))?;
                Some(format!("{path}.{name}"))
            };
            missing(given, expected)
                .or_else(|| missing(expected, given))
                .or_else(|| {
                    let mut pairs = given.iter().zip(expected.values());
                    pairs.find_map(|((name, given), expected)| {
                        difference(&format!("{path}.{name}"), given, expected)
                    })
                })
        }
        (Value::Array(given), Value::Array(expected)) if given.len() == expected.len() => {
            let mut pairs = given.iter().zip(expected).enumerate();
            pairs.find_map(|(index, (given, expected))| {
                difference(&format!("{path}[{index}]"), given, expected)
            })
        }
        _ => (given != expected).then(|| path.to_owned()),
    }
}

/// The hash of a header, computed from its fields.
pub(crate) fn hash(header: &Header) -> [u8; 32] {
    match header.hash() {
        Hash::Sha256(bytes) => bytes,
        Hash::None => [0; 32],
    }
}

/// The time of a header; [`read`] refuses those before 1970.
pub(crate) fn time(header: &Header) -> UnixTime {
    UnixTime::of_header(header.time).unwrap_or_else(|| UnixTime::from_seconds(0))
}

/// Whether the set is the header's, the commit for this header, every signature in it its validator's, those
/// that are not counted too, and more than 2/3 of the power among them.
pub(crate) fn judge(signed: &SignedHeader, set: &Set) -> Result<(), Rejection> {
    let header = &signed.header;
    if set.hash() != header.validators_hash {
        return Err(Rejection::Validators {
            expected: header.validators_hash.to_string(),
            got: set.hash().to_string(),
        });
    }
    let hash = header.hash();
    if signed.commit.block_id.hash != hash {
        return Err(Rejection::OtherBlockSigned {
            expected: hash.to_string(),
            got: signed.commit.block_id.hash.to_string(),
        });
    }
    let (entries, validators) = (&signed.commit.signatures, set.validators());
    if entries.len() != validators.len() {
        return Err(Rejection::SignatureCount {
            expected: validators.len(),
            got: entries.len(),
        });
    }
    let mut power = 0u64;
    for index in 0..entries.len() {
        power = power.saturating_add(signed_power(signed, set, index)?);
    }
    let total = set.total_voting_power().value();
    if !TrustThreshold::TWO_THIRDS.is_enough_power(power, total) {
        return Err(Rejection::Power {
            signed: power,
            total,
        });
    }
    Ok(())
}

/// The power that one entry of a commit adds: none for an absent validator and for a vote against the block.
fn signed_power(signed: &SignedHeader, set: &Set, index: usize) -> Result<u64, Rejection> {
    let commit = &signed.commit;
    let (Some(entry), Some(validator)) =
        (commit.signatures.get(index), set.validators().get(index))
    else {
        return Ok(0);
    };
    let Some(address) = entry.validator_address() else {
        return Ok(0);
    };
    if address != validator.address {
        return Err(Rejection::Signer {
            index,
            expected: validator.address.to_string(),
            got: address.to_string(),
        });
    }
    let vote = vote(commit, entry, index)
        .and_then(|vote| SignedVote::from_vote(vote, signed.header.chain_id.clone()));
    let holds = vote.is_some_and(|vote| {
        let bytes = vote.sign_bytes();
        validator
            .verify_signature(&Verifier, &bytes, vote.signature())
            .is_ok()
    });
    if !holds {
        return Err(Rejection::Signature {
            index,
            address: address.to_string(),
        });
    }
    Ok(if entry.is_commit() {
        validator.power()
    } else {
        0
    })
}

/// The vote that an entry stands for; `None` for an absent one.
fn vote(commit: &Commit, entry: &CommitSig, index: usize) -> Option<Vote> {
    let (block_id, address, timestamp, signature) = match entry {
        CommitSig::BlockIdFlagAbsent => return None,
        CommitSig::BlockIdFlagCommit {
            validator_address,
            timestamp,
            signature,
        } => (
            Some(commit.block_id),
            validator_address,
            timestamp,
            signature,
        ),
        CommitSig::BlockIdFlagNil {
            validator_address,
            timestamp,
            signature,
        } => (None, validator_address, timestamp, signature),
    };
    Some(Vote {
        vote_type: Type::Precommit,
        height: commit.height,
        round: commit.round,
        block_id,
        timestamp: Some(*timestamp),
        validator_address: *address,
        validator_index: ValidatorIndex::try_from(index).ok()?,
        signature: signature.clone(),
        extension: Vec::new(),
        extension_signature: None,
    })
}
