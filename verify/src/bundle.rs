//! Owns proof bundles: a record, its proofs and the signed header that they end in.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tendermint::{block::signed_header::SignedHeader, validator::Set};

use crate::{
    document,
    malformed::Malformed,
    membership::{Membership, Op},
    rejection::Rejection,
    signed_header,
    trusted::Verified,
    validators::{self, Validator},
};

/// The most bytes of a record.
const MAX_VALUE_BYTES: usize = 64 << 10;
/// The most bytes of a state key.
const MAX_KEY_BYTES: usize = 1 << 10;

/// A record of the state, or that there is none, with all that is needed to verify it from a trusted header.
///
/// Parsed is not judged: what it says holds once [`Trusted::verify`](crate::Trusted::verify) answered it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    pub(crate) height: u64,
    pub(crate) key: String,
    pub(crate) value: Option<String>,
    pub(crate) app_hash: [u8; 32],
    membership: Membership,
    pub(crate) signed_header: SignedHeader,
    pub(crate) validators: Set,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    format: u64,
    height: u64,
    key: String,
    /// Null where there is no record, and never left out.
    #[serde(deserialize_with = "required")]
    value: Option<String>,
    app_hash: String,
    ops: [Op; 2],
    #[serde(borrow)]
    signed_header: &'a RawValue,
    validators: Vec<Validator>,
}

fn required<'de, D: Deserializer<'de>>(field: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(field)
}

impl Bundle {
    /// Reads a bundle (its fields are in the [crate's documentation](crate)), or an answer that has it in
    /// its field `proof`. Of such an answer nothing but `proof` is read, so nothing else of it is verified:
    /// the record is [`Verified::value`](crate::Verified).
    ///
    /// # Errors
    /// [`Malformed`] names the field: one that is unknown, missing, given twice, too long or not written in
    /// the only way that is read, a set that is none, and more than
    /// [`MAX_DOCUMENT_BYTES`](crate::MAX_DOCUMENT_BYTES). White space and the order of fields are free.
    pub fn parse(json: &[u8]) -> Result<Self, Malformed> {
        const WHAT: &str = "proof bundle";
        let wire: Wire<'_> = document::read(WHAT, document::bundle_in(WHAT, json)?)?;
        document::check_format(wire.format)?;
        let value = wire.value.as_ref().map_or(0, String::len);
        bounded("value", value, MAX_VALUE_BYTES)?;
        bounded("key", wire.key.len(), MAX_KEY_BYTES)?;
        Ok(Self {
            height: wire.height,
            app_hash: app_hash(&wire.app_hash)?,
            membership: Membership::read(&wire.key, &wire.ops)?,
            key: wire.key,
            value: wire.value,
            signed_header: signed_header::read(wire.signed_header)?,
            validators: validators::read("validators", &wire.validators)?,
        })
    }

    /// The height after whose block the state is proved, as the bundle claims it.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// The height of the bundle's header: where a [`Walk`](crate::Walk) to it ends.
    pub fn header_height(&self) -> u64 {
        self.signed_header.header.height.value()
    }

    /// The chain that the bundle's header claims.
    pub fn chain_id(&self) -> &str {
        self.signed_header.header.chain_id.as_str()
    }

    /// The state key that the bundle is about. A caller compares it with the one that was asked for.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What it says, once that is verified.
    pub(crate) fn verified(&self) -> Verified {
        let header = &self.signed_header.header;
        Verified {
            chain_id: self.chain_id().to_owned(),
            height: self.height,
            header_height: header.height.value(),
            header_hash: signed_header::hash(header),
            time: signed_header::time(header),
            app_hash: self.app_hash,
            key: self.key.clone(),
            value: self.value.clone(),
        }
    }

    /// Whether it holds by itself: its header is the next one, signed by the set that it names, and the
    /// proofs end in its app hash.
    pub(crate) fn judge(&self) -> Result<(), Rejection> {
        let header = &self.signed_header.header;
        if self.height.checked_add(1) != Some(header.height.value()) {
            return Err(Rejection::BundleHeight {
                height: self.height,
                header: header.height.value(),
            });
        }
        if header.app_hash.as_bytes() != self.app_hash {
            return Err(Rejection::AppHash {
                expected: hex::encode(header.app_hash.as_bytes()),
                got: hex::encode(self.app_hash),
            });
        }
        let value = self.value.as_deref();
        self.membership.judge(&self.app_hash, &self.key, value)?;
        signed_header::judge(&self.signed_header, &self.validators)
    }
}

fn bounded(what: &'static str, size: usize, limit: usize) -> Result<(), Malformed> {
    if size > limit {
        return Err(Malformed::TooLarge { what, size, limit });
    }
    Ok(())
}

fn app_hash(text: &str) -> Result<[u8; 32], Malformed> {
    let mut bytes = [0; 32];
    let read = hex::decode_to_slice(text, &mut bytes);
    if read.is_err() || hex::encode(bytes) != text {
        let reason = "is not 64 lower-case hex characters";
        return Err(Malformed::field("app_hash", reason));
    }
    Ok(bytes)
}
