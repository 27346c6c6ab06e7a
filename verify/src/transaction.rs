//! Owns transaction bundles: a transaction's place in its block, and the code that it ended with. The block's header has a
//! Merkle root of its entries (RFC 6962), and the next one, which is signed, one of their results.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tendermint::{
    Hash,
    block::{Header, signed_header::SignedHeader},
    validator::Set,
};

use crate::{
    document,
    malformed::Malformed,
    rejection::Rejection,
    signed_header,
    unix_time::UnixTime,
    validators::{self, Validator},
};

/// A block has fewer than 2^32 entries, so no path is longer.
const MAX_PATH: usize = 32;
const LEAF: u8 = 0;
const INNER: u8 = 1;

/// A transaction's place in a block, and its code. Parsed is not judged: what it says holds once it was verified.
#[derive(Debug, Clone, PartialEq)]
pub struct TxBundle {
    height: u64,
    tx: Vec<u8>,
    tx_path: Vec<Neighbour>,
    code: u32,
    result_path: Vec<Neighbour>,
    header: Header,
    pub(crate) signed_header: SignedHeader,
    pub(crate) validators: Set,
}

/// A neighbour on the way to a root, by the side on which it stands. The sides say where a leaf stands: a place and a
/// number of leaves would say it in more than one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Neighbour {
    Left([u8; 32]),
    Right([u8; 32]),
}

/// As a document writes it.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Left(String),
    Right(String),
}

/// What is verified of a transaction: every field was followed from the trusted header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedTx {
    /// The chain.
    pub chain_id: String,
    /// The block that it stands in.
    pub height: u64,
    /// Its bytes. Their SHA-256 is the transaction's hash.
    pub tx: Vec<u8>,
    /// The code that it ended with; 0: it succeeded.
    pub code: u32,
    /// The time of its block.
    pub time: UnixTime,
    /// The height of the header that it was verified against: `height` + 1.
    pub header_height: u64,
    /// That header's hash.
    pub header_hash: [u8; 32],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    format: u64,
    height: u64,
    tx: String,
    tx_path: Vec<Step>,
    result: String,
    result_path: Vec<Step>,
    #[serde(borrow)]
    header: &'a RawValue,
    #[serde(borrow)]
    signed_header: &'a RawValue,
    validators: Vec<Validator>,
}

impl TxBundle {
    /// Reads a bundle (its fields are in the [crate's documentation](crate)), or an answer that has it in its field
    /// `proof`; of such an answer nothing else is read.
    ///
    /// # Errors
    /// [`Malformed`] names the field: one that is unknown, missing, given twice, too long or not written in the only way
    /// that is read.
    pub fn parse(json: &[u8]) -> Result<Self, Malformed> {
        const WHAT: &str = "transaction bundle";
        let wire: Wire<'_> = document::read(WHAT, document::bundle_in(WHAT, json)?)?;
        document::check_format(wire.format)?;
        Ok(Self {
            height: wire.height,
            tx: bytes("tx", &wire.tx)?,
            tx_path: path("tx_path", &wire.tx_path)?,
            code: code(&bytes("result", &wire.result)?)?,
            result_path: path("result_path", &wire.result_path)?,
            header: signed_header::read_header(wire.header)?,
            signed_header: signed_header::read(wire.signed_header)?,
            validators: validators::read("validators", &wire.validators)?,
        })
    }

    /// The height of the signed header: where a [`Walk`](crate::Walk) to it ends.
    pub fn header_height(&self) -> u64 {
        self.signed_header.header.height.value()
    }

    /// The chain that the signed header claims.
    pub fn chain_id(&self) -> &str {
        self.signed_header.header.chain_id.as_str()
    }

    /// What it says, once that is verified.
    pub(crate) fn verified(&self) -> VerifiedTx {
        let signed = &self.signed_header.header;
        VerifiedTx {
            chain_id: self.chain_id().to_owned(),
            height: self.height,
            tx: self.tx.clone(),
            code: self.code,
            time: signed_header::time(&self.header),
            header_height: signed.height.value(),
            header_hash: signed_header::hash(signed),
        }
    }

    /// Whether it holds by itself: its header is the one before the signed one, and both paths lead to their roots.
    pub(crate) fn judge(&self) -> Result<(), Rejection> {
        let signed = &self.signed_header.header;
        let (height, next) = (self.header.height.value(), signed.height.value());
        if self.height != height || height.checked_add(1) != Some(next) {
            return Err(Rejection::BundleHeight {
                height: self.height,
                header: next,
            });
        }
        let (named, hash) = (signed.last_block_id, self.header.hash());
        if named.is_none_or(|named| named.hash != hash) {
            return Err(Rejection::OtherHeader {
                expected: named
                    .map(|named| named.hash.to_string())
                    .unwrap_or_default(),
                got: hash.to_string(),
            });
        }
        let not_in_block = |field, root| Err(Rejection::NotInBlock { field, root });
        let tx_hash: [u8; 32] = Sha256::digest(&self.tx).into();
        if !is(self.header.data_hash, root(&tx_hash, &self.tx_path)) {
            return not_in_block("tx_path", "data_hash");
        }
        // Both trees have as many leaves: the same turns lead to the same place.
        let turns = |path: &[Neighbour]| path.iter().map(is_left).collect::<Vec<_>>();
        let result_root = root(&result(self.code), &self.result_path);
        if turns(&self.tx_path) != turns(&self.result_path)
            || !is(signed.last_results_hash, result_root)
        {
            return not_in_block("result_path", "last_results_hash");
        }
        signed_header::judge(&self.signed_header, &self.validators)
    }
}

/// Where a path from a leaf leads.
fn root(leaf: &[u8], path: &[Neighbour]) -> [u8; 32] {
    let hash = |kind: u8, left: &[u8], right: &[u8]| -> [u8; 32] {
        let digest = Sha256::new().chain_update([kind]);
        let digest = digest.chain_update(left).chain_update(right);
        digest.finalize().into()
    };
    let start = hash(LEAF, leaf, &[]);
    path.iter().fold(start, |node, step| match step {
        Neighbour::Left(left) => hash(INNER, left, &node),
        Neighbour::Right(right) => hash(INNER, &node, right),
    })
}

fn is(named: Option<Hash>, computed: [u8; 32]) -> bool {
    named == Some(Hash::Sha256(computed))
}

fn is_left(step: &Neighbour) -> bool {
    matches!(step, Neighbour::Left(_))
}

/// As many as the document has room for: a proposer's entry may have more than a transaction.
fn bytes(field: &'static str, text: &str) -> Result<Vec<u8>, Malformed> {
    STANDARD
        .decode(text)
        .map_err(|_| Malformed::field(field, "is not base64 with its padding"))
}

fn path(field: &'static str, steps: &[Step]) -> Result<Vec<Neighbour>, Malformed> {
    if steps.len() > MAX_PATH {
        return Err(Malformed::TooLarge {
            what: field,
            size: steps.len(),
            limit: MAX_PATH,
        });
    }
    let read = |(index, step): (usize, &Step)| {
        let (Step::Left(text) | Step::Right(text)) = step;
        let mut hash = [0; 32];
        match (hex::decode_to_slice(text, &mut hash), step) {
            (Ok(()), Step::Left(_)) if hex::encode(hash) == *text => Ok(Neighbour::Left(hash)),
            (Ok(()), Step::Right(_)) if hex::encode(hash) == *text => Ok(Neighbour::Right(hash)),
            _ => {
                let reason = "is not 64 lower-case hex characters";
                Err(Malformed::field(format!("{field}[{index}]"), reason))
            }
        }
    };
    steps.iter().enumerate().map(read).collect()
}

/// The result that has this code alone, as protobuf writes it: field 1, a varint, and nothing where it is 0.
fn result(code: u32) -> Vec<u8> {
    const FIELD: u8 = 1 << 3;
    let mut bytes = Vec::new();
    if code == 0 {
        return bytes;
    }
    bytes.push(FIELD);
    prost_ics23::encoding::encode_varint(code.into(), &mut bytes);
    bytes
}

/// The code of a result.
fn code(bytes: &[u8]) -> Result<u32, Malformed> {
    let malformed = || {
        let reason = "is not a protobuf ExecTxResult with code alone";
        Malformed::field("result", reason)
    };
    let [_, varint @ ..] = bytes else {
        return Ok(0);
    };
    let code = prost_ics23::encoding::decode_varint(&mut &*varint).map_err(|_| malformed())?;
    let code = u32::try_from(code).map_err(|_| malformed())?;
    if result(code) == bytes {
        Ok(code)
    } else {
        Err(malformed())
    }
}
